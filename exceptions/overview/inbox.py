"""Builds a person's inbox: decisions and tickets that wait for them, own requests, expiring, suspended and overdue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Account, AccountOwner
from accounts.queries import build_reach_filter, visible_accounts
from exceptions.common.stakeholders import find_conflict_of_interest, find_requesting_parties, is_requesting_party
from exceptions.models import Cover, ExceptionRequest, Ticket
from exceptions.overview import request_board
from exceptions.overview.request_board import BoardLine
from exceptions.requests.request_filters import filter_by_state, requests_to_decide, visible_requests
from exceptions.tickets.ticket_queries import annotate_finding_counts, view_is, visible_tickets, waiting_tickets
from governance.core.name_folding import list_spellings
from governance.core.policy import Actor, Permission, Role, list_active_grants
from governance.core.states import EXCEPTION_ENDED
from governance.identity.grants.services import list_grantors
from governance.identity.models import User
from governance.identity.people.identifiers import list_folded_names

MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class InboxSection:
    """The first lines of a list, and whether there are more."""

    lines: list[BoardLine]
    more: bool


@dataclass(frozen=True, slots=True)
class Inbox:
    """conflicts: request id -> why this person may not decide it."""

    decisions: InboxSection
    conflicts: dict[int, str]
    tickets: list[Ticket]
    mine: InboxSection
    expiring: InboxSection
    suspended: InboxSection
    overdue: list[Ticket]


def build_inbox(person: User, actor: Actor, now: datetime) -> Inbox:
    seen, visible = visible_requests(actor), visible_accounts(actor, Permission.EXCEPTION_VIEW)
    # One row more than is shown tells that there are more, without counting them.
    waiting = list(requests_to_decide(actor, now)[: MAX_SHOWN + 1])
    expiring = filter_by_state(seen, "expiring", now).order_by("expires_at", "id")
    mine = seen.filter(requested_by=person).exclude(state__in=EXCEPTION_ENDED)
    late = annotate_finding_counts(visible_tickets(actor).filter(view_is("overdue", now)))
    return Inbox(
        decisions=build_inbox_section(waiting, now, visible),
        conflicts=find_conflicts(waiting[:MAX_SHOWN], person, actor, now),
        tickets=list(annotate_finding_counts(waiting_tickets(actor))[:MAX_SHOWN]),
        mine=build_inbox_section(mine[: MAX_SHOWN + 1], now, visible),
        expiring=build_inbox_section(expiring[: MAX_SHOWN + 1], now, visible),
        suspended=build_inbox_section(filter_by_state(seen, "suspended", now)[: MAX_SHOWN + 1], now, visible),
        overdue=list(late.order_by("due_at", "id")[:MAX_SHOWN]),
    )


def build_inbox_section(
    rows: Sequence[ExceptionRequest] | QuerySet[ExceptionRequest], now: datetime, visible: QuerySet[Account]
) -> InboxSection:
    found = list(rows)
    return InboxSection(request_board.build_board_lines(found[:MAX_SHOWN], now, visible), len(found) > MAX_SHOWN)


def find_conflicts(rows: Sequence[ExceptionRequest], person: User, actor: Actor, now: datetime) -> dict[int, str]:
    """Request id -> the conflict of interest that keeps this person from deciding it."""
    # find_conflict_of_interest costs several queries for each request. A few queries for all of them find the requests
    # that may have a conflict; they may find too many, never too few, so every cause of a conflict must be here.
    if not rows:
        return {}
    granters = list_grantors(person, Role.GOVERNANCE_APPROVER)
    lenders = {g.lent_by for g in list_active_grants(actor, Permission.EXCEPTION_DECIDE, now)}
    touched = find_possibly_owned(rows, person, actor, now)
    suspects = [
        r
        for r in rows
        if find_requesting_parties(r) & (granters | lenders) or r.pk in touched or is_requesting_party(person, r)
    ]
    return {row.pk: why for row in suspects if (why := find_conflict_of_interest(row, person, actor, now))}


def find_possibly_owned(rows: Sequence[ExceptionRequest], person: User, actor: Actor, now: datetime) -> set[int]:
    """The requests (ids) that cover accounts of this person, by a grant or by a name; maybe some others as well."""
    covers = Cover.objects.filter(request__in=rows).order_by()
    granted = Account.objects.filter(
        build_reach_filter([g for g in actor.grants if g.role is Role.ACCOUNT_OWNER and g.holds(now)])
    )
    by_hand = AccountOwner.objects.filter(user=person)
    mine = Q(account__in=granted.values("pk")) | Q(account__in=by_hand.values("account"))
    found = set(covers.filter(mine).values_list("request", flat=True))
    # Names in tags are compared here, in every spelling that looks the same; SQL can't fold Unicode.
    names = list_folded_names(person)
    named = covers.exclude(account__owners=[]).values_list("request", "account__owners").distinct()
    return found | {pk for pk, owners in named if any(names & list_spellings(str(owner)) for owner in owners)}
