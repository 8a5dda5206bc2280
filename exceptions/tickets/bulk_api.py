"""Many tickets in one API call, each with its own result."""

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
        """Say of several that they are being worked on; an answer for each."""
        return self.each(lambda found, given: lifecycle.start_work(ticket=found, **given))

    def claim_many(self, _request: Request) -> Response:
        """Say of several that they are fixed: each is read again, and closed only if it passes."""
        return self.each(claim_ticket_fix)

    def cancel_many(self, _request: Request) -> Response:
        """Call several off; an answer for each. Nothing about their findings changes."""
        return self.each(lambda found, given: lifecycle.cancel(ticket=found, **given))


def claim_ticket_fix(ticket: Any, given: dict[str, Any]) -> None:
    scan = verification.claim_fix(ticket=ticket, **given)
    transaction.on_commit(lambda: tasks.enqueue_scan(scan.pk))
