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
    """Take these rows until that time. How many were still free: 0 means that another process was quicker.

    free: what makes a row free belongs into its WHERE. values: further columns, like owner and attempts."""
    return free.update(**{column: until}, **values)


def extend_claim(held: QuerySet[Any], lease: timedelta) -> None:
    """A sign of life. held: the rows, as long as they are this process's; a claim that was lost stays lost."""
    held.update(lease_until=timezone.now() + lease)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between tries: the first, then doubled each time, up to the longest. max_tries None: it is never given up."""

    first: timedelta
    longest: timedelta
    max_tries: int | None = None

    def delay(self, failures: int) -> timedelta:
        """How long to wait after so many failures in a row."""
        return min(self.first * (1 << min(max(0, failures - 1), MAX_DOUBLINGS)), self.longest)

    def is_exhausted(self, failures: int) -> bool:
        """Whether to give up after so many failures."""
        return self.max_tries is not None and failures >= self.max_tries
