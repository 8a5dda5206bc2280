"""Runs a Scan in this process, with threads for accounts: what `manage.py scan` does without --queue."""

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
# How long a database, or what else may pass, may be away before the command gives up; the next one goes on.
MAX_OUTAGE_SECONDS = 45.0


def run(scan: Scan, progress: Callable[[], None] = lambda: None) -> None:
    """Work on the Scan's Targets until it has ended; calls progress about twice a second."""
    with DaemonPool(settings.SCAN_PARALLEL_TARGETS, "target") as pool:
        try:
            work_until_ended(scan, pool, progress)
        except KeyboardInterrupt:
            pool.shutdown(wait_for_it=False, cancel=True)  # what is being read is finished, nothing else is begun
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
    """What is being worked on, and until when a Target rests that failed and is tried again."""

    scan: Scan
    busy: dict[Future[None], int] = field(default_factory=dict)
    rests: dict[int, float] = field(default_factory=dict)

    def unavailable_targets(self) -> set[int]:
        now = clock()
        return {*self.busy.values(), *(target_id for target_id, until in self.rests.items() if until > now)}


def run_work_step(going: ForegroundWork, pool: DaemonPool, progress: Callable[[], None]) -> bool:
    """Begin what there is room for, and take what is done. True: the Scan has ended."""
    scan, busy = going.scan, going.busy
    free = Q(state="queued") | Q(state="running", lease_until__lt=timezone.now())
    waiting = scan.targets.filter(free).exclude(pk__in=going.unavailable_targets()).order_by("id")
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
    time.sleep(STEP_SECONDS)  # somebody else has the rest, or it waits for another try; no hurry
    return False


def delay_retry(going: ForegroundWork, target_id: int) -> None:
    """What is to be tried again isn't at once: what failed needs a moment."""
    attempts = Target.objects.filter(pk=target_id, state="queued").values_list("attempts", flat=True).first()
    if attempts:
        going.rests[target_id] = clock() + failures.compute_retry_delay(attempts).total_seconds()


def list_stuck_work(busy: dict[Future[None], int]) -> list[Future[None]]:
    """Work that goes on though its Target has failed for want of time: nobody waits for it."""
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
    """A Scan that asked for the same and was cut off: no live worker holds any of its Targets."""
    for scan in Scan.objects.filter(organization=organization, state__in=["running", "joining"]):
        release_dead_leases(scan)
        held = scan.targets.filter(state="running", lease_until__gt=timezone.now()).exists()
        if not held and {k: sorted(v) for k, v in scan.asked.items()} == {k: sorted(v) for k, v in asked.items()}:
            return scan
    return None
