"""The state machines, as tables. Pure: no Django.

Every state changes by an event of its machine. governance.core.transitions moves one row, with its audit record. Scans
move their Targets and Findings themselves: in bulk, without audit records, a Finding with a FindingEvent instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


class IllegalMoveError(ValueError):
    """The machine has no such event."""


@dataclass(frozen=True, slots=True)
class StateMachine:
    """name; moves: event -> (from-states, to-state)."""

    name: str
    moves: dict[str, tuple[frozenset[str], str]]

    def sources(self, event: str) -> frozenset[str]:
        return self._find_move(event)[0]

    def target(self, event: str) -> str:
        return self._find_move(event)[1]

    def next_state(self, state: str, event: str) -> str:
        """Where the event leads from this state, for rows that are written in bulk. Raises IllegalMoveError."""
        sources, target = self._find_move(event)
        if state not in sources:
            raise IllegalMoveError(f"{self.name} can't {event} when it is {state}")
        return target

    def _find_move(self, event: str) -> tuple[frozenset[str], str]:
        if event not in self.moves:
            raise IllegalMoveError(f"{self.name} has no event {event!r}; it has {', '.join(sorted(self.moves))}")
        return self.moves[event]


def _build_machine(name: str, *moves: tuple[str, str, str]) -> StateMachine:
    table = {event: (frozenset(sources.split()), target) for event, sources, target in moves}
    return StateMachine(name, table)


SCAN: Final = _build_machine(
    "scan",
    ("start", "queued", "running"),
    ("join", "running", "joining"),
    ("complete", "joining", "done"),
    ("complete_partly", "joining", "partial"),
    ("cancel", "queued running joining", "cancelled"),
    ("resume", "cancelled", "running"),
)
SCAN_ENDED: Final = frozenset({"done", "partial", "cancelled"})
SCAN_ENDED_WELL: Final = SCAN_ENDED - {"cancelled"}

TARGET: Final = _build_machine(
    "target",
    ("claim", "queued running", "running"),
    ("finish", "running", "done"),
    ("miss", "running", "unreadable"),
    ("release", "running", "queued"),
    ("give_up", "queued running", "failed"),
    ("cancel", "queued running", "cancelled"),
    ("resume", "cancelled", "queued"),
    ("revisit", "done", "queued"),
)
TARGET_ENDED: Final = frozenset({"done", "unreadable", "failed", "cancelled"})

FINDING: Final = _build_machine(
    "finding",
    ("fix", "open", "resolved"),
    ("vanish", "open", "resolved"),
    ("lapse", "open", "resolved"),
    ("supersede", "open", "resolved"),
    ("reopen", "resolved", "open"),
)

# An approved request is active while starts_at <= now < expires_at. That is computed when it is read, so that a clock
# that stands still can't extend an exception.
EXCEPTION: Final = _build_machine(
    "exception request",
    ("submit", "draft changes_requested", "submitted"),
    ("request_changes", "submitted", "changes_requested"),
    ("approve", "submitted", "approved"),
    ("reject", "submitted", "rejected"),
    ("withdraw", "draft submitted changes_requested approved suspended", "withdrawn"),
    ("suspend", "approved", "suspended"),
    ("reapprove", "suspended", "approved"),
    ("revoke", "approved suspended", "revoked"),
    ("supersede", "approved suspended", "superseded"),
    ("expire", "submitted changes_requested approved suspended", "expired"),
)
EXCEPTION_ENDED: Final = frozenset({"rejected", "withdrawn", "revoked", "superseded", "expired"})

# Only "prove" closes a ticket as fixed, and only the system fires it, after a passing scan. It starts from "open" too:
# a regular scan may prove a fix before a person claims it.
TICKET: Final = _build_machine(
    "ticket",
    ("approve", "proposed", "approved"),
    ("reject", "proposed", "rejected"),
    ("open", "approved sync_failed", "open"),
    ("miss", "approved", "sync_failed"),
    ("start", "open", "in_progress"),
    ("claim", "open in_progress", "fix_claimed"),
    ("verify", "fix_claimed", "verifying"),
    ("doubt", "verifying", "fix_claimed"),
    ("reopen", "verifying", "open"),
    ("prove", "open in_progress fix_claimed verifying", "closed"),
    ("cancel", "proposed approved open in_progress fix_claimed sync_failed", "cancelled"),
    ("supersede", "proposed approved open in_progress fix_claimed verifying sync_failed", "cancelled"),
)
TICKET_ENDED: Final = frozenset({"rejected", "cancelled", "closed"})
