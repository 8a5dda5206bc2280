"""Schedules are rows: any number of beats may look, and each due time starts one Scan."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.core.policy import SYSTEM
from scans.errors import ScanRequestError
from scans.models import Schedule
from scans.services import start_scan

log = structlog.get_logger(__name__)


def start_due() -> list[int]:
    """Start what is due; the ids of the new Scans. A missed time is made up for once, not many times."""
    now = timezone.now()
    started: list[int] = []
    for schedule in Schedule.objects.filter(enabled=True, next_due_at__lte=now).select_related("organization"):
        due = schedule.next_due_at
        following = due + timedelta(minutes=schedule.every_minutes)
        if following <= now:
            following = now + timedelta(minutes=schedule.every_minutes)
        try:
            with transaction.atomic():
                if Schedule.objects.filter(pk=schedule.pk, next_due_at=due).update(next_due_at=following):
                    scan = start_scan(actor=SYSTEM, organization=schedule.organization, schedule=schedule, due_at=due)
                    started.append(scan.pk)
        except IntegrityError:
            continue  # another beat started this due time's Scan
        except ScanRequestError as error:
            log.warning("schedule.refused", schedule=schedule.name, why=str(error))
    return started
