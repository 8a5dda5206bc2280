"""Queries of tickets: which ones a reader can see, the list and its filters, one ticket's page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.queries import visible_accounts
from accounts.scopes import find_account_place
from exceptions.common.audit_history import HistoryEntry, read_history
from exceptions.models import Ticket, TicketFinding, TicketNote, TrackerMessage
from exceptions.rules import SEVERITY_ORDER
from exceptions.tickets.proposer_conflicts import find_proposer_conflict
from exceptions.tickets.trackers import load_trackers
from governance.core.list_filters import ListFilter, filter_field
from governance.core.policy import Actor, Permission, is_permitted
from governance.core.states import TICKET, TICKET_ENDED
from scans.domain.remediation import FilledRemediation
from scans.models import Finding
from scans.queries.detail import fix_of
from scans.registry import LoadedControl, controls

VIEWS = ("live", "proposed", "open", "overdue", "verifying", "sync_failed", "closed", "ended", "all")
WORKED_STATES = ("open", "in_progress")
SEVERITIES = tuple(reversed(SEVERITY_ORDER))
MAX_LISTED = 200


def visible_tickets(actor: Actor) -> QuerySet[Ticket]:
    rows = Ticket.objects.select_related(
        "organization", "account__organization", "account__ou", "proposed_by", "rule"
    ).order_by("-id")
    if actor.system:
        return rows
    accounts = visible_accounts(actor, Permission.TICKET_VIEW).order_by().values("pk")
    return rows.filter(account__in=accounts)


def waiting_tickets(actor: Actor) -> QuerySet[Ticket]:
    """The tickets that this person may decide, oldest first: not their own, nor those of a rule or a service account of
    theirs."""
    accounts = visible_accounts(actor, Permission.TICKET_DECIDE).order_by().values("pk")
    rows = visible_tickets(actor).filter(account__in=accounts, state="proposed")
    own = Q(proposed_by=actor.user_id) | Q(proposed_by__responsible=actor.user_id)
    return rows.exclude(own).order_by("proposed_at", "id")


def view_is(view: str, now: datetime) -> Q:
    """Matches a view. overdue depends on the clock; live is every ticket that hasn't ended."""
    ended = Q(state__in=TICKET_ENDED)
    match view:
        case "live":
            return ~ended
        case "overdue":
            return ~ended & Q(due_at__lt=now)
        case "open":
            return Q(state__in=WORKED_STATES)
        case "verifying":
            return Q(state__in=["fix_claimed", "verifying"])
        case "ended":
            return ended
        case "all":
            return Q()
    return Q(state=view)


@dataclass(frozen=True, slots=True)
class TicketFilter(ListFilter):
    """state: one of VIEWS. account: an account id."""

    state: str = filter_field("live", choices=VIEWS)
    severity: str = filter_field(choices=SEVERITIES)
    control: str = filter_field(upper=True)
    account: str = filter_field()
    tracker: str = filter_field(choices=load_trackers)
    q: str = filter_field()

    def apply_filters(self, rows: QuerySet[Ticket], now: datetime) -> QuerySet[Ticket]:
        exact = {
            "severity": self.severity,
            "control": self.control,
            "account__account_id": self.account,
            "tracker": self.tracker,
        }
        rows = rows.filter(view_is(self.state, now), **{name: value for name, value in exact.items() if value})
        if self.q:
            rows = rows.filter(Q(title__icontains=self.q) | Q(assignee__icontains=self.q))
        return rows.order_by("-id")


