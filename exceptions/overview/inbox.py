"""What waits for a person: decisions, their own requests, what ends soon, what is late, what is suspended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Account, AccountOwner
from accounts.queries import reach, visible_accounts
from exceptions.common.stakeholders import behind, conflict_of, stands_behind
from exceptions.models import Cover, ExceptionRequest, Ticket
from exceptions.overview import request_board
from exceptions.overview.request_board import Line
from exceptions.requests.request_filters import in_state, visible_requests, waiting_for
from exceptions.tickets.ticket_queries import counted, view_is, visible_tickets, waiting_tickets
from governance.core.name_folding import spellings
from governance.core.policy import Actor, Permission, Role, active
from governance.core.states import EXCEPTION_ENDED
from governance.identity.grants.services import givers
from governance.identity.models import User
from governance.identity.people.identifiers import names_of

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Few:
    """The first of a list, and whether there are more."""

    lines: list[Line]
    more: bool


@dataclass(frozen=True, slots=True)
class Inbox:
    """conflicts: request's id -> why this person may not decide it."""

    decisions: Few
    conflicts: dict[int, str]
    tickets: list[Ticket]
    mine: Few
    expiring: Few
    suspended: Few
    overdue: list[Ticket]


def inbox_of(person: User, actor: Actor, now: datetime) -> Inbox:
    seen, visible = visible_requests(actor), visible_accounts(actor, Permission.EXCEPTION_VIEW)
    waiting = list(waiting_for(actor, now)[: SHOWN + 1])
    expiring = in_state(seen, "expiring", now).order_by("expires_at", "id")
    mine = seen.filter(requested_by=person).exclude(state__in=EXCEPTION_ENDED)
    late = counted(visible_tickets(actor).filter(view_is("overdue", now)))
    return Inbox(
        decisions=few(waiting, now, visible),
        conflicts=conflicts_of(waiting[:SHOWN], person, actor, now),
        tickets=list(counted(waiting_tickets(actor))[:SHOWN]),
        mine=few(mine[: SHOWN + 1], now, visible),
        expiring=few(expiring[: SHOWN + 1], now, visible),
        suspended=few(in_state(seen, "suspended", now)[: SHOWN + 1], now, visible),
        overdue=list(late.order_by("due_at", "id")[:SHOWN]),
    )


def few(
    rows: Sequence[ExceptionRequest] | QuerySet[ExceptionRequest], now: datetime, visible: QuerySet[Account]
) -> Few:
    found = list(rows)
    return Few(request_board.lines(found[:SHOWN], now, visible), len(found) > SHOWN)


def conflicts_of(
    rows: Sequence[ExceptionRequest], person: User, actor: Actor, now: datetime
) -> dict[int, str]:  # fmt: skip
    """Looks for the suspects in a few queries, and only asks conflict_of about those: it costs several for each."""
    if not rows:
        return {}
    granters = givers(person, Role.GOVERNANCE_APPROVER)
    lenders = {g.lent_by for g in active(actor, Permission.EXCEPTION_DECIDE, now)}
    touched = perhaps_owned(rows, person, actor, now)
    suspects = [r for r in rows if behind(r) & (granters | lenders) or r.pk in touched or stands_behind(person, r)]
    return {row.pk: why for row in suspects if (why := conflict_of(row, person, actor, now))}


def perhaps_owned(rows: Sequence[ExceptionRequest], person: User, actor: Actor, now: datetime) -> set[int]:
    """The requests (ids) that cover accounts of this person, by a grant or by a name; maybe some more."""
    covers = Cover.objects.filter(request__in=rows).order_by()
    granted = Account.objects.filter(reach([g for g in actor.grants if g.role is Role.ACCOUNT_OWNER and g.holds(now)]))
    by_hand = AccountOwner.objects.filter(user=person)
    mine = Q(account__in=granted.values("pk")) | Q(account__in=by_hand.values("account"))
    found = set(covers.filter(mine).values_list("request", flat=True))
    names = names_of(person)
    named = covers.exclude(account__owners=[]).values_list("request", "account__owners").distinct()
    return found | {pk for pk, owners in named if any(names & spellings(str(owner)) for owner in owners)}
