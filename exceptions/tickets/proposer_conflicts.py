"""Finds the conflict of interest that keeps a proposer from deciding their own ticket (four eyes)."""

from __future__ import annotations

from exceptions.models import Ticket


def find_proposer_conflict(ticket: Ticket, person: int | None) -> str:
    """Why this person (by id) may not decide this ticket; empty if there is no conflict."""
    by = ticket.proposed_by
    # The person responsible for a service account controls its tokens, so its proposals count as theirs.
    if by is None or person is None or person not in {by.pk, by.responsible_id}:
        return ""
    who = "you" if person == by.pk else "a service account for which you are responsible"
    if ticket.rule_id is not None:
        who = f"a ticket rule that {who} created or enabled"
    return f"{who[0].upper()}{who[1:]} proposed this ticket, so another person must decide it."
