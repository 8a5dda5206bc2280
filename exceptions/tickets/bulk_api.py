"""The API's bulk acts on tickets, with a result for each ticket."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exceptions.common.bulk_api import BulkActsApi, ItemsBody
from exceptions.tickets import lifecycle, verification
from exceptions.tickets.api import TEXT, TicketApi
from governance.core.policy import Permission
from governance.rest.bulk import BulkSerializer
from governance.rest.views import Answer
from scans import tasks


class NeededReasonItemsBody(ItemsBody):
    reason = serializers.CharField()


class AssigneeItemsBody(ItemsBody):
    assignee = serializers.CharField(**TEXT)


class BulkTicketsApi(BulkActsApi, TicketApi):
    permissions: ClassVar = {
        "start_many": Permission.TICKET_WORK,
        "claim_many": Permission.TICKET_WORK,
        "cancel_many": Permission.TICKET_PROPOSE,
    }
    queries: ClassVar = {}
    bodies: ClassVar = {"start_many": AssigneeItemsBody, "claim_many": ItemsBody, "cancel_many": NeededReasonItemsBody}
    answers: ClassVar = {act: Answer(BulkSerializer) for act in ("start_many", "claim_many", "cancel_many")}
    matched: ClassVar = frozenset()

    def start_many(self, _request: Request) -> Response:
        """Start work on several tickets; a result for each."""
        return self.each(lambda found, given: lifecycle.start_work(ticket=found, **given))

    def claim_many(self, _request: Request) -> Response:
        """Mark several tickets as fixed. Each one is rescanned, and closes only if every resource passes."""
        return self.each(claim_ticket_fix)

    def cancel_many(self, _request: Request) -> Response:
        """Cancel several tickets; a result for each. Their findings are unchanged."""
        return self.each(lambda found, given: lifecycle.cancel(ticket=found, **given))


def claim_ticket_fix(ticket: Any, given: dict[str, Any]) -> None:
    scan = verification.claim_fix(ticket=ticket, **given)
    transaction.on_commit(lambda: tasks.enqueue_scan(scan.pk))
