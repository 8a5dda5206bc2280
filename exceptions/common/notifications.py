"""Notifications about exception requests: who receives which, written in the transaction of the act."""

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

# For people who see a part of the scope: the full text would name and count other people's accounts.
PARTIAL_SCOPE_TEXT = "The request covers some of your accounts; its page shows what concerns them."


# The notifications that ask for an act, with the states in which the act is still open.
ACTIONABLE_STATES = {
    "exception.requested": {"submitted", "suspended"},
    "exception.changes": {"changes_requested"},
    "exception.suspended": {"suspended"},
    "exception.expiring": {"approved"},
    "exception.superseded": {"submitted", "changes_requested", "approved", "suspended"},
    "ticket.proposed": {"proposed"},
    "ticket.approved": {"approved", "open"},
    "ticket.reopened": {"open", "in_progress"},
    "ticket.doubted": {"fix_claimed"},
}


def build_request_url(request: ExceptionRequest) -> str:
    return f"/exceptions/{request.pk}/"


def dismiss_notifications(url: str, state: str, actor: Actor) -> None:
    """After a move to this state: mark the notifications that ask for a finished act as read, for every person."""
    settle_notifications(url=url, kinds=[kind for kind, states in ACTIONABLE_STATES.items() if state not in states])
    # The one who acted has seen the request, so everything that it asked of them is done, in any state.
    if actor.user_id is not None:
        settle_notifications(url=url, kinds=ACTIONABLE_STATES, people={actor.user_id})


def dismiss_end_reminders(request: ExceptionRequest) -> None:
    """A renewal was approved, so reminders of this request's end are of no use any more."""
    settle_notifications(url=build_request_url(request), kinds=["exception.expiring"])


def notify_about_request(
    request: ExceptionRequest, kind: str, title: str, people: Iterable[int], text: str = "", by: Actor | None = None
) -> None:
    """Notify these Users (ids) of something that happened to the request."""
    notify_people(
        # With the version: the same kind of event can happen again, and a repeated delivery of one notifies once.
        event=f"exception:{request.pk}:{kind}:{request.version}",
        kind=f"exception.{kind}",
        title=f"{request.reference}: {title}",
        text=text or describe_scope(request),
        url=build_request_url(request),
        people=people,
        by=by.user_id if by else None,
    )


def notify_deciders(request: ExceptionRequest, accounts: Sequence[Account], by: Actor | None = None) -> None:
    """Notify the people who may decide, and the approvers of a part of the scope, without details of the rest.

    accounts: those in its scope."""
    now = timezone.now()
    requesting = find_requesting_parties(request)
    deciders = find_permission_holders(Permission.EXCEPTION_DECIDE, accounts, now, everywhere=True) - requesting
    notify_about_request(request, "requested", "your decision is needed", deciders, by=by)
    partly = find_permission_holders(Permission.EXCEPTION_DECIDE, accounts, now) - deciders - requesting
    notify_about_request(request, "requested", "waiting for a decision", partly, PARTIAL_SCOPE_TEXT, by=by)


def notify_requester(request: ExceptionRequest, kind: str, title: str, text: str = "", by: Actor | None = None) -> None:
    """Notify the requester and the person for whom a service account asked: a service account reads nothing."""
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
    """Notify the requester, the people who approved it, and the owners of the accounts in scope.

    Only the first two see the whole scope: an owner gets no details of other people's accounts and resources."""
    approvers = set(request.decisions.filter(act__in=["approve", "reapprove"]).values_list("by_id", flat=True))
    insiders = find_requesters(request) | approvers
    notify_about_request(request, kind, title, insiders, text, by=by)
    owners = find_account_owners(accounts, timezone.now()) - insiders
    notify_about_request(request, kind, title, owners, PARTIAL_SCOPE_TEXT, by=by)
