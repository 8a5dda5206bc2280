"""Acts on many at once, each in the version that was read and with a result of its own. What can be done is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from exceptions.common.workflow_errors import translate_workflow_errors
from governance.rest.bulk import apply_in_bulk
from governance.rest.parsing import Strict
from governance.rest.views import Api


class ItemsBody(Strict):
    """items: ids, with the version of each that was read."""

    class Item(Strict):
        id = serializers.IntegerField()
        version = serializers.IntegerField()

    items = Item(many=True)


class BulkActsApi(Api):
    """What the two have in common; found(id) is that of the one they are of."""

    found: Callable[[int], Any]

    def each(self, act: Callable[[Any, dict[str, Any]], object]) -> Response:
        given = self.body()
        items = given.pop("items")

        def one(item: dict[str, int]) -> dict[str, Any]:
            found = self.found(item["id"])
            with translate_workflow_errors():
                act(found, {"actor": self.actor, "version": item["version"], **given})
            found.refresh_from_db(fields=["state", "version"])
            return {"id": found.pk, "state": found.state, "version": found.version}

        return self.answer(apply_in_bulk(items, one))
