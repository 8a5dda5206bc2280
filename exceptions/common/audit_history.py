"""The audit trail of a request or a ticket, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from governance.core.models import AuditEvent


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    at: datetime
    actor: str
    act: str
    reason: str
    decision: bool = False


def read_history(subject: str, *, told: bool = True) -> list[HistoryEntry]:
    """From the audit trail, oldest first. told: may the reader know why it was suspended, with the names in it?"""
    found: list[HistoryEntry] = []
    for row in AuditEvent.objects.filter(subject=subject).order_by("seq"):
        this = build_history_entry(row, told=told)
        # A decision that decides is two acts of the trail, the decision and the move: one line to read.
        carried_out = found and found[-1].decision and (found[-1].actor, found[-1].act) == (this.actor, this.act)
        if this.decision or not carried_out:
            found.append(this)
    return found


def build_history_entry(row: AuditEvent, *, told: bool) -> HistoryEntry:
    act = row.action.partition(".")[2].removeprefix("decide_")
    decision = "decision" in row.body
    said = row.body.get("comment" if decision else "reason", "")
    return HistoryEntry(row.at, row.actor, act, str(said) if told or act != "suspend" else "", decision)
