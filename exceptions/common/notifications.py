"""Who is told what, in the transaction of the act."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from exceptions.common.request_scope import accounts_of, scope_text
from exceptions.common.stakeholders import behind, holders, owners_of
from exceptions.models import ExceptionRequest
from governance.core.policy import Actor, Permission
from governance.notify.services import settle as settle_notifications
from governance.notify.services import tell

IN_PART = "It covers accounts of yours. Its page says what concerns them."


# Of a notification that asks for something: the states in which it still does.
ASKS_IN = {
    "exception.requested": {"submitted", "suspended"},
    "exception.changes": {"changes_requested"},
    "exception.suspended": {"suspended"},
    "exception.expiring": {"approved"},
    "ticket.proposed": {"proposed"},
    "ticket.approved": {"approved", "open"},
    "ticket.reopened": {"open", "in_progress"},
    "ticket.doubted": {"fix_claimed"},
}


def url_of(request: ExceptionRequest) -> str:
    return f"/exceptions/{request.pk}/"


def settle(url: str, state: str, actor: Actor) -> None:
    """After a move: mark as read what asks for something that is done, for everybody; for the person who acted, mark
    all that asks for something here."""
    settle_notifications(url=url, kinds=[kind for kind, states in ASKS_IN.items() if state not in states])
    if actor.user_id is not None:
        settle_notifications(url=url, kinds=ASKS_IN, people={actor.user_id})


def settle_reminders(request: ExceptionRequest) -> None:
    """A renewal was approved: nobody needs to be reminded of this one's end."""
    settle_notifications(url=url_of(request), kinds=["exception.expiring"])


def tell_request(
    request: ExceptionRequest, kind: str, title: str, people: Iterable[int], text: str = "", by: Actor | None = None
) -> None:
    """event names the version, so that the same kind of thing can happen to a request again."""
    tell(
        event=f"exception:{request.pk}:{kind}:{request.version}",
        kind=f"exception.{kind}",
        title=f"{request.reference}: {title}",
        text=text or scope_text(request),
        url=url_of(request),
        people=people,
        by=by.user_id if by else None,
    )


def requested(request: ExceptionRequest, by: Actor | None = None) -> None:
    """The people who may decide it; and approvers of a part of its scope, who aren't told of the rest."""
    accounts, now = list(accounts_of(request)), timezone.now()
    askers = behind(request)
    deciders = holders(Permission.EXCEPTION_DECIDE, accounts, now, everywhere=True) - askers
    tell_request(request, "requested", "a decision is asked of you", deciders, by=by)
    partly = holders(Permission.EXCEPTION_DECIDE, accounts, now) - deciders - askers
    tell_request(request, "requested", "it waits for a decision", partly, IN_PART, by=by)


def to_requester(request: ExceptionRequest, kind: str, title: str, text: str = "", by: Actor | None = None) -> None:
    """And to the person for whom a service account asked, which reads nothing."""
    tell_request(request, kind, title, askers_of(request), text, by=by)


def askers_of(request: ExceptionRequest) -> set[int]:
    return {request.requested_by_id} | ({request.on_behalf_of_id} if request.on_behalf_of_id else set())


def to_all_concerned(request: ExceptionRequest, kind: str, title: str, text: str = "", by: Actor | None = None) -> None:
    """The requester, the people who approved it, and the owners of the accounts in scope.

    Only the first two see the whole scope: an owner isn't told of other people's accounts and resources."""
    approvers = set(request.decisions.filter(act__in=["approve", "reapprove"]).values_list("by_id", flat=True))
    insiders = askers_of(request) | approvers
    tell_request(request, kind, title, insiders, text, by=by)
    owners = owners_of(accounts_of(request), timezone.now()) - insiders
    tell_request(request, kind, title, owners, IN_PART, by=by)
