"""The clock inside the web process: it outlives what goes wrong, and picks up what was left behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError
from structlog.testing import capture_logs

from governance.celery import app
from scans import embedded, tasks


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[embedded.EmbeddedWorker]:
    monkeypatch.setattr(embedded, "WorkController", lambda **_: type("Worker", (), {"start": int, "stop": int})())
    monkeypatch.setattr(embedded, "close_old_connections", int)
    made = embedded.EmbeddedWorker()
    yield made
    made.stopping.set()
    made.hand.shutdown()


class Inline(ThreadPoolExecutor):
    """Each act has ended when it was begun."""

    def submit(self, *words: Any, **more: Any) -> Future[Any]:
        future = super().submit(*words, **more)
        future.exception()
        return future


@pytest.mark.parametrize("error", [OperationalError("the database is away"), LookupError("evidence is not stored")])
def test_failing_clock_task_is_logged_and_clock_goes_on(clock: embedded.EmbeddedWorker, error: Exception) -> None:
    done = []

    def fail() -> None:
        raise error

    with capture_logs() as said:
        clock.run_safely(fail)
        clock.run_safely(lambda: done.append(True))
    assert done == [True]
    assert [(line["event"], line["why"]) for line in said] == [("embedded.tick_failed", str(error))]


def test_clock_resumes_work_then_runs_each_due_task(
    clock: embedded.EmbeddedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    schedule = {"often": {"task": "often", "schedule": 1.0}, "seldom": {"task": "seldom", "schedule": 5.0}}
    now = [1000.0]

    def wait(_seconds: float) -> bool:
        now[0] += 1
        return now[0] > 1006

    class Task:
        def __init__(self, name: str) -> None:
            self.run = lambda: done.append(name)

    class App:
        conf = type("Conf", (), {"beat_schedule": schedule})
        tasks = {name: Task(name) for name in schedule}

    monkeypatch.setattr(embedded, "app", App)
    monkeypatch.setattr(embedded, "resume_interrupted_work", lambda: done.append("picked up"))
    monkeypatch.setattr(embedded, "connection", type("Connection", (), {"close": staticmethod(int)}))
    monkeypatch.setattr(embedded.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(clock.stopping, "wait", wait)
    monkeypatch.setattr(clock, "hand", Inline(1))
    clock.tick()
    assert done[0] == "picked up"
    assert (done.count("often"), done.count("seldom")) == (6, 1)


@pytest.mark.django_db
def test_interrupted_work_is_dispatched_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from governance.core.policy import SYSTEM
    from scans.pipeline.start import start_scan
    from tests.scans.orders import company

    sent: list[int] = []
    monkeypatch.setattr(tasks.run_target_task, "delay", sent.append)
    scan = start_scan(actor=SYSTEM, organization=company())
    embedded.resume_interrupted_work()
    assert sorted(sent) == sorted(scan.targets.values_list("id", flat=True))


def test_an_act_that_hangs_keeps_no_other_and_is_not_begun_twice(clock: embedded.EmbeddedWorker) -> None:
    """A mail server that doesn't answer, say."""
    hung, other, times = Event(), Event(), []

    def hang() -> None:
        times.append(1)
        hung.wait(timeout=60)

    for name in [*app.conf.beat_schedule, *app.conf.beat_schedule]:
        clock.begin_act(name, hang)
    clock.begin_act("another", other.set)
    assert other.wait(timeout=60)
    hung.set()
    clock.hand.shutdown()
    assert len(times) == len(app.conf.beat_schedule)


def test_embedded_worker_takes_every_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def worker(**more: Any) -> Any:
        given.update(more)
        return type("Worker", (), {"start": int, "stop": int})()

    monkeypatch.setattr(embedded, "WorkController", worker)
    embedded.EmbeddedWorker().hand.shutdown()
    assert given["app"]._get_current_object() is app
    assert "queues" not in given


def test_a_broker_in_memory_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    with app.connection_for_write() as connection:
        assert connection.info()["transport"] == "memory"
    assert not caplog.records
