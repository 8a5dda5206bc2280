"""Runs a Scan in this process with one thread per account, for `manage.py scan` without --queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization
from governance.core import error_log
from governance.core.states import SCAN_ENDED
from scans.models import Scan, Target
from scans.pipeline import completion, failures, target_worker, time_limits
from scans.pipeline.daemon_threads import DaemonPool
from scans.pipeline.leases import release_dead_leases

STEP_SECONDS = 0.5
clock = time.monotonic
# How long the database may be away before the command gives up. The next `manage.py scan` continues the Scan.
MAX_OUTAGE_SECONDS = 45.0


def run(scan: Scan, progress: Callable[[], None] = lambda: None) -> None:
    """Work on the Scan's Targets until it has ended. Calls progress about twice a second."""
    with DaemonPool(settings.SCAN_PARALLEL_TARGETS, "target") as pool:
        try:
            work_until_ended(scan, pool, progress)
        except KeyboardInterrupt:
            # No further account begins. Accounts that are being read are finished: leaving the pool waits for them.
            pool.shutdown(wait_for_it=False, cancel=True)
            raise


def work_until_ended(scan: Scan, pool: DaemonPool, progress: Callable[[], None]) -> None:
    going = ForegroundWork(scan)
    sound = clock()
    while True:
        try:
            if run_work_step(going, pool, progress):
                return
            sound = clock()
        except failures.INFRASTRUCTURE_ERRORS as error:
            if clock() - sound > MAX_OUTAGE_SECONDS:
                raise
            error_log.log_transient_error(error, f"scan {scan.pk}")
            failures.drop_broken_connection()
            time.sleep(STEP_SECONDS)


@dataclass(slots=True)
class ForegroundWork:
    """The Targets in work, and until when a failed Target waits for its next try."""

    scan: Scan
    busy: dict[Future[None], int] = field(default_factory=dict)
    rests: dict[int, float] = field(default_factory=dict)

    def unavailable_targets(self) -> set[int]:
        now = clock()
        return {*self.busy.values(), *(target_id for target_id, until in self.rests.items() if until > now)}


def run_work_step(going: ForegroundWork, pool: DaemonPool, progress: Callable[[], None]) -> bool:
    """Start Targets while there is room, and collect finished ones. True: the Scan has ended."""
    scan, busy = going.scan, going.busy
    free = Q(state="queued") | Q(state="running", lease_until__lt=timezone.now())
    waiting = scan.targets.filter(free).exclude(pk__in=going.unavailable_targets()).order_by("id")
    # Twice the threads are submitted, so that no thread idles between two steps.
    room = settings.SCAN_PARALLEL_TARGETS * 2 - len(busy)
    for target_id in list(waiting.values_list("id", flat=True)[:room]):
        busy[pool.submit(run_one_target, target_id)] = target_id
    finished, _ = wait(busy, timeout=STEP_SECONDS, return_when=FIRST_COMPLETED)
    for future in finished:
        delay_retry(going, busy.pop(future))
        future.result()
    for future in list_stuck_work(busy):
        pool.give_up(future)
        del busy[future]
    progress()
    if busy or completion.advance_scan(scan.pk):
        return False
    scan.refresh_from_db()
    if scan.state in SCAN_ENDED:
        return True
    time.sleep(STEP_SECONDS)  # the rest is with other workers or waits for another try
    return False


def delay_retry(going: ForegroundWork, target_id: int) -> None:
    """Let a Target that failed and is queued again wait before its next try."""
    attempts = Target.objects.filter(pk=target_id, state="queued").values_list("attempts", flat=True).first()
    if attempts:
        going.rests[target_id] = clock() + failures.compute_retry_delay(attempts).total_seconds()


def list_stuck_work(busy: dict[Future[None], int]) -> list[Future[None]]:
    """Work that still runs although its Target has failed at the time limit."""
    failed = Target.objects.filter(
        pk__in=busy.values(), state="failed", started_at__lt=timezone.now() - time_limits.get_target_time_limit()
    )
    over = set(failed.values_list("pk", flat=True)) if busy else set()
    return [future for future, target_id in busy.items() if target_id in over and not future.done()]


def run_one_target(target_id: int) -> None:
    try:
        target_worker.run_target(target_id)
    finally:
        connection.close()


def find_interrupted_scan(organization: Organization, asked: dict[str, list[str]]) -> Scan | None:
    """An interrupted Scan of the same scope: it hasn't ended, and no live worker holds any of its Targets."""
    for scan in Scan.objects.filter(organization=organization, state__in=["running", "joining"]):
        release_dead_leases(scan)
        held = scan.targets.filter(state="running", lease_until__gt=timezone.now()).exists()
        if not held and {k: sorted(v) for k, v in scan.asked.items()} == {k: sorted(v) for k, v in asked.items()}:
            return scan
    return None
