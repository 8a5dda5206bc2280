"""Processes rows one by one for the clock's tasks: a failed row is recorded and tried again later, the others go on.

Such a loop also ends after a while, so that no run of a task lasts for hours. The next run takes up the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from governance.core.claims import Backoff
from governance.core.models import ClockFailure

MAX_SECONDS = 30.0
ROW_BACKOFF = Backoff(first=timedelta(minutes=1), longest=timedelta(hours=1))
FAILURE_RETENTION = timedelta(days=7)
MAX_REASON_LENGTH = 500
log = structlog.get_logger(__name__)
Row = TypeVar("Row")


@contextmanager
def isolate_failure(record_failure: Callable[[str], object]) -> Iterator[None]:
    """Record an error of the block with its reason, and go on.

    The end of the task's time is raised again: it is no error of the row. So is the error of a database that is away,
    since record_failure then fails too.
    """
    try:
        yield
    except Exception as error:  # any error: which ones a row can cause isn't known, and none may stop the other rows
        if isinstance(error, SoftTimeLimitExceeded):
            raise
        record_failure(describe_error(error))


def describe_error(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")[:MAX_REASON_LENGTH]


def process_rows(act: str, rows: Iterable[Row], work: Callable[[Row], object], *, seconds: float = MAX_SECONDS) -> int:
    """Call work for each row (a model instance or an id). Returns for how many it returned a true value."""
    failed = {failure.row: failure for failure in ClockFailure.objects.filter(act=act)}
    now, done = timezone.now(), 0
    postponed = {id for id, failure in failed.items() if failure.next_try_at > now}
    for row in take_within(act, (row for row in rows if get_row_id(row) not in postponed), seconds):
        id = get_row_id(row)
        with isolate_failure(partial(record_row_failure, act, id)):
            done += bool(work(row))
            if id in failed:
                failed[id].delete()
    return done


def take_within(act: str, rows: Iterable[Row], seconds: float) -> Iterator[Row]:
    """The rows, one after the other, until the time is used up. The next run takes the rest."""
    until = time.monotonic() + seconds
    for number, row in enumerate(rows):
        if time.monotonic() > until:
            log.info("clock.rest_is_for_the_next_run", act=act, taken=number)
            return
        yield row


def get_row_id(row: Any) -> int:
    id: int = row if isinstance(row, int) else row.pk
    return id


def list_postponed_rows(act: str) -> list[int]:
    """The rows that failed and aren't due yet. Exclude them before a query is limited, or they could fill its batch."""
    held = ClockFailure.objects.filter(act=act, next_try_at__gt=timezone.now())
    return list(held.values_list("row", flat=True))


def record_row_failure(act: str, row: int, why: str) -> None:
    """Record a failed row. Its waits double from a minute to an hour; it is never given up."""
    now = timezone.now()
    # Rows that were deleted or that other acts dealt with leave their failures behind; old ones go here.
    ClockFailure.objects.filter(next_try_at__lt=now - FAILURE_RETENTION).delete()
    before = ClockFailure.objects.filter(act=act, row=row).values_list("attempts", flat=True).first() or 0
    next_try_at = now + ROW_BACKOFF.delay(before + 1)
    ClockFailure.objects.update_or_create(
        act=act, row=row, defaults={"attempts": before + 1, "at": now, "next_try_at": next_try_at, "error": why}
    )
    log.warning("clock.row_failed", act=act, row=row, why=why, attempts=before + 1)


def clear_failure(act: str, row: int) -> None:
    ClockFailure.objects.filter(act=act, row=row).delete()


def run_all_steps(*steps: Callable[[], int]) -> int:
    """Run every step, even if another one fails; returns the sum. Raises the first error after all have run."""
    total = 0
    errors: list[Exception] = []
    for step in steps:
        try:
            total += step()
        except Exception as error:
            if isinstance(error, SoftTimeLimitExceeded):
                raise
            log.exception("clock.step_failed", step=getattr(step, "__name__", str(step)))
            errors.append(error)
    if errors:
        raise errors[0]
    return total
