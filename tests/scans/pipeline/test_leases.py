"""Whose lease it is, and whether they still live."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import psutil
import pytest
from django.utils import timezone

from governance.core.policy import SYSTEM
from scans import tasks
from scans.models import Scan, Target
from scans.pipeline import leases
from scans.pipeline.start import start_scan
from tests.scans.orders import company, first, in_place_of_aws, read_all

WAITING = [sys.executable, "-c", "input()"]


@pytest.fixture
def living() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(WAITING, stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch) -> Scan:
    in_place_of_aws(monkeypatch)
    monkeypatch.setattr(tasks.run_target_task, "delay", lambda target_id: None)
    return start_scan(actor=SYSTEM, organization=company())


def named(process: subprocess.Popen[bytes]) -> str:
    return leases.name_process.__wrapped__(process.pid)


def killed() -> str:
    """The name of a process that was, and is no more."""
    process = subprocess.Popen(WAITING, stdin=subprocess.PIPE)
    name = named(process)
    process.kill()
    process.communicate()
    return name


def test_lease_owner_names_this_process() -> None:
    machine, pid, _ = leases.lease_owner().rsplit(":", 2)
    assert (machine, int(pid)) == (socket.gethostname()[:48], os.getpid())
    assert not leases.is_dead_process(leases.lease_owner())
    assert len(leases.lease_owner()) <= 80


def test_a_living_process_is_not_gone(living: subprocess.Popen[bytes]) -> None:
    assert not leases.is_dead_process(named(living))


def test_a_killed_process_is_gone() -> None:
    assert leases.is_dead_process(killed())


def test_zombie_process_is_dead(living: subprocess.Popen[bytes]) -> None:
    name = named(living)
    living.kill()
    deadline = time.monotonic() + 10
    while psutil.Process(living.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(living.pid, 0)  # its id is still taken
    assert leases.is_dead_process(name)


def test_reused_process_id_is_another_process(living: subprocess.Popen[bytes]) -> None:
    machine, pid, started = named(living).rsplit(":", 2)
    assert leases.is_dead_process(f"{machine}:{pid}:{int(started) - 60}")


def test_one_second_clock_change_keeps_process_alive(living: subprocess.Popen[bytes]) -> None:
    machine, pid, started = named(living).rsplit(":", 2)
    assert not leases.is_dead_process(f"{machine}:{pid}:{int(started) - 1}")


@pytest.mark.parametrize("owner", ["", "elsewhere:1:1", "{host}:1", "{host}:x:1", "{host}:-1:1", "{host}:1:"])
def test_unverifiable_owner_is_not_dead(owner: str) -> None:
    assert not leases.is_dead_process(owner.format(host=socket.gethostname()[:48]))


def test_process_of_another_user_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_yours(pid: int) -> None:
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(psutil, "Process", not_yours)
    assert not leases.is_dead_process(f"{socket.gethostname()[:48]}:1:1")


@pytest.mark.django_db
def test_sweeper_resends_target_of_dead_process_early(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks, "send_targets", sent.extend)
    target, later = first(scan), timezone.now() + timedelta(minutes=4)
    for owner, expected in ((leases.lease_owner(), []), ("elsewhere:1:1", []), (killed(), [target.pk])):
        Target.objects.filter(pk=target.pk).update(state="running", owner=owner, token=1, lease_until=later)
        tasks.sweep()
        assert sent == expected


@pytest.mark.django_db
def test_sweeper_hands_on_joining_of_dead_process(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.advance_scan_task, "delay", tasks.advance_scan_task.run)
    read_all(scan)
    for owner, state in ((leases.lease_owner(), "joining"), ("elsewhere:1:1", "joining"), (killed(), "done")):
        later = timezone.now() + timedelta(minutes=14)
        Scan.objects.filter(pk=scan.pk).update(state="joining", owner=owner, lease_until=later)
        tasks.sweep()
        scan.refresh_from_db()
        assert scan.state == state
