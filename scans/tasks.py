"""Celery tasks of scanning. A message carries only the id of a row, so a lost message delays work but loses none.

Scheduled tasks are short. Dispatching and advancing a Scan take longer, so they are messages to the scanning workers.
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

from governance.core.row_failures import (
    clear_failure,
    describe_error,
    list_postponed_rows,
    process_rows,
    record_row_failure,
    run_all_steps,
)
from governance.core.states import TARGET
from governance.core.task_turns import describe_clock_silence, exclusive_task
from scans.models import Scan, Target
from scans.pipeline import completion, due_schedules, target_worker, time_limits
from scans.pipeline.leases import release_dead_leases

# How long the sweeper waits for a sent message before it sends another one for the same row.
MESSAGE_TRUST = timedelta(minutes=10)
MAX_PER_SWEEP = 2000
# Later than the hard limit of a Target (scans.pipeline.time_limits). By then the Target has failed, and Celery stops
# the process that still works on it.
TARGET_LIMIT = settings.TARGET_SECONDS + time_limits.WALL_SECONDS + 300
# The cross-account evaluation may cover ten thousand accounts.
ADVANCE_LIMIT = 4 * 3600
MAX_PER_DISPATCH = 500
ADVANCE_TASK = "scans.advance"
WARN_SECONDS = 300
warned = [-math.inf]  # when this process last warned that scheduled tasks don't run
log = structlog.get_logger(__name__)


def enqueue_scan(scan_id: int) -> None:
    """Hand a Scan to the workers. Call it in transaction.on_commit."""
    dispatch.delay(scan_id)


@shared_task(name="scans.dispatch")
def dispatch(scan_id: int, after: int = 0) -> None:
    """Send a part of the Scan's Targets, then a message for the next part."""
    # In parts, so that other messages get a turn between those of a scan of ten thousand accounts.
    waiting = Target.objects.filter(scan_id=scan_id, state="queued", id__gt=after).order_by("id")
    ids = list(waiting.values_list("id", flat=True)[:MAX_PER_DISPATCH])
    send_targets(ids)
    if len(ids) == MAX_PER_DISPATCH:
        dispatch.delay(scan_id, ids[-1])


@shared_task(name="scans.run_target", soft_time_limit=TARGET_LIMIT, time_limit=TARGET_LIMIT + 60)
def run_target_task(target_id: int) -> None:
    target_worker.run_target(target_id)
    scan_id = Target.objects.values_list("scan_id", flat=True).get(pk=target_id)
    send_targets(completion.advance_scan(scan_id))
    warn_of_silent_clock()
    time_limits.exit_if_stuck()


@shared_task(name=ADVANCE_TASK, expires=60, soft_time_limit=ADVANCE_LIMIT, time_limit=ADVANCE_LIMIT + 60)
def advance_scan_task(scan_id: int) -> None:
    """Advance a Scan. It takes minutes for many Accounts, so scanning workers run it and not the scheduled sweep."""
    try:
        send_targets(completion.advance_scan(scan_id))
    # Any kind of error is recorded, so that the sweeper waits before it tries this Scan again.
    except Exception as error:
        record_row_failure(ADVANCE_TASK, scan_id, describe_error(error))
        raise
    clear_failure(ADVANCE_TASK, scan_id)


@shared_task(name="scans.sweep")
@exclusive_task("scans.sweep")
def sweep() -> None:
    hand_out_work()


def hand_out_work() -> None:
    """Resend Targets that are queued or whose lease has expired, and advance Scans whose worker died."""
    going = list(Scan.objects.filter(state__in=["running", "joining"]))
    run_all_steps(
        partial(process_rows, "scans.free_dead", going, release_dead_leases),
        resend_lost_targets,
        partial(enqueue_ready_scans, going),
    )


def resend_lost_targets() -> int:
    now = timezone.now()
    # Queued again with a new token: the next sweep then waits for the message below instead of sending another one.
    died = Target.objects.filter(state="running", lease_until__lt=now, scan__state__in=["running", "joining"])
    died.update(state=TARGET.target("release"), token=F("token") + 1, owner="")
    lost = Q(lease_until__lt=now) | Q(lease_until__isnull=True, scan__created_at__lt=now - MESSAGE_TRUST)
    rows = Target.objects.filter(lost, state="queued", scan__state__in=["running", "joining"])
    ids = list(rows.order_by("lease_until", "id").values_list("id", flat=True)[:MAX_PER_SWEEP])
    send_targets(ids)
    return len(ids)


def enqueue_ready_scans(going: list[Scan]) -> int:
    """Enqueue the Scans whose Targets have all ended, except those that failed a moment ago."""
    waiting = set(list_postponed_rows(ADVANCE_TASK))
    ready = [scan.pk for scan in going if scan.pk not in waiting and completion.is_ready_to_advance(scan)]
    for scan_id in ready:
        advance_scan_task.delay(scan_id)
    return len(ready)


@shared_task(name="scans.start_due_scans")
@exclusive_task("scans.start_due_scans")
def start_due_scans() -> None:
    process_rows("scans.dispatch", due_schedules.start_due_schedules(), dispatch)


def send_targets(target_ids: list[int]) -> None:
    for target_id in target_ids:
        run_target_task.delay(target_id)
    # After sending: a process that dies in between leaves Targets that the sweeper sends again. A Target that a worker
    # has claimed already is no longer queued and keeps its lease.
    Target.objects.filter(pk__in=target_ids, state="queued").update(lease_until=timezone.now() + MESSAGE_TRUST)


def warn_of_silent_clock() -> None:
    """Log, at most every five minutes, that scheduled tasks don't run."""
    problem = describe_clock_silence(timezone.now())
    if problem and time.monotonic() - warned[0] > WARN_SECONDS:
        warned[0] = time.monotonic()
        log.warning("clock.silent", why=problem)
