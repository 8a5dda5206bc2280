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


def read_history(subject: str, *, show_drift: bool = True) -> list[HistoryEntry]:
    """Oldest first. show_drift: the reader may read why it was suspended, with the names of accounts and resources."""
    found: list[HistoryEntry] = []
    for row in AuditEvent.objects.filter(subject=subject).order_by("seq"):
        this = build_history_entry(row, show_drift=show_drift)
        # The deciding vote writes two audit rows, the decision and the move. The page shows them as one line.
        carried_out = found and found[-1].decision and (found[-1].actor, found[-1].act) == (this.actor, this.act)
        if this.decision or not carried_out:
            found.append(this)
    return found


def build_history_entry(row: AuditEvent, *, show_drift: bool) -> HistoryEntry:
    act = row.action.partition(".")[2].removeprefix("decide_")
    decision = "decision" in row.body
    reason = row.body.get("comment" if decision else "reason", "")
    # A suspension's reason names what drifted, maybe in an account that this reader can't see.
    return HistoryEntry(row.at, row.actor, act, str(reason) if show_drift or act != "suspend" else "", decision)
