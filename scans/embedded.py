"""Workers inside the web process, over an in-memory broker: for one machine without Redis.

The rows are the same as in production, so a restart picks up what the last process left. What beat would send doesn't
go through the broker: each task of the clock has a thread of its own, so that it begins however many Targets are worked on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import structlog
from celery import current_app as app
from celery.worker import WorkController
from django.conf import settings
from django.db import close_old_connections, connection

from scans import tasks
from scans.models import Scan

log = structlog.get_logger(__name__)


class EmbeddedWorker:
    """A running worker and its clock; stop() ends both."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.worker = WorkController(
            app=app,
            pool_cls="threads",
            concurrency=settings.SCAN_PARALLEL_TARGETS,
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        # Acts run in threads of their own: one that fails is told, one that hangs keeps no other.
        self.hand = ThreadPoolExecutor(len(app.conf.beat_schedule) + 1, thread_name_prefix="celery-beat-act")
        self.acting: dict[str, Future[object]] = {}
        self.threads = [
            threading.Thread(target=self.worker.start, name="celery-worker", daemon=True),
            threading.Thread(target=self.tick, name="celery-beat", daemon=True),
        ]

    def start(self) -> EmbeddedWorker:
        for thread in self.threads:
            thread.start()
        return self

    def tick(self) -> None:
        """What beat does in production, by the same table: each task when its time has come."""
        self.run_safely(resume_interrupted_work)
        schedule = app.conf.beat_schedule
        due = {name: time.monotonic() + entry["schedule"] for name, entry in schedule.items()}
        while not self.stopping.wait(1):
            for name in [name for name, at in due.items() if at <= time.monotonic()]:
                self.begin_act(name, app.tasks[schedule[name]["task"]].run)
                due[name] = time.monotonic() + schedule[name]["schedule"]
        self.run_safely(connection.close)
        self.hand.shutdown(wait=False, cancel_futures=True)

    def begin_act(self, name: str, act: Callable[[], object]) -> None:
        """Unless its last run still goes on."""
        last = self.acting.get(name)
        if last is None or last.done():
            self.acting[name] = self.hand.submit(run_with_connection, act)
            self.acting[name].add_done_callback(partial(log_failed_act, name))

    def run_safely(self, act: Callable[[], object]) -> None:
        """The next tick tries again: the clock outlives a database that is away, and any defect."""
        future = self.hand.submit(act)
        future.exception()
        log_failed_act(getattr(act, "__name__", "act"), future)

    def stop(self) -> None:
        self.stopping.set()
        self.worker.stop()
        for thread in self.threads:
            thread.join(timeout=10)


def run_with_connection(act: Callable[[], object]) -> object:
    """A connection that was lost meanwhile isn't used again."""
    close_old_connections()
    try:
        return act()
    finally:
        close_old_connections()


def log_failed_act(name: str, future: Future[object]) -> None:
    if future.cancelled():
        return
    error = future.exception()
    if error is not None:
        log.error("embedded.tick_failed", act=name, why=str(error), exc_info=error)


def resume_interrupted_work() -> None:
    """Hand out at once what an earlier process of this machine was working on when it died."""
    tasks.hand_out_work()
    for scan in Scan.objects.filter(state="running"):
        tasks.dispatch.run(scan.pk)
