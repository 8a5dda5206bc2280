"""Starts the Scans of schedules that are due. Any number of processes may run it; each due time starts one Scan."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from governance.core.policy import SYSTEM
from governance.core.row_failures import process_rows
from scans.errors import ScanRequestError
from scans.models import Scan, Schedule
from scans.pipeline.schedule_changes import CLEARED_REFUSAL, build_scan_arguments, find_running_scan
from scans.pipeline.schedule_scope import rhythm_of
from scans.pipeline.start import start_scan

START_DUE = "scans.start_due"
log = structlog.get_logger(__name__)


def start_due_schedules() -> list[int]:
    """Start the Scans that are due. Returns their ids.

    1. Compute the next due time, and how many due times were missed.
    2. Claim the due time by a conditional UPDATE; without the claim, another process has it.
    3. Refuse if a Scan of the schedule is still running; otherwise start the Scan in the same transaction.
    4. A refusal is recorded on the schedule and counts as a missed run.

    Several missed due times start one Scan. A schedule that fails doesn't affect the others and is tried again later.
    """
    now = timezone.now()
    started: list[int] = []
    due = Schedule.objects.filter(enabled=True, next_due_at__lte=now).select_related("organization")
    process_rows(START_DUE, due, partial(start_scheduled_scan, now=now, started=started))
    return started


def start_scheduled_scan(schedule: Schedule, *, now: datetime, started: list[int]) -> None:
    due = schedule.next_due_at
    following, missed = find_next_due(schedule, now)
    values = {"next_due_at": following, **build_missed_fields(missed, now), **CLEARED_REFUSAL}
    try:
        with transaction.atomic():
            # Claimed before the start and in its transaction: a refused start rolls the claim back, and the handler
            # below claims again with the refusal.
            if claim_due_time(schedule, values):
                refuse_overlap(schedule)
                scan = start_scan(
                    actor=SYSTEM,
                    organization=schedule.organization,
                    schedule=schedule,
                    due_at=due,
                    **build_scan_arguments(schedule),
                )
                started.append(scan.pk)
    # The unique constraint one_scan_per_due_time is the second guard against two Scans for one due time.
    except IntegrityError:
        if not Scan.objects.filter(schedule=schedule, due_at=due).exists():
            raise
        return  # another process started this Scan
    except ScanRequestError as error:
        values |= {"refused": str(error), "refused_at": now, **build_missed_fields(missed + 1, now)}
        if claim_due_time(schedule, values):
            log.warning("schedule.refused", schedule=schedule.name, why=str(error))


def claim_due_time(schedule: Schedule, values: dict[str, object]) -> bool:
    """Claim this due time. False: another process did, or a person changed or paused the schedule since it was read.

    Nothing is held afterward, so it doesn't use governance.core.claims: the claim and the Scan commit together."""
    same = {"pk": schedule.pk, "next_due_at": schedule.next_due_at, "version": schedule.version}
    return bool(Schedule.objects.filter(**same).update(**values))


def find_next_due(schedule: Schedule, now: datetime) -> tuple[datetime, int]:
    """The next due time, and how many due times passed since this one."""
    rhythm = rhythm_of(schedule)
    try:
        return rhythm.following(schedule.next_due_at, now)
    # This machine doesn't know the schedule's time zone. One interval from now is the best guess; skipping the run
    # would be worse.
    except ScanRequestError as error:
        log.warning("schedule.no_time_zone", schedule=schedule.name, why=str(error))
        return now + timedelta(minutes=rhythm.every_minutes), 0


def build_missed_fields(times: int, now: datetime) -> dict[str, object]:
    return {"missed": F("missed") + times, "missed_at": now} if times else {}


def refuse_overlap(schedule: Schedule) -> None:
    """Raises ScanRequestError while a Scan of the schedule runs. A second one would wait for the same accounts."""
    running = find_running_scan(schedule)
    if running is not None:
        raise ScanRequestError(f"Scan {running.pk} of this schedule was still running.")
