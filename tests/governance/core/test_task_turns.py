"""The turns of the clock's tasks: one run at a time, and a clock that stands still is seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone
from structlog.testing import capture_logs

from governance.core import task_turns
from governance.core.models import ClockTurn

pytestmark = pytest.mark.django_db


def turn() -> ClockTurn:
    return ClockTurn.objects.get(name="mail")


def test_a_run_is_noted_from_its_begin_to_its_end() -> None:
    seen: list[tuple[bool, bool]] = []

    def act() -> None:
        seen.append((turn().lease_until > timezone.now(), turn().ended_at is None))

    assert task_turns.run_exclusively("mail", act)
    assert seen == [(True, True)]
    assert turn().began_at <= turn().ended_at
    assert (turn().lease_until <= timezone.now(), turn().error) == (True, "")


def test_second_run_of_same_task_ends_and_others_run() -> None:
    done: list[str] = []

    def act() -> None:
        assert not task_turns.run_exclusively("mail", lambda: done.append("mail again"))
        assert task_turns.run_exclusively("sweep", lambda: done.append("sweep"))

    task_turns.run_exclusively("mail", act)
    assert task_turns.run_exclusively("mail", lambda: done.append("mail"))
    assert done == ["sweep", "mail"]


def test_failing_run_releases_its_turn_with_reason() -> None:
    def act() -> None:
        raise KeyError("tracker")

    with pytest.raises(KeyError):
        task_turns.run_exclusively("mail", act)
    assert turn().error == "KeyError: 'tracker'"
    assert task_turns.run_exclusively("mail", lambda: None)


def test_a_turn_whose_process_died_is_free_within_45_seconds() -> None:
    assert task_turns.claim_turn("mail")
    assert task_turns.claim_turn("mail") is None
    assert timedelta(seconds=45) >= task_turns.TURN_LEASE
    ClockTurn.objects.update(lease_until=timezone.now())
    assert task_turns.claim_turn("mail")


def test_stale_holder_releases_no_turn() -> None:
    first = task_turns.claim_turn("mail")
    ClockTurn.objects.update(lease_until=timezone.now())
    task_turns.claim_turn("mail")
    task_turns.release_turn("mail", str(first), "")
    assert task_turns.claim_turn("mail") is None


def test_failed_turn_release_is_logged_and_run_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def update(self, **_: object) -> None:
            raise DatabaseError("away")

    rows = ClockTurn.objects.filter
    monkeypatch.setattr(ClockTurn.objects, "filter", lambda **by: Away() if "holder" in by else rows(**by))
    with capture_logs() as said:
        assert task_turns.run_exclusively("mail", lambda: None)
    assert [line["event"] for line in said] == ["clock.turn_not_given_back"]


@pytest.mark.racing
@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_concurrent_runs_starts() -> None:
    start, end = Barrier(6), Event()

    def attempt(_number: int) -> bool:
        start.wait(timeout=60)
        try:
            return task_turns.run_exclusively("mail", lambda: end.wait(timeout=2))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(attempt, range(6))) == [False] * 5 + [True]


@pytest.mark.racing
@pytest.mark.django_db(transaction=True)
def test_a_long_run_keeps_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_turns, "HEARTBEAT_SECONDS", 0.05)
    renewed = Event()

    def act() -> None:
        before = turn().lease_until
        for _ in range(200):
            if turn().lease_until > before:
                renewed.set()
                return
            Event().wait(0.05)

    task_turns.run_exclusively("mail", act)
    assert renewed.is_set()


def test_a_clock_that_stands_still_is_seen() -> None:
    now = timezone.now()
    assert task_turns.describe_clock_silence(now).startswith("no task of the clock has ever run")
    task_turns.run_exclusively("mail", lambda: None)
    assert task_turns.describe_clock_silence(now) == ""
    later = timezone.now() + task_turns.MAX_SILENCE + timedelta(minutes=1)
    assert task_turns.describe_clock_silence(later).startswith(
        "no task of the clock has run for 4 minutes: start beat and a worker"
    )
