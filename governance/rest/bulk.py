"""Applies an act to many items in one request, with a result for each: one refused item doesn't stop the others."""

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
    """The result of one item. index: its place in the request, from 0."""

    index = serializers.IntegerField()
    status = serializers.IntegerField(help_text="The status that a request for this item alone would have.")
    body = serializers.JSONField(allow_null=True)
    problem = ProblemSerializer(allow_null=True)


class BulkSerializer(serializers.Serializer[Any]):
    results = BulkItemSerializer(many=True)


def apply_in_bulk(items: Sequence[Item], act: Callable[[Item], Any], *, status: int = 200) -> dict[str, Any]:
    """The document for a BulkSerializer. Each item has its own transaction; a defect ends the whole request."""
    if len(items) > MAX_BULK_ITEMS:
        raise ValidationError(f"{len(items)} items were sent; send at most {MAX_BULK_ITEMS} in one request.")
    return {"results": [apply_to_item(index, item, act, status) for index, item in enumerate(items)]}


def apply_to_item(index: int, item: Item, act: Callable[[Item], Any], status: int) -> dict[str, Any]:
    try:
        with transaction.atomic():
            return {"index": index, "status": status, "body": act(item), "problem": None}
    # Only what a request can run into. Any other error is a defect of the portal and must not pass for a refusal.
    except EXPECTED_ERRORS as error:
        problem = convert_to_problem(error)
        if problem is None:
            raise
        return {"index": index, "status": problem.status, "body": None, "problem": problem.document()}
