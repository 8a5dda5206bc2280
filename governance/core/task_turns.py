"""Runs each of the clock's tasks once at a time, and records when it last ran.

1. claim the turn: a row of ClockTurn whose lease has run out;
2. run the task, while a thread renews the lease;
3. release the turn, with the error if there was one.

A task that is sent while its last run still goes on, because a mail server hangs for example, ends at once instead of
taking another slot. The turn of a process that died is free after TURN_LEASE.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import wraps

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from governance.core.claims import claim_rows, extend_claim
from governance.core.models import ClockTurn
from governance.core.row_failures import describe_error

TURN_LEASE = timedelta(seconds=40)
HEARTBEAT_SECONDS = 10
# Beat sends the most frequent task every 4 seconds (governance.celery).
MAX_SILENCE = timedelta(minutes=3)
log = structlog.get_logger(__name__)


def exclusive_task(name: str) -> Callable[[Callable[[], object]], Callable[[], None]]:
    """A decorator for tasks: runs the task only if no other run of it is going on."""

    def decorate(act: Callable[[], object]) -> Callable[[], None]:
        @wraps(act)
        def run() -> None:
            run_exclusively(name, act)

        return run

    return decorate


def run_exclusively(name: str, act: Callable[[], object]) -> bool:
    """Run the act in its turn. False if an earlier run still goes on."""
    holder = claim_turn(name)
    if holder is None:
        log.info("clock.still_running", task=name)
        return False
    error = "cut off"
    try:
        with keep_turn_renewed(name, holder):
            act()
        error = ""
    # Also for SystemExit and the task's time limit: the reason is recorded with the turn, then raised again.
    except BaseException as raised:
        error = describe_error(raised)
        raise
    finally:
        release_turn(name, holder, error)
    return True


def claim_turn(name: str) -> str | None:
    now, holder = timezone.now(), secrets.token_hex(16)
    # The row is created with a lease that has run out; the conditional UPDATE then lets one of several runs through.
    ClockTurn.objects.bulk_create([ClockTurn(name=name, lease_until=now)], ignore_conflicts=True)
    free = ClockTurn.objects.filter(name=name, lease_until__lte=now)
    taken = claim_rows(free, now + TURN_LEASE, holder=holder, began_at=now, ended_at=None, error="")
    return holder if taken else None


def release_turn(name: str, holder: str, error: str) -> None:
    now = timezone.now()
    mine = ClockTurn.objects.filter(name=name, holder=holder)
    try:
        mine.update(lease_until=now, ended_at=now, error=error)
    # Logged, not raised: the task's own error counts, and the lease runs out without this.
    except DatabaseError as away:
        log.warning(
            "clock.turn_not_given_back", task=name, why=describe_error(away), free_after=TURN_LEASE.total_seconds()
        )


@contextmanager
def keep_turn_renewed(name: str, holder: str) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=renew_turn, args=(name, holder, stop), name=f"turn-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def renew_turn(name: str, holder: str, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        try:
            extend_claim(ClockTurn.objects.filter(name=name, holder=holder), TURN_LEASE)
        except DatabaseError as error:
            # Without its broken connection, the thread opens a new one at the next beat.
            log.warning("clock.turn_not_renewed", task=name, why=describe_error(error))
            connection.close()
    connection.close()


def find_last_start() -> datetime | None:
    """When the newest run of any of the clock's tasks began; None if there was none."""
    newest: datetime | None = ClockTurn.objects.aggregate(newest=Max("began_at"))["newest"]
    return newest


def describe_clock_silence(now: datetime) -> str:
    """A message if the clock's tasks don't run; empty if they do."""
    newest = find_last_start()
    if newest is None:
        return "no task of the clock has ever run: start beat and a worker for the queue clock"
    if now - newest > MAX_SILENCE:
        minutes = int((now - newest).total_seconds() // 60)
        return f"no task of the clock has run for {minutes} minutes: start beat and a worker for the queue clock"
    return ""
