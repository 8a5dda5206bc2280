"""Two beats, and a beat and a person, at once. SQLite has one writer, so this needs PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from governance.core.policy import SYSTEM
from scans.domain.schedule_times import make_rhythm
from scans.models import Scan, Schedule
from scans.pipeline import due_schedules
from scans.pipeline.schedule_changes import create_schedule, run_schedule
from tests.governance.core.test_audit_at_once import at_once
from tests.scans.orders import company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.racing]


def make() -> Schedule:
    return create_schedule(actor=SYSTEM, organization=company(), name="nightly", rhythm=make_rhythm(60), asked={})


def test_concurrent_beats_start_one_scan() -> None:
    Schedule.objects.filter(pk=make().pk).update(next_due_at=timezone.now() - timedelta(minutes=1))
    assert sorted(map(len, at_once(*[due_schedules.start_due_schedules] * 2))) == [0, 1]
    assert Scan.objects.count() == 1
    assert Schedule.objects.get().missed == 0


def test_concurrent_manual_runs_start_one_scan() -> None:
    made = make()
    done = at_once(*[partial(run_schedule, actor=SYSTEM, schedule=made)] * 2)
    assert sorted(each.started for each in done) == [False, True]
    assert {each.scan.pk for each in done} == {Scan.objects.get().pk}