def annotate_finding_counts(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Add the number of findings of each ticket (all), and of those that are left."""
    return rows.annotate(all=Count("items"), left=Count("items", filter=Q(items__open=True)))


def count_by_view(rows: QuerySet[Ticket], now: datetime) -> list[tuple[str, int]]:
    """(view, count), in one query."""
    names = ("proposed", "open", "overdue", "verifying")
    found = rows.order_by().aggregate(**{name: Count("pk", filter=view_is(name, now)) for name in names})
    return [(name, found[name]) for name in names]


@dataclass(frozen=True, slots=True)
class TicketPage:
    """fix: of the first finding that is left; None if none is left or its control is gone.

    successors: the failing findings that stand for superseded ones of the ticket and have no ticket there."""

    control: LoadedControl | None
    items: list[TicketFinding]
    all: int
    left: int
    fix: FilledRemediation | None
    first: Finding | None
    notes: list[TicketNote]
    history: list[HistoryEntry]
    unsent: list[TrackerMessage]
    tracker: str
    overdue: bool
    may: dict[str, bool]
    conflict: str
    successors: list[Finding]


def build_ticket_page(ticket: Ticket, actor: Actor, now: datetime) -> TicketPage:
    items = ticket.items.select_related("finding__account__organization", "finding__superseded_by").order_by(
        "-open", "finding_id"
    )
    shown = list(items[:MAX_LISTED])
    sizes = ticket.items.aggregate(all=Count("pk"), left=Count("pk", filter=Q(open=True)))
    loaded = controls().get(ticket.control)
    first = shown[0].finding if shown and shown[0].open else None
    known = load_trackers().get(ticket.tracker)
    return TicketPage(
        control=loaded,
        items=shown,
        all=sizes["all"],
        left=sizes["left"],
        fix=fix_of(first, loaded) if first and loaded else None,
        first=first,
        notes=list(ticket.notes.all()),
        history=read_history(f"ticket:{ticket.pk}"),
        unsent=list(ticket.messages.filter(sent_at=None).exclude(error="")),
        tracker=known.label if known else ticket.tracker,
        overdue=bool(ticket.due_at and ticket.due_at < now and ticket.state not in TICKET_ENDED),
        may=find_ticket_permissions(ticket, actor, now),
        conflict=find_proposer_conflict(ticket, actor.user_id),
        successors=list_unticketed_successors(ticket),
    )


def list_unticketed_successors(ticket: Ticket) -> list[Finding]:
    rows = Finding.objects.filter(supersedes__ticket_items__ticket=ticket, state="open", verdict="fail")
    held = TicketFinding.objects.filter(open=True, tracker=ticket.tracker).values("finding")
    return list(rows.exclude(pk__in=held).distinct().order_by("pk")[:MAX_LISTED])


def find_ticket_permissions(ticket: Ticket, actor: Actor, now: datetime) -> dict[str, Any]:
    """The acts open to this reader in the ticket's present state."""
    place = find_account_place(ticket.account)
    works = is_permitted(actor, Permission.TICKET_WORK, now, place)
    proposes = is_permitted(actor, Permission.TICKET_PROPOSE, now, place)
    return {
        "decide": ticket.state == "proposed" and is_permitted(actor, Permission.TICKET_DECIDE, now, place),
        "start": works and ticket.state in TICKET.sources("start"),
        "claim": works and ticket.state in TICKET.sources("claim"),
        "verify": works and ticket.state in TICKET.sources("verify"),
        "say": works,
        "propose": proposes,
        "cancel": ticket.state in TICKET.sources("cancel") and proposes,
    }


@dataclass(frozen=True, slots=True)
class TicketGroup:
    """The findings of one account, control and region, and the tickets that they are or were in, newest first."""

    findings: list[Finding]
    tickets: list[Ticket]


def group_tickets(actor: Actor, findings: Iterable[Finding]) -> list[TicketGroup]:
    """The findings in groups, each with the tickets that this person can see."""
    groups: dict[tuple[int, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.account_id, finding.control, finding.region), []).append(finding)
    rows = TicketFinding.objects.filter(finding__in=[f for group in groups.values() for f in group])
    held: dict[int, set[int]] = {}
    for finding_id, ticket_id in rows.values_list("finding", "ticket"):
        held.setdefault(finding_id, set()).add(ticket_id)
    known = visible_tickets(actor).in_bulk({id for ids in held.values() for id in ids})
    found = []
    for group in groups.values():
        ids = {id for finding in group for id in held.get(finding.pk, ()) if id in known}
        found.append(TicketGroup(group, [known[id] for id in sorted(ids, reverse=True)]))
    return found
