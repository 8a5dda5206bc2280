"""Names the processes that hold leases, and ends the leases of dead processes before they expire.

A process is identified by machine, process id and start time. The start time is needed because a restarted container
has the same host name and gives out the same process ids.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime
from functools import cache

import psutil
from django.utils import timezone

from scans.models import Scan, Target

# The kernel keeps the start as time since boot. Its wall-clock time shifts when the clock is adjusted.
SAME_START_SECONDS = 2


def lease_owner() -> str:
    """This process as a lease owner: machine:process id:start time in seconds."""
    return name_process(os.getpid())


@cache
def name_process(pid: int) -> str:
    return f"{socket.gethostname()[:48]}:{pid}:{int(psutil.Process(pid).create_time())}"


def is_dead_process(owner: str) -> bool:
    """Whether this process ran on this machine and is dead. False for processes of other machines."""
    machine, *numbers = owner.rsplit(":", 2)
    if machine != socket.gethostname()[:48] or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return False
    pid, started = map(int, numbers)
    try:
        process = psutil.Process(pid)
        # A killed process stays a zombie, with its id, until its parent has collected its exit status.
        return process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - started) > SAME_START_SECONDS
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False  # it belongs to another user, so it is alive


def release_dead_leases(scan: Scan) -> None:
    """End the leases that dead processes of this machine hold on the Scan and its Targets."""
    now = timezone.now()
    held = Target.objects.filter(scan=scan, state="running", lease_until__gt=now)
    for pk, owner, token in held.values_list("pk", "owner", "token"):
        if is_dead_process(owner):
            # With the token, so that a worker that claimed the Target in the meantime keeps its lease.
            Target.objects.filter(pk=pk, token=token, state="running").update(lease_until=now)
    release_dead_scan_lease(scan, now)


def release_dead_scan_lease(scan: Scan, now: datetime) -> None:
    holder = Scan.objects.filter(pk=scan.pk, lease_until__gt=now).values_list("owner", "lease_until").first()
    if holder is not None and is_dead_process(holder[0]):
        Scan.objects.filter(pk=scan.pk, owner=holder[0], lease_until=holder[1]).update(lease_until=now)
