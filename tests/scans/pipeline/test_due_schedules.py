"""Schedules: each due time starts one Scan, however many beats look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Organization
from governance.core.models import ClockFailure
from governance.core.policy import NotPermittedError
from scans.models import Scan, Schedule
from scans.pipeline import due_schedules
from tests.scans.orders import company

pytestmark = pytest.mark.django_db

DAY = 24 * 60


@pytest.fixture
def organization() -> Organization:
    return company()


def schedule(organization: Organization, late: timedelta, every: int = DAY, **more: object) -> Schedule:
    return Schedule.objects.create(
        organization=organization, name="nightly", every_minutes=every, next_due_at=timezone.now() - late, **more
    )


def test_due_schedule_starts_once_and_gets_next_time(organization: Organization) -> None:
    made = schedule(organization, timedelta(minutes=1))
    due = made.next_due_at
    (started,) = due_schedules.start_due_schedules()
    scan = Scan.objects.get(pk=started)
    assert (scan.schedule, scan.due_at, scan.started_by, scan.state) == (made, due, "system", "running")
    made.refresh_from_db()
    assert made.next_due_at == due + timedelta(days=1)
    assert due_schedules.start_due_schedules() == []


def test_early_or_disabled_schedule_does_not_start(organization: Organization) -> None:
    schedule(organization, -timedelta(minutes=1))
    schedule(organization, timedelta(minutes=1), enabled=False)
    assert due_schedules.start_due_schedules() == []


def test_times_that_were_missed_are_made_up_for_once(organization: Organization) -> None:
    made = schedule(organization, timedelta(days=10))
    before = timezone.now()
    assert len(due_schedules.start_due_schedules()) == 1
    made.refresh_from_db()
    assert made.next_due_at >= before + timedelta(days=1)
    assert due_schedules.start_due_schedules() == []


def test_a_second_beat_that_read_the_row_before_starts_nothing(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = schedule(organization, timedelta(minutes=1))
    stale = Schedule.objects.select_related("organization").get(pk=made.pk)
    assert len(due_schedules.start_due_schedules()) == 1
    monkeypatch.setattr(Schedule.objects, "filter", lambda **_: Stale([stale], made.pk))
    assert due_schedules.start_due_schedules() == []
    assert Scan.objects.count() == 1


class Stale(list[Schedule]):
    """What another beat read a moment ago; its write then finds that the row has moved on."""

    def __init__(self, rows: list[Schedule], pk: int) -> None:
        super().__init__(rows)
        self.pk = pk

    def select_related(self, *_: str) -> Stale:
        return self

    def update(self, **values: object) -> int:
        return Schedule._base_manager.filter(pk=self.pk, next_due_at=self[0].next_due_at).update(**values)


def test_database_refuses_second_scan_of_one_due_time(organization: Organization) -> None:
    made = schedule(organization, timedelta(minutes=1))
    due_schedules.start_due_schedules()
    scan = Scan.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Scan.objects.create(organization=organization, started_by="x", schedule=made, due_at=scan.due_at)


def test_unstartable_schedule_does_not_block_others(organization: Organization) -> None:
    empty = Organization.objects.create(org_id="o-2", partition="aws", management_account_id="999900001111")
    schedule(empty, timedelta(minutes=2))
    schedule(organization, timedelta(minutes=1))
    (started,) = due_schedules.start_due_schedules()
    assert Scan.objects.get(pk=started).organization == organization


@pytest.mark.parametrize(
    "error", [KeyError("control"), RuntimeError("a defect"), NotPermittedError("no"), IntegrityError("another rule")]
)
def test_failing_schedule_is_recorded_and_others_start(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    other = Organization.objects.create(org_id="o-2", partition="aws", management_account_id="999900001111")
    broken = schedule(other, timedelta(minutes=2))
    schedule(organization, timedelta(minutes=1))
    start_scan = due_schedules.start_scan

    def breaks(**more: Any) -> Scan:
        if more["organization"] == other:
            raise error
        return start_scan(**more)

    monkeypatch.setattr(due_schedules, "start_scan", breaks)
    (started,) = due_schedules.start_due_schedules()
    assert Scan.objects.get(pk=started).organization == organization
    failure = ClockFailure.objects.get()
    assert (failure.act, failure.row) == (due_schedules.START_DUE, broken.pk)
    assert due_schedules.start_due_schedules() == []
    broken.refresh_from_db()
    assert broken.next_due_at < timezone.now()  # still due: it starts when it can
    monkeypatch.setattr(
        due_schedules, "start_scan", lambda **more: start_scan(**{**more, "organization": organization})
    )
    ClockFailure.objects.update(next_try_at=timezone.now())
    assert len(due_schedules.start_due_schedules()) == 1
    assert not ClockFailure.objects.exists()


def test_database_refuses_too_frequent_schedule(organization: Organization) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        schedule(organization, timedelta(0), every=4)
