"""Notifications about tickets."""

from __future__ import annotations

from django.utils import timezone

from accounts.owners import find_account_owners
from exceptions.models import Ticket
from governance.core.policy import Actor
from governance.notify.services import notify_people


def build_ticket_url(row: Ticket) -> str:
    return f"/tickets/{row.pk}/"


def notify_about_ticket(row: Ticket, kind: str, title: str, text: str = "", by: Actor | None = None) -> None:
    """Notify the owners of the ticket's account, and its proposer."""
    people = find_account_owners([row.account], timezone.now())
    # A rule may propose hundreds of tickets; the person behind it isn't notified of each.
    if row.proposed_by_id and row.rule_id is None:
        people.add(row.proposed_by_id)
    notify_people(
        event=f"ticket:{row.pk}:{kind}:{row.version}",
        kind=f"ticket.{kind}",
        title=f"{row.reference}: {title}",
        text=text or row.title,
        url=build_ticket_url(row),
        people=people,
        by=by.user_id if by else None,
    )
