"""One request, many items, an answer for each: what can be done is done, and what can't says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import transaction
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from governance.rest.problems import EXPECTED_ERRORS, convert_to_problem
from governance.rest.schema import ProblemSerializer

MAX_BULK_ITEMS = 500
Item = TypeVar("Item")


class BulkItemSerializer(serializers.Serializer[Any]):
    """What became of one item. index: its place in the request, from 0."""

    index = serializers.IntegerField()
    status = serializers.IntegerField(help_text="As if the item had been a request of its own.")
    body = serializers.JSONField(allow_null=True)
    problem = ProblemSerializer(allow_null=True)


class BulkSerializer(serializers.Serializer[Any]):
    results = BulkItemSerializer(many=True)


def apply_in_bulk(items: Sequence[Item], act: Callable[[Item], Any], *, status: int = 200) -> dict[str, Any]:
    """A BulkSerializer's document. Each item in its own transaction; a defect ends the whole request."""
    if len(items) > MAX_BULK_ITEMS:
        raise ValidationError(f"{len(items)} items were sent; at most {MAX_BULK_ITEMS} fit in one request.")
    return {"results": [apply_to_item(index, item, act, status) for index, item in enumerate(items)]}


def apply_to_item(index: int, item: Item, act: Callable[[Item], Any], status: int) -> dict[str, Any]:
    try:
        with transaction.atomic():
            return {"index": index, "status": status, "body": act(item), "problem": None}
    except EXPECTED_ERRORS as error:
        said = convert_to_problem(error)
        if said is None:
            raise
        return {"index": index, "status": said.status, "body": None, "problem": said.document()}
