"""The Celery application. A message only says which row; the row is the truth (docs/decisions/0003)."""

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

# What beat sends, and how often in seconds.
BEAT_SCHEDULE = {
    "sweep": ("scans.sweep", 4.0),  # with a lease of 40 s: the work of a killed worker goes on within 45 s
    "workflow-clock": ("exceptions.tick", 60.0),
    "tell-trackers": ("exceptions.deliver", 20.0),
    "send-mail": ("notify.deliver", 20.0),
    "start-due-scans": ("scans.start_due_scans", 60.0),
    "anchor-audit": ("accounts.anchor_audit", 3600.0),
}

app = Celery("tutela")
app.conf.update(
    # kombu warns of an address without a host, though a memory has none.
    **connection_settings("memory://localhost/" if settings.EMBEDDED else settings.BROKER_URL),
    broker_connection_retry_on_startup=True,
    broker_transport_options=(
        {"polling_interval": 0.01}
        if settings.EMBEDDED
        else {
            # Losing a message only delays (the sweeper sends again), so redelivery may be quick.
            "visibility_timeout": 900,
            "unacked_restore_interval": 5,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
        }
    ),
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # A worker of its own takes from clock, so that what is due starts at once while thousands of Targets wait or run.
    # A worker that is started without -Q takes from both; its next free slot goes to the clock (0 comes first).
    task_queues=(Queue("clock"), Queue("targets")),
    task_default_queue="clock",
    task_routes={
        "scans.run_target": {"queue": "targets", "priority": 6},
        "scans.dispatch": {"queue": "targets", "priority": 3},
        "scans.advance": {"queue": "targets", "priority": 3},
    },
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=30,
    # The last wall, for what nothing else ends: a worker's process is told, then killed. scans.tasks has its own.
    task_soft_time_limit=600,
    task_time_limit=660,
    worker_max_memory_per_child=settings.WORKER_MEMORY_MB * 1024,
    worker_hijack_root_logger=False,
    timezone="UTC",
    # A message that nobody took before the next one is sent has no use. Beat's clock says when it ends and a worker's when
    # that is, so a minute at least: no more than that may two machines' clocks differ.
    beat_schedule={
        name: {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 60.0)}}
        for name, (task, seconds) in BEAT_SCHEDULE.items()
    },
)
app.autodiscover_tasks()


@worker_before_create_process.connect
def share_memory(**_: Any) -> None:
    """A child of a worker then leaves alone what it got from its parent: a third of the memory."""
    gc.collect()
    gc.freeze()
