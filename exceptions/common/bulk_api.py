"""Acts on many at once, each in the version that was read and with a result of its own. What can be done is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exceptions.common.workflow_errors import workflow
from exceptions.requests import drafting
from exceptions.requests.api import ASKING, ExceptionApi
from exceptions.tickets import lifecycle, verification
from exceptions.tickets.api import TEXT, TicketApi
from governance.core.policy import Permission
from governance.identity.rest.bulk import BulkSerializer, in_bulk
from governance.identity.rest.parsing import Strict
from governance.identity.rest.views import Answer, Api
from scans import tasks


class ItemsBody(Strict):
    """items: ids, with the version of each that was read."""

    class Item(Strict):
        id = serializers.IntegerField()
        version = serializers.IntegerField()

    items = Item(many=True)


class ReasonItemsBody(ItemsBody):
    reason = serializers.CharField(**TEXT)


class NeededReasonItemsBody(ItemsBody):
    reason = serializers.CharField()


class AssigneeItemsBody(ItemsBody):
    assignee = serializers.CharField(**TEXT)


class Many(Api):
    """What the two have in common; found(id) is that of the one they are of."""

    found: Callable[[int], Any]

    def each(self, act: Callable[[Any, dict[str, Any]], object]) -> Response:
        given = self.body()
        items = given.pop("items")

        def one(item: dict[str, int]) -> dict[str, Any]:
            found = self.found(item["id"])
            with workflow():
                act(found, {"actor": self.actor, "version": item["version"], **given})
            found.refresh_from_db(fields=["state", "version"])
            return {"id": found.pk, "state": found.state, "version": found.version}

        return self.answer(in_bulk(items, one))


class ManyExceptionsApi(Many, ExceptionApi):
    permissions: ClassVar = {"submit_many": ASKING, "withdraw_many": ASKING}
    queries: ClassVar = {}
    bodies: ClassVar = {"submit_many": ItemsBody, "withdraw_many": ReasonItemsBody}
    answers: ClassVar = {"submit_many": Answer(BulkSerializer), "withdraw_many": Answer(BulkSerializer)}
    matched: ClassVar = frozenset()

    def submit_many(self, _request: Request) -> Response:
        """Ask for the decision of several drafts; an answer for each."""
        return self.each(lambda found, given: drafting.submit(request=found, **given))

    def withdraw_many(self, _request: Request) -> Response:
        """Take several back; an answer for each."""
        return self.each(lambda found, given: drafting.withdraw(request=found, **given))


class ManyTicketsApi(Many, TicketApi):
    permissions: ClassVar = {
        "start_many": Permission.TICKET_WORK, "claim_many": Permission.TICKET_WORK,
        "cancel_many": Permission.TICKET_PROPOSE,
    }  # fmt: skip
    queries: ClassVar = {}
    bodies: ClassVar = {
        "start_many": AssigneeItemsBody, "claim_many": ItemsBody, "cancel_many": NeededReasonItemsBody,
    }  # fmt: skip
    answers: ClassVar = {act: Answer(BulkSerializer) for act in ("start_many", "claim_many", "cancel_many")}
    matched: ClassVar = frozenset()

    def start_many(self, _request: Request) -> Response:
        """Say of several that they are being worked on; an answer for each."""
        return self.each(lambda found, given: lifecycle.start(ticket=found, **given))

    def claim_many(self, _request: Request) -> Response:
        """Say of several that they are fixed: each is read again, and closed only if it passes."""
        return self.each(claim)

    def cancel_many(self, _request: Request) -> Response:
        """Call several off; an answer for each. Nothing about their findings changes."""
        return self.each(lambda found, given: lifecycle.cancel(ticket=found, **given))


def claim(ticket: Any, given: dict[str, Any]) -> None:
    scan = verification.claim_fix(ticket=ticket, **given)
    transaction.on_commit(lambda: tasks.enqueue(scan.pk))
