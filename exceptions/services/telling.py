"""Who is told what, in the transaction of the act."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from exceptions.models import ExceptionRequest, Ticket
from exceptions.queries.people import holders, owners_of
from exceptions.queries.scope import accounts_of
from exceptions.queries.shown import scope_text
from governance.core.policy import Permission
from governance.notify.services import tell

IN_PART = "It covers accounts of yours. Its page says what concerns them."


def url_of(request: ExceptionRequest) -> str:
    return f"/exceptions/{request.pk}/"


def tell_request(request: ExceptionRequest, kind: str, title: str, people: Iterable[int], text: str = "") -> None:
    """event names the version, so that the same kind of thing can happen to a request again."""
    tell(
        event=f"exception:{request.pk}:{kind}:{request.version}",
        kind=f"exception.{kind}",
        title=f"{request.reference}: {title}",
        text=text or scope_text(request),
        url=url_of(request),
        people=people,
    )


def requested(request: ExceptionRequest) -> None:
    """Whoever may decide it; and approvers of a part of its scope, who aren't told of the rest."""
    accounts, now = list(accounts_of(request)), timezone.now()
    deciders = holders(Permission.EXCEPTION_DECIDE, accounts, now, everywhere=True) - {request.requested_by_id}
    tell_request(request, "requested", "a decision is asked of you", deciders)
    partly = holders(Permission.EXCEPTION_DECIDE, accounts, now) - deciders - {request.requested_by_id}
    tell_request(request, "requested", "it waits for a decision", partly, IN_PART)


def to_requester(request: ExceptionRequest, kind: str, title: str, text: str = "") -> None:
    tell_request(request, kind, title, {request.requested_by_id}, text)


def to_all_concerned(request: ExceptionRequest, kind: str, title: str, text: str = "") -> None:
    """The requester and whoever approved, and the owners of the accounts in scope.

    Only the first see the whole scope: an owner isn't told of other people's accounts and resources."""
    approvers = set(request.decisions.filter(act__in=["approve", "reapprove"]).values_list("by_id", flat=True))
    insiders = {request.requested_by_id} | approvers
    tell_request(request, kind, title, insiders, text)
    owners = owners_of(accounts_of(request), timezone.now()) - insiders
    tell_request(request, kind, title, owners, IN_PART)


def ticket(row: Ticket, kind: str, title: str, text: str = "") -> None:
    """The owners of its account, and whoever proposed it; not of each that a standing rule proposes."""
    people = owners_of([row.account], timezone.now())
    if row.proposed_by_id and row.rule_id is None:
        people.add(row.proposed_by_id)
    tell(
        event=f"ticket:{row.pk}:{kind}:{row.version}", kind=f"ticket.{kind}", title=f"{row.reference}: {title}",
        text=text or row.title, url=f"/tickets/{row.pk}/", people=people,
    )  # fmt: skip
