"""Who is told what, in the transaction of the act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils import timezone

from accounts.models import Account
from accounts.owners import find_account_owners
from exceptions.common.request_scope import describe_scope
from exceptions.common.stakeholders import find_permission_holders, find_requesting_parties
from exceptions.models import ExceptionRequest
from governance.core.policy import Actor, Permission
from governance.notify.services import notify_people, settle_notifications

PARTIAL_SCOPE_TEXT = "It covers accounts of yours. Its page says what concerns them."


# Of a notification that asks for something: the states in which it still does.
ACTIONABLE_STATES = {
    "exception.requested": {"submitted", "suspended"},
    "exception.changes": {"changes_requested"},
    "exception.suspended": {"suspended"},
    "exception.expiring": {"approved"},
    "ticket.proposed": {"proposed"},
    "ticket.approved": {"approved", "open"},
    "ticket.reopened": {"open", "in_progress"},
    "ticket.doubted": {"fix_claimed"},
}


def build_request_url(request: ExceptionRequest) -> str:
    return f"/exceptions/{request.pk}/"


def dismiss_notifications(url: str, state: str, actor: Actor) -> None:
    """After a move: mark as read what asks for something that is done, for everybody; for the person who acted, mark
    all that asks for something here."""
    settle_notifications(url=url, kinds=[kind for kind, states in ACTIONABLE_STATES.items() if state not in states])
    if actor.user_id is not None:
        settle_notifications(url=url, kinds=ACTIONABLE_STATES, people={actor.user_id})


def dismiss_end_reminders(request: ExceptionRequest) -> None:
    """A renewal was approved: nobody needs to be reminded of this one's end."""
    settle_notifications(url=build_request_url(request), kinds=["exception.expiring"])


def notify_about_request(
    request: ExceptionRequest, kind: str, title: str, people: Iterable[int], text: str = "", by: Actor | None = None
) -> None:
    """event names the version, so that the same kind of thing can happen to a request again."""
    notify_people(
        event=f"exception:{request.pk}:{kind}:{request.version}",
        kind=f"exception.{kind}",
        title=f"{request.reference}: {title}",
        text=text or describe_scope(request),
        url=build_request_url(request),
        people=people,
        by=by.user_id if by else None,
    )


def notify_deciders(request: ExceptionRequest, accounts: Sequence[Account], by: Actor | None = None) -> None:
    """The people who may decide it; and approvers of a part of its scope, who aren't told of the rest.

    accounts: those in its scope."""
    now = timezone.now()
    askers = find_requesting_parties(request)
    deciders = find_permission_holders(Permission.EXCEPTION_DECIDE, accounts, now, everywhere=True) - askers
    notify_about_request(request, "requested", "a decision is asked of you", deciders, by=by)
    partly = find_permission_holders(Permission.EXCEPTION_DECIDE, accounts, now) - deciders - askers
    notify_about_request(request, "requested", "it waits for a decision", partly, PARTIAL_SCOPE_TEXT, by=by)


def notify_requester(request: ExceptionRequest, kind: str, title: str, text: str = "", by: Actor | None = None) -> None:
    """And to the person for whom a service account asked, which reads nothing."""
    notify_about_request(request, kind, title, find_requesters(request), text, by=by)


def find_requesters(request: ExceptionRequest) -> set[int]:
    return {request.requested_by_id} | ({request.on_behalf_of_id} if request.on_behalf_of_id else set())


def notify_stakeholders(
    request: ExceptionRequest,
    accounts: Iterable[Account],
    kind: str,
    title: str,
    text: str = "",
    by: Actor | None = None,
) -> None:
    """The requester, the people who approved it, and the owners of the accounts in its scope.

    Only the first two see the whole scope: an owner isn't told of other people's accounts and resources."""
    approvers = set(request.decisions.filter(act__in=["approve", "reapprove"]).values_list("by_id", flat=True))
    insiders = find_requesters(request) | approvers
    notify_about_request(request, kind, title, insiders, text, by=by)
    owners = find_account_owners(accounts, timezone.now()) - insiders
    notify_about_request(request, kind, title, owners, PARTIAL_SCOPE_TEXT, by=by)
