"""Runs workers inside the web process with an in-memory broker, for one machine without Redis.

The rows are the same as in production, so a restart continues the work of the last process. Scheduled tasks don't use
the broker: each runs in its own thread, so that it starts even while all worker threads are busy with Targets.
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
    """A worker and the thread that runs scheduled tasks. stop() ends both."""

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
        # A thread for each scheduled task and one for run_safely. A task that fails is logged, and one that hangs
        # blocks no other.
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
        """Start each task of the beat schedule when it is due, as Celery beat does in production."""
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
        """Start the task unless its last run is still going on."""
        last = self.acting.get(name)
        if last is None or last.done():
            self.acting[name] = self.hand.submit(run_with_connection, act)
            self.acting[name].add_done_callback(partial(log_failed_act, name))

    def run_safely(self, act: Callable[[], object]) -> None:
        """Run it, and log an error instead of raising: this thread must survive database outages and defects."""
        future = self.hand.submit(act)
        future.exception()
        log_failed_act(getattr(act, "__name__", "act"), future)

    def stop(self) -> None:
        self.stopping.set()
        self.worker.stop()
        for thread in self.threads:
            thread.join(timeout=10)


def run_with_connection(act: Callable[[], object]) -> object:
    """Run the task, dropping connections that were lost since the last run."""
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
    """Continue at once what an earlier process of this machine was working on when it died."""
    # The in-memory broker lost its messages with that process, so every queued Target is sent again.
    tasks.hand_out_work()
    for scan in Scan.objects.filter(state="running"):
        tasks.dispatch.run(scan.pk)
