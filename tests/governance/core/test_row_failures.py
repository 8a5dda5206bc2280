"""Rows apart: whichever of many can't be dealt with, all others are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from governance.core import row_failures
from governance.core.models import ClockFailure
from tests.support.examples import examples

pytestmark = pytest.mark.django_db

ERRORS = (KeyError("x"), ValueError(), RuntimeError("a defect"), OSError("disk"), OperationalError("deadlock detected"))


class Property(TestCase):
    @settings(max_examples=examples(40), deadline=None)
    @given(broken=st.dictionaries(st.integers(0, 11), st.sampled_from(ERRORS)))
    def test_working_rows_run_once_failing_rows_are_recorded(self, broken: dict[int, Exception]) -> None:
        ClockFailure.objects.all().delete()
        done: list[int] = []

        def work(row: int) -> bool:
            if row in broken:
                raise broken[row]
            done.append(row)
            return True

        assert row_failures.process_rows("an act", range(12), work) == 12 - len(broken)
        assert done == [row for row in range(12) if row not in broken]
        assert set(ClockFailure.objects.values_list("row", flat=True)) == set(broken)
        assert set(row_failures.list_postponed_rows("an act")) == set(broken)
        assert row_failures.list_postponed_rows("another act") == []


def fail(_row: int) -> None:
    raise RuntimeError("a defect")


def test_each_failure_waits_longer_up_to_an_hour() -> None:
    waits: list[timedelta] = []
    for _ in range(9):
        before = timezone.now()
        row_failures.process_rows("an act", [1], fail)
        waits.append(ClockFailure.objects.get().next_try_at - before)
        ClockFailure.objects.update(next_try_at=before)
    minutes = [round(wait.total_seconds() / 60) for wait in waits]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_failure_goes_when_its_row_works() -> None:
    row_failures.process_rows("an act", [1], fail)
    ClockFailure.objects.update(next_try_at=timezone.now())
    row_failures.process_rows("an act", [1], bool)
    assert not ClockFailure.objects.exists()


def test_the_end_of_the_tasks_time_is_raised() -> None:
    def slow(_row: int) -> None:
        raise SoftTimeLimitExceeded

    with pytest.raises(SoftTimeLimitExceeded):
        row_failures.process_rows("an act", [1], slow)
    with pytest.raises(SoftTimeLimitExceeded):
        row_failures.run_all_steps(lambda: slow(1) or 0)
    assert not ClockFailure.objects.exists()


def test_run_stops_after_its_time_and_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    now, done = [0.0], list[int]()

    def work(row: int) -> bool:
        now[0] += 10
        done.append(row)
        return True

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    assert row_failures.process_rows("an act", range(9), work, seconds=25) == 3
    assert done == [0, 1, 2]


def test_a_database_that_is_away_is_no_rows_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(row_failures, "record_row_failure", away)
    with pytest.raises(OperationalError):
        row_failures.process_rows("an act", [1, 2], away)
