"""The Celery edge: a message says which row, nothing else. Losing one only delays.

What the clock runs is short; handing a Scan out and taking it forward are messages to the workers that scan.
"""

from __future__ import annotations

import math
import time
from datetime import timedelta
from functools import partial

import structlog
from celery import shared_task
from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from governance.core.row_failures import all_of, each, forget, held_back, reason, write_down
from governance.core.states import TARGET
from governance.core.task_turns import alone, silence
from scans.models import Scan, Target
from scans.pipeline import completion, due_schedules, target_worker, time_limits
from scans.pipeline.leases import free_dead

# How long a sent message is trusted to arrive before the sweeper sends another for the same row.
TRUST = timedelta(minutes=10)
PER_SWEEP = 2000
# Beyond the wall of a Target (scans.pipeline.time_limits), when it has already failed: a process that still works on it is stopped.
TARGET_LIMIT = settings.TARGET_SECONDS + time_limits.WALL + 300
# It may join the evidence of ten thousand accounts.
ADVANCE_LIMIT = 4 * 3600
PER_DISPATCH = 500
ADVANCE = "scans.advance"
WARN_SECONDS = 300
warned = [-math.inf]  # when this process last warned of a clock that stands still
log = structlog.get_logger(__name__)


def enqueue(scan_id: int) -> None:
    """Hand a Scan to the workers. Call in transaction.on_commit at the edge."""
    dispatch.delay(scan_id)


@shared_task(name="scans.dispatch")
def dispatch(scan_id: int, after: int = 0) -> None:
    """A part of the Scan's Targets; a message of its own for the next part, so that others come in between."""
    waiting = Target.objects.filter(scan_id=scan_id, state="queued", id__gt=after).order_by("id")
    ids = list(waiting.values_list("id", flat=True)[:PER_DISPATCH])
    send(ids)
    if len(ids) == PER_DISPATCH:
        dispatch.delay(scan_id, ids[-1])


@shared_task(name="scans.run_target", soft_time_limit=TARGET_LIMIT, time_limit=TARGET_LIMIT + 60)
def run_target(target_id: int) -> None:
    target_worker.run_target(target_id)
    scan_id = Target.objects.values_list("scan_id", flat=True).get(pk=target_id)
    send(completion.advance(scan_id))
    warn_of_silence()
    time_limits.leave_stuck_threads()


@shared_task(name=ADVANCE, expires=60, soft_time_limit=ADVANCE_LIMIT, time_limit=ADVANCE_LIMIT + 60)
def advance(scan_id: int) -> None:
    """For workers that scan: joining very many Accounts takes minutes, which the clock doesn't have."""
    try:
        send(completion.advance(scan_id))
    except Exception as error:
        write_down(ADVANCE, scan_id, reason(error))
        raise
    forget(ADVANCE, scan_id)


@shared_task(name="scans.sweep")
@alone("scans.sweep")
def sweep() -> None:
    hand_out()


def hand_out() -> None:
    """Send again what is queued or whose lease ran out, and have Scans taken forward whose worker died."""
    going = list(Scan.objects.filter(state__in=["running", "joining"]))
    all_of(partial(each, "scans.free_dead", going, free_dead), send_lost, partial(take_forward, going))


def send_lost() -> int:
    now = timezone.now()
    # Back into the queue, so that each sweep sends one message and not one more.
    died = Target.objects.filter(state="running", lease_until__lt=now, scan__state__in=["running", "joining"])
    died.update(state=TARGET.target("release"), token=F("token") + 1, owner="")
    lost = Q(lease_until__lt=now) | Q(lease_until__isnull=True, scan__created_at__lt=now - TRUST)
    rows = Target.objects.filter(lost, state="queued", scan__state__in=["running", "joining"])
    ids = list(rows.order_by("lease_until", "id").values_list("id", flat=True)[:PER_SWEEP])
    send(ids)
    return len(ids)


def take_forward(going: list[Scan]) -> int:
    """One that failed a moment ago waits for its time."""
    waiting = set(held_back(ADVANCE))
    ready = [scan.pk for scan in going if scan.pk not in waiting and completion.is_ready(scan)]
    for scan_id in ready:
        advance.delay(scan_id)
    return len(ready)


@shared_task(name="scans.start_due_scans")
@alone("scans.start_due_scans")
def start_due_scans() -> None:
    each("scans.dispatch", due_schedules.start_due(), dispatch)


def send(target_ids: list[int]) -> None:
    for target_id in target_ids:
        run_target.delay(target_id)
    Target.objects.filter(pk__in=target_ids, state="queued").update(lease_until=timezone.now() + TRUST)


def warn_of_silence() -> None:
    """Say in the workers' log that nothing does what is due; once in five minutes."""
    said = silence(timezone.now())
    if said and time.monotonic() - warned[0] > WARN_SECONDS:
        warned[0] = time.monotonic()
        log.warning("clock.silent", why=said)
