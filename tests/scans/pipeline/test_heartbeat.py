"""A lease is kept up by signs of life, and a sign that fails is told and tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError

from governance.celery import BEAT_SCHEDULE
from scans.pipeline import heartbeat


class Waits:
    """In place of an Event: counts the waits, and ends after some."""

    def __init__(self, most: int) -> None:
        self.asked: list[float] = []
        self.most = most

    def wait(self, seconds: float) -> bool:
        self.asked.append(seconds)
        return len(self.asked) > self.most


def beats(extend: Callable[[], object], most: int) -> list[float]:
    waits = Waits(most)
    heartbeat.run_heartbeat(waits, extend, "heartbeat of target 1")  # type: ignore[arg-type]
    return waits.asked


@pytest.mark.parametrize("error", [OperationalError("the connection is lost"), ZeroDivisionError()])
def test_failed_heartbeat_is_logged_and_retried_soon(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []

    def extend() -> None:
        tried.append(1)
        if len(tried) == 1:
            raise error

    assert beats(extend, 2) == [heartbeat.HEARTBEAT_SECONDS, heartbeat.RETRY_SECONDS, heartbeat.HEARTBEAT_SECONDS]
    assert len(tried) == 2
    assert "heartbeat of target 1" in caplog.text


def test_signs_are_given_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.001)
    given = threading.Event()
    with heartbeat.keep_lease_alive(given.set, "heartbeat"):
        assert given.wait(timeout=30)


def test_work_of_a_killed_worker_goes_on_within_45_seconds() -> None:
    """The lease and the longest time until the next sweep; three signs may fail."""
    assert heartbeat.LEASE_DURATION.total_seconds() + BEAT_SCHEDULE["sweep"][1] < 45
    assert heartbeat.LEASE_DURATION.total_seconds() >= 3 * heartbeat.HEARTBEAT_SECONDS
