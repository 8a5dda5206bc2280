"""What people are told of a ticket."""

from __future__ import annotations

from django.utils import timezone

from exceptions.common.stakeholders import owners_of
from exceptions.models import Ticket
from governance.core.policy import Actor
from governance.notify.services import tell


def url_of_ticket(row: Ticket) -> str:
    return f"/tickets/{row.pk}/"


def ticket(row: Ticket, kind: str, title: str, text: str = "", by: Actor | None = None) -> None:
    """The owners of its account, and who proposed it; not of each that a standing rule proposes."""
    people = owners_of([row.account], timezone.now())
    if row.proposed_by_id and row.rule_id is None:
        people.add(row.proposed_by_id)
    tell(
        event=f"ticket:{row.pk}:{kind}:{row.version}", kind=f"ticket.{kind}", title=f"{row.reference}: {title}",
        text=text or row.title, url=url_of_ticket(row), people=people, by=by.user_id if by else None,
    )  # fmt: skip
