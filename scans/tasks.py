"""The Celery edge: a message says which row, nothing else. Losing one only delays."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from scans import budget, completion, schedules, work
from scans.holders import free_dead
from scans.models import Scan, Target

# How long a sent message is trusted to arrive before the sweeper sends another for the same row.
TRUST = timedelta(minutes=10)
PER_SWEEP = 2000
# Beyond the wall of a Target (scans.budget), when it has already failed: a process that still works on it is stopped.
TARGET_LIMIT = settings.TARGET_SECONDS + budget.WALL + 300
# Takes Scans forward, and so may join the evidence of ten thousand accounts.
SWEEP_LIMIT = 4 * 3600


def enqueue(scan_id: int) -> None:
    """Hand a Scan to the workers. Call in transaction.on_commit at the edge."""
    dispatch.delay(scan_id)


@shared_task(name="scans.dispatch")
def dispatch(scan_id: int) -> None:
    send(list(Target.objects.filter(scan_id=scan_id, state="queued").values_list("id", flat=True)))


@shared_task(name="scans.run_target", soft_time_limit=TARGET_LIMIT, time_limit=TARGET_LIMIT + 60)
def run_target(target_id: int) -> None:
    work.run_target(target_id)
    scan_id = Target.objects.values_list("scan_id", flat=True).get(pk=target_id)
    send(completion.advance(scan_id))
    budget.leave_stuck_threads()


@shared_task(name="scans.sweep", soft_time_limit=SWEEP_LIMIT, time_limit=SWEEP_LIMIT + 60)
def sweep() -> None:
    """Send again what is queued or whose lease ran out, and take Scans forward whose worker died."""
    going = Scan.objects.filter(state__in=["running", "joining"])
    for scan in going:
        free_dead(scan)
    now = timezone.now()
    lost = Q(lease_until__lt=now) | Q(lease_until__isnull=True, scan__created_at__lt=now - TRUST)
    rows = Target.objects.filter(lost, state__in=["queued", "running"], scan__state__in=["running", "joining"])
    send(list(rows.order_by("lease_until", "id").values_list("id", flat=True)[:PER_SWEEP]))
    for scan_id in going.values_list("id", flat=True):
        send(completion.advance(scan_id))


@shared_task(name="scans.start_due_scans")
def start_due_scans() -> None:
    for scan_id in schedules.start_due():
        dispatch(scan_id)


def send(target_ids: list[int]) -> None:
    for target_id in target_ids:
        run_target.delay(target_id)
    Target.objects.filter(pk__in=target_ids, state="queued").update(lease_until=timezone.now() + TRUST)
