"""Which process holds a lease, and whether it still lives: a dead one's lease ends at once, instead of being waited out.

A process is named by its machine, its id and when it began: after a restart of a container the same id comes again, on
the same host name, and a killed process keeps its id until somebody asks how it ended.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime
from functools import cache

import psutil
from django.utils import timezone

from scans.models import Scan, Target

# The kernel keeps a start as time since boot; what that is on the clock moves when the clock is set.
SAME_START_SECONDS = 2


def lease_owner() -> str:
    """This process as an owner of leases: machine:process id:when it began, in seconds."""
    return name_process(os.getpid())


@cache
def name_process(pid: int) -> str:
    return f"{socket.gethostname()[:48]}:{pid}:{int(psutil.Process(pid).create_time())}"


def is_dead_process(owner: str) -> bool:
    """Whether this process was of this machine and is no more. Another machine's can't be asked: False."""
    machine, *numbers = owner.rsplit(":", 2)
    if machine != socket.gethostname()[:48] or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return False
    pid, started = map(int, numbers)
    try:
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - started) > SAME_START_SECONDS
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False  # somebody else's, so it lives


def release_dead_leases(scan: Scan) -> None:
    """End the leases of processes of this machine that are no more, on the Scan and on its Targets."""
    now = timezone.now()
    held = Target.objects.filter(scan=scan, state="running", lease_until__gt=now)
    for pk, owner, token in held.values_list("pk", "owner", "token"):
        if is_dead_process(owner):
            Target.objects.filter(pk=pk, token=token, state="running").update(lease_until=now)
    release_dead_scan_lease(scan, now)


def release_dead_scan_lease(scan: Scan, now: datetime) -> None:
    holder = Scan.objects.filter(pk=scan.pk, lease_until__gt=now).values_list("owner", "lease_until").first()
    if holder is not None and is_dead_process(holder[0]):
        Scan.objects.filter(pk=scan.pk, owner=holder[0], lease_until=holder[1]).update(lease_until=now)
