"""The API's bulk acts on exception requests, with a result for each request."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exceptions.common.bulk_api import BulkActsApi, ItemsBody
from exceptions.requests import drafting
from exceptions.requests.api import PERMISSIONS_TO_REQUEST, TEXT, ExceptionApi
from governance.rest.bulk import BulkSerializer
from governance.rest.views import Answer


class ReasonItemsBody(ItemsBody):
    reason = serializers.CharField(**TEXT)


class BulkExceptionsApi(BulkActsApi, ExceptionApi):
    permissions: ClassVar = {"submit_many": PERMISSIONS_TO_REQUEST, "withdraw_many": PERMISSIONS_TO_REQUEST}
    queries: ClassVar = {}
    bodies: ClassVar = {"submit_many": ItemsBody, "withdraw_many": ReasonItemsBody}
    answers: ClassVar = {"submit_many": Answer(BulkSerializer), "withdraw_many": Answer(BulkSerializer)}
    matched: ClassVar = frozenset()

    def submit_many(self, _request: Request) -> Response:
        """Submit several drafts for decision; a result for each."""
        return self.each(lambda found, given: drafting.submit(request=found, **given))

    def withdraw_many(self, _request: Request) -> Response:
        """Withdraw several requests; a result for each."""
        return self.each(lambda found, given: drafting.withdraw(request=found, **given))
