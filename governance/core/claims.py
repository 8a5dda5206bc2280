"""Claims on rows: which process works on a row, until when, and how long a row that failed waits for its next try.

The database decides who gets a row: the claim is one UPDATE whose WHERE still asks for a free row, so of two processes
at once one changes it and the other changes nothing. A claim ends by itself, so a process that dies blocks no row.

Three places look alike and are something else, so they keep their own statements:
- scans.pipeline.due_schedules settles a due time once and for all; nothing is held afterward.
- governance.rest.idempotency inserts its row, and a row's lock, not a time, tells a request that runs from a dead one.
- governance.core.row_failures only counts failures; the task's turn (governance.core.task_turns) is the claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

MAX_DOUBLINGS = 20  # beyond every longest wait, and far below what a timedelta can hold


def claim_rows(free: QuerySet[Any], until: datetime, *, column: str = "lease_until", **values: Any) -> int:
    """Claim these rows until that time. Returns how many were still free; 0: another process was quicker.

    free: the rows, with the condition that makes a row free in its WHERE. values: further columns, such as owner."""
    return free.update(**{column: until}, **values)


def extend_claim(held: QuerySet[Any], lease: timedelta) -> None:
    """Extend the claim. held: the rows that this process still holds; a claim that was lost stays lost."""
    held.update(lease_until=timezone.now() + lease)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between tries: the first, then doubled each time, up to the longest. max_tries None: never give up."""

    first: timedelta
    longest: timedelta
    max_tries: int | None = None

    def delay(self, failures: int) -> timedelta:
        """How long to wait after so many failures in a row."""
        return min(self.first * (1 << min(max(0, failures - 1), MAX_DOUBLINGS)), self.longest)

    def is_exhausted(self, failures: int) -> bool:
        """Whether to give up after so many failures."""
        return self.max_tries is not None and failures >= self.max_tries
