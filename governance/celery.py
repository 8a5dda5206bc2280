"""The Celery application. A message carries only the id of a row; the row is the truth (docs/decisions/0003)."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import worker_before_create_process
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

from django.conf import settings

from governance.broker import connection_settings

# The tasks that beat sends, with their intervals in seconds.
BEAT_SCHEDULE = {
    # A killed worker's lease runs out after 40 s, so its work goes on within 45 s.
    "sweep": ("scans.sweep", 4.0),
    "workflow-clock": ("exceptions.tick", 60.0),
    "tell-trackers": ("exceptions.deliver", 20.0),
    "send-mail": ("notify.deliver", 20.0),
    "start-due-scans": ("scans.start_due_scans", 60.0),
    "anchor-audit": ("accounts.anchor_audit", 3600.0),
}

app = Celery("tutela")
app.conf.update(
    # The host is there only because kombu warns about a URL without one.
    **connection_settings("memory://localhost/" if settings.EMBEDDED else settings.BROKER_URL),
    broker_connection_retry_on_startup=True,
    broker_transport_options=(
        {"polling_interval": 0.01}
        if settings.EMBEDDED
        else {
            # A second delivery loses the claim and returns, and a lost message is sent again by the sweeper. So
            # redelivery can be quick; the default of an hour would leave work lying after a crash.
            "visibility_timeout": 900,
            "unacked_restore_interval": 5,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
        }
    ),
    accept_content=["json"],
    task_serializer="json",
    # Results are rows, so no result backend is needed.
    task_ignore_result=True,
    # Acknowledged after the work: a worker that dies gives its message back.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # The clock's queue has its own worker, so that due work starts at once while thousands of Targets wait or run.
    # A worker started without -Q takes from both; its next free slot goes to the clock (priority 0 comes first).
    task_queues=(Queue("clock"), Queue("targets")),
    task_default_queue="clock",
    task_routes={
        "scans.run_target": {"queue": "targets", "priority": 6},
        "scans.dispatch": {"queue": "targets", "priority": 3},
        "scans.advance": {"queue": "targets", "priority": 3},
    },
    # A Target takes minutes: a worker that prefetched several would keep them from idle workers.
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=30,
    # The last resort for a task that nothing else ends: its process is warned, then killed. scans.tasks sets its own.
    task_soft_time_limit=600,
    task_time_limit=660,
    worker_max_memory_per_child=settings.WORKER_MEMORY_MB * 1024,
    worker_hijack_root_logger=False,
    timezone="UTC",
    # A message that waits until the next one is sent has no use, so it expires. Beat's clock sets the time and the
    # worker's clock compares it; a minute at least leaves room for the difference between two machines' clocks.
    beat_schedule={
        name: {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 60.0)}}
        for name, (task, seconds) in BEAT_SCHEDULE.items()
    },
)
app.autodiscover_tasks()


@worker_before_create_process.connect
def share_memory(**_: Any) -> None:
    """Freeze the parent's objects before a worker forks, so that children share their memory: 22 MB each, not 67."""
    # Without freeze, the collector writes to each object's header in the child and so copies its page.
    gc.collect()
    gc.freeze()
