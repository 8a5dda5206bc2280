"""Bulk acts of the API: each item names the version that was read, succeeds or fails alone, and has its own result."""

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
    """items: ids, each with the version that was read."""

    class Item(Strict):
        id = serializers.IntegerField()
        version = serializers.IntegerField()

    items = Item(many=True)


class BulkActsApi(Api):
    """The base of bulk acts on requests and on tickets. found(id) comes from the API that it is mixed into."""

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
