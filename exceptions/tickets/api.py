"""The API of remediation tickets. Approving is left out: it needs a person, a second factor and the page."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import visible_accounts
from exceptions.common.workflow_errors import translate_workflow_errors
from exceptions.errors import InvalidRequestError
from exceptions.models import Ticket, TicketFinding
from exceptions.tickets import lifecycle, verification
from exceptions.tickets import ticket_queries as queries
from exceptions.tickets.serializers import TicketSerializer
from exceptions.tickets.trackers import load_trackers
from governance.core.policy import Permission
from governance.core.states import TICKET
from governance.rest.bulk import MAX_BULK_ITEMS
from governance.rest.etags import compute_etag, require_match
from governance.rest.parsing import PageQuery, Strict
from governance.rest.views import Answer, Api
from scans import tasks
from scans.models import Finding

STATES = sorted({target for _, target in TICKET.moves.values()} | {"proposed"})
TEXT: dict[str, Any] = {"default": "", "allow_blank": True}


class TicketQuery(PageQuery):
    state = serializers.ChoiceField(STATES, default="", allow_blank=True)
    overdue = serializers.BooleanField(default=False, help_text="Only tickets that are overdue now.")
    control = serializers.CharField(**TEXT)
    account = serializers.CharField(**TEXT)


class TicketBody(Strict):
    """findings: fingerprints of failing findings. Each account, control and region among them gets one ticket."""

    findings = serializers.ListField(child=serializers.CharField(), min_length=1, max_length=MAX_BULK_ITEMS)
    tracker = serializers.CharField(default="none")
    note = serializers.CharField(**TEXT)


class TicketsSerializer(serializers.Serializer[Any]):
    tickets = TicketSerializer(many=True)


class AssigneeBody(Strict):
    assignee = serializers.CharField(**TEXT)


class NeededReasonBody(Strict):
    reason = serializers.CharField()


class NoteBody(Strict):
    text = serializers.CharField()


class TicketApi(Api):
    permissions: ClassVar = {
        "list": Permission.TICKET_VIEW,
        "retrieve": Permission.TICKET_VIEW,
        "create": Permission.TICKET_PROPOSE,
        "start": Permission.TICKET_WORK,
        "claim": Permission.TICKET_WORK,
        "verify": Permission.TICKET_WORK,
        "cancel": Permission.TICKET_PROPOSE,
        "note": Permission.TICKET_WORK,
    }
    queries: ClassVar = {"list": TicketQuery}
    bodies: ClassVar = {"create": TicketBody, "start": AssigneeBody, "cancel": NeededReasonBody, "note": NoteBody}
    answers: ClassVar = {
        "list": Answer(TicketSerializer, many=True),
        "retrieve": Answer(TicketSerializer),
        "create": Answer(TicketsSerializer, status=201),
        "start": Answer(TicketSerializer),
        "claim": Answer(TicketSerializer),
        "verify": Answer(TicketSerializer),
        "cancel": Answer(TicketSerializer),
        "note": Answer(TicketSerializer),
    }
    matched: ClassVar = frozenset({"start", "claim", "verify", "cancel"})

    def list(self, _request: Request) -> Response:
        """List the tickets that you can see, newest first."""
        rows = prefetch_ticket_items(queries.visible_tickets(self.actor))
        exact = {"state": "state", "control": "control", "account": "account__account_id"}
        for name, column in exact.items():
            if self.query[name]:
                rows = rows.filter(**{column: self.query[name]})
        if self.query["overdue"]:
            rows = rows.filter(queries.view_is("overdue", timezone.now()))
        page = self.paginate_rows(rows)
        return self.page(page.rows, page.next, now=timezone.now())

    def create(self, _request: Request) -> Response:
        """Propose tickets. Another person must approve them."""
        given = self.body()
        visible = visible_accounts(self.actor, Permission.FINDING_VIEW).order_by().values("pk")
        wanted = set(given["findings"])
        rows = Finding.objects.filter(fingerprint__in=wanted, account__in=visible)
        findings = list(rows.select_related("account__organization", "account__ou"))
        with translate_workflow_errors():
            if len(findings) != len(wanted):
                # One message for both causes, so that a fingerprint can't be probed.
                raise InvalidRequestError(
                    findings="At least one of these findings doesn't exist or is outside your access."
                )
            made = lifecycle.propose_tickets(
                actor=self.actor, findings=findings, tracker=given["tracker"], note=given["note"]
            )
        shown = prefetch_ticket_items(queries.visible_tickets(self.actor)).filter(pk__in=[ticket.pk for ticket in made])
        return self.answer({"tickets": list(shown)}, now=timezone.now())

    def retrieve(self, _request: Request, ticket_id: int) -> Response:
        """Get one ticket, with its ETag."""
        return self.shown(ticket_id)

    def start(self, _request: Request, ticket_id: int) -> Response:
        """Start work on a ticket."""
        found, given = self.matching(ticket_id), self.body()
        with translate_workflow_errors():
            lifecycle.start_work(actor=self.actor, ticket=found, version=found.version, assignee=given["assignee"])
        return self.shown(ticket_id)

    def claim(self, _request: Request, ticket_id: int) -> Response:
        """Mark a ticket as fixed. A rescan starts, and the ticket closes only if every resource passes."""
        found = self.matching(ticket_id)
        self.body()
        with translate_workflow_errors():
            scan = verification.claim_fix(actor=self.actor, ticket=found, version=found.version)
        # On commit: a worker that is faster than the commit would not find the scan.
        transaction.on_commit(lambda: tasks.enqueue_scan(scan.pk))
        return self.shown(ticket_id)

    def verify(self, _request: Request, ticket_id: int) -> Response:
        """Start another rescan, after one that could not read everything."""
        found = self.matching(ticket_id)
        self.body()
        with translate_workflow_errors():
            scan = verification.verify_again(actor=self.actor, ticket=found, version=found.version)
        transaction.on_commit(lambda: tasks.enqueue_scan(scan.pk))
        return self.shown(ticket_id)

    def cancel(self, _request: Request, ticket_id: int) -> Response:
        """Cancel a ticket. Its findings are unchanged."""
        found, given = self.matching(ticket_id), self.body()
        with translate_workflow_errors():
            lifecycle.cancel(actor=self.actor, ticket=found, version=found.version, reason=given["reason"])
        return self.shown(ticket_id)

    def note(self, _request: Request, ticket_id: int) -> Response:
        """Add a note. It is sent to the tracker as well."""
        found, given = self.found(ticket_id), self.body()
        with translate_workflow_errors():
            lifecycle.post_note(actor=self.actor, ticket=found, text=given["text"])
        return self.shown(ticket_id)

    def found(self, ticket_id: int) -> Ticket:
        """Raises Http404."""
        row = prefetch_ticket_items(queries.visible_tickets(self.actor)).filter(pk=ticket_id).first()
        if row is None:
            raise Http404
        return row

    def matching(self, ticket_id: int) -> Ticket:
        found = self.found(ticket_id)
        require_match(self.request, build_ticket_etag(found))
        return found

    def shown(self, ticket_id: int) -> Response:
        found = self.found(ticket_id)
        return self.answer(found, headers={"ETag": build_ticket_etag(found)}, now=timezone.now())


class TrackersSerializer(serializers.Serializer[Any]):
    trackers = serializers.ListField(child=serializers.CharField())


class TrackerApi(Api):
    permissions: ClassVar = {"retrieve": Permission.TICKET_VIEW}
    answers: ClassVar = {"retrieve": Answer(TrackersSerializer)}

    def retrieve(self, _request: Request) -> Response:
        """List the trackers."""
        return self.answer({"trackers": sorted(load_trackers())})


def prefetch_ticket_items(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Prefetch each ticket's items as shown_items, with their findings, in one more query."""
    items = TicketFinding.objects.select_related("finding__superseded_by").order_by("-open", "finding_id")
    return rows.prefetch_related(Prefetch("items", queryset=items, to_attr="shown_items"))


def build_ticket_etag(row: Ticket) -> str:
    return compute_etag("ticket", row.pk, row.version)
