"""Runs a Scan in this process, with threads for accounts: what `manage.py scan` does without --queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization
from governance.core.states import SCAN_ENDED
from scans import budget, completion, work
from scans.holders import free_dead
from scans.models import Scan, Target
from scans.threads import Pool

PAUSE = 0.5


def run(scan: Scan, progress: Callable[[], None] = lambda: None) -> None:
    """Work on the Scan's Targets until it has ended; calls progress about twice a second."""
    with Pool(settings.SCAN_PARALLEL_TARGETS, "target") as pool:
        try:
            work_through(scan, pool, progress)
        except KeyboardInterrupt:
            pool.shutdown(wait_for_it=False, cancel=True)  # what is being read is finished, nothing else is begun
            raise


def work_through(scan: Scan, pool: Pool, progress: Callable[[], None]) -> None:
    busy: dict[Future[None], int] = {}
    while True:
        taken = set(busy.values())
        free = Q(state="queued") | Q(state="running", lease_until__lt=timezone.now())
        waiting = scan.targets.filter(free).exclude(pk__in=taken).order_by("id")
        room = settings.SCAN_PARALLEL_TARGETS * 2 - len(busy)
        for target_id in list(waiting.values_list("id", flat=True)[:room]):
            busy[pool.submit(one, target_id)] = target_id
        finished, _ = wait(busy, timeout=PAUSE, return_when=FIRST_COMPLETED)
        for future in finished:
            del busy[future]
            future.result()
        for future in stuck(busy):
            pool.give_up(future)
            del busy[future]
        progress()
        if not busy and not completion.advance(scan.pk):
            scan.refresh_from_db()
            if scan.state in SCAN_ENDED:
                return
            time.sleep(PAUSE)  # somebody else has the rest; no hurry


def stuck(busy: dict[Future[None], int]) -> list[Future[None]]:
    """Work that goes on though its Target has failed for want of time: nobody waits for it."""
    failed = Target.objects.filter(pk__in=busy.values(), state="failed", started_at__lt=timezone.now() - budget.limit())
    over = set(failed.values_list("pk", flat=True)) if busy else set()
    return [future for future, target_id in busy.items() if target_id in over and not future.done()]


def one(target_id: int) -> None:
    try:
        work.run_target(target_id)
    finally:
        connection.close()


def unfinished(organization: Organization, asked: dict[str, list[str]]) -> Scan | None:
    """A Scan that asked for the same and was cut off: no live worker holds any of its Targets."""
    for scan in Scan.objects.filter(organization=organization, state__in=["running", "joining"]):
        free_dead(scan)
        held = scan.targets.filter(state="running", lease_until__gt=timezone.now()).exists()
        if not held and {k: sorted(v) for k, v in scan.asked.items()} == {k: sorted(v) for k, v in asked.items()}:
            return scan
    return None
