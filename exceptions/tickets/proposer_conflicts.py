"""Who may not approve a ticket, for the sake of four eyes."""

from __future__ import annotations

from exceptions.models import Ticket


def find_proposer_conflict(ticket: Ticket, person: int | None) -> str:
    """Why this person (by id) may not decide this ticket; empty if nothing speaks against it."""
    by = ticket.proposed_by
    if by is None or person is None or person not in {by.pk, by.responsible_id}:
        return ""
    who = "you" if person == by.pk else "a service account that you answer for"
    if ticket.rule_id is not None:
        who = f"a standing rule that {who} made or enabled"
    return f"{who[0].upper()}{who[1:]} proposed this ticket, so somebody else must decide it."
