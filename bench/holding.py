"""The portal's Celery application with Targets that only hold a slot: for bench.clock, named by -A bench.holding.

Beat and the workers write what they send and begin, a JSON line each, to the file CLOCK_BENCH_LOG.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from celery.signals import beat_init, before_task_publish, task_postrun, task_prerun, worker_process_init

from governance.celery import app

__all__ = ["app"]

LOG = os.environ["CLOCK_BENCH_LOG"]
SECONDS = float(os.environ["CLOCK_BENCH_HOLD"])
beats: list[bool] = []


def note(what: str, task: str, id: str) -> None:
    line = json.dumps({"what": what, "task": task, "id": id, "at": time.time()}) + "\n"
    file = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode())
    os.close(file)


def hold(target_id: int) -> bool:
    """As long as a big Account takes, and nothing else."""
    from django.utils import timezone

    from scans.models import Target

    mine = Target.objects.filter(pk=target_id)
    begun = timezone.now()
    if not mine.filter(state="queued").update(state="running", started_at=begun, lease_until=begun.replace(year=9999)):
        return False
    time.sleep(SECONDS)
    mine.update(state="done", finished_at=timezone.now(), lease_until=None)
    return True


@worker_process_init.connect
def replace_work(**_: Any) -> None:
    from scans.pipeline import target_worker

    target_worker.run_target = hold


@beat_init.connect
def is_beat(**_: Any) -> None:
    beats.append(True)
    note("beat", "", "")


@before_task_publish.connect
def sent(sender: str, headers: dict[str, Any], **_: Any) -> None:
    if beats:
        note("sent", sender, headers["id"])


@task_prerun.connect
def began(task_id: str, task: Any, **_: Any) -> None:
    note("began", task.name, task_id)


@task_postrun.connect
def ended(task_id: str, task: Any, **_: Any) -> None:
    note("ended", task.name, task_id)
