"""Workers inside the web process, over an in-memory broker: for one machine without Redis.

The rows are the same as in production, so a restart picks up what the last process left.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from celery import current_app as app
from celery.worker import WorkController
from django.conf import settings
from django.db import connection

from scans import tasks
from scans.models import Scan

log = structlog.get_logger(__name__)


class Embedded:
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
        # Acts run in a thread of their own: one that fails is told, and the clock goes on.
        self.hand = ThreadPoolExecutor(1, thread_name_prefix="celery-beat-act")
        self.threads = [
            threading.Thread(target=self.worker.start, name="celery-worker", daemon=True),
            threading.Thread(target=self.tick, name="celery-beat", daemon=True),
        ]

    def start(self) -> Embedded:
        for thread in self.threads:
            thread.start()
        return self

    def tick(self) -> None:
        """What beat does in production, by the same table: each task when its time has come."""
        self.safely(pick_up)
        schedule = app.conf.beat_schedule
        due = {name: time.monotonic() + entry["schedule"] for name, entry in schedule.items()}
        while not self.stopping.wait(1):
            for name in [name for name, at in due.items() if at <= time.monotonic()]:
                self.safely(app.tasks[schedule[name]["task"]].run)
                due[name] = time.monotonic() + schedule[name]["schedule"]
        self.safely(connection.close)
        self.hand.shutdown()

    def safely(self, act: Callable[[], object]) -> None:
        """The next tick tries again: the clock outlives a database that is away, and any defect."""
        error = self.hand.submit(act).exception()
        if error is not None:
            log.error("embedded.tick_failed", why=str(error), exc_info=error)

    def stop(self) -> None:
        self.stopping.set()
        self.worker.stop()
        for thread in self.threads:
            thread.join(timeout=10)


def pick_up() -> None:
    """Hand out at once what an earlier process of this machine was working on when it died."""
    tasks.sweep.run()
    for scan in Scan.objects.filter(state="running"):
        tasks.dispatch.run(scan.pk)
