"""One process that serves people and scans: what a killed one left, the next one finishes."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from demo import company
from tests.whole.portal import ROOT, Portal, wrong

pytestmark = [pytest.mark.slow, pytest.mark.long(rank=5)]

START = """
import django
django.setup()
from accounts.models import Organization
from governance.core.policy import SYSTEM
from scans.pipeline.start import start_scan
start_scan(actor=SYSTEM, organization=Organization.objects.get())
"""


@contextmanager
def serving(portal: Portal) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--bind", place], cwd=ROOT, env={**portal.environment, "TUTELA_DEMO": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield process, f"http://{place}"
    finally:
        if process.poll() is None:
            process.terminate()
        _, said = process.communicate(timeout=60)
        assert b"Traceback" not in said, said.decode()


def answer(url: str) -> Any:
    """What it answers as soon as it does."""
    for _ in range(1200):
        try:
            with urllib.request.urlopen(url) as found:
                return json.loads(found.read())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"{url} doesn't answer")


def wait_for(portal: Portal, query: str, wanted: Any) -> Any:
    path = portal.environment["DATABASE_URL"].removeprefix("sqlite:///")
    deadline = time.monotonic() + 240
    while True:
        with sqlite3.connect(path, timeout=30) as db:
            (found,) = db.execute(query).fetchone()
        if wanted(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def rows(portal: Portal, query: str) -> list[Any]:
    with sqlite3.connect(portal.environment["DATABASE_URL"].removeprefix("sqlite:///"), timeout=30) as db:
        return db.execute(query).fetchall()


def test_scan_of_killed_server_is_finished_by_the_next(served: company.Running, discovered: Portal) -> None:
    discovered.must("createcachetable")
    environment = {**discovered.environment, "DJANGO_SETTINGS_MODULE": "governance.settings"}
    subprocess.run([sys.executable, "-c", START], cwd=ROOT, env=environment, check=True)
    served.delay(0.02)
    try:
        with serving(discovered) as (process, url):
            assert answer(f"{url}/healthz") == {"status": "ok"}
            assert answer(f"{url}/readyz")["status"] == "ok"
            assert wait_for(discovered, "select count(*) from scans_target where state='done'", lambda n: n >= 2) >= 2
            kill_group(process)
    finally:
        served.delay(0)
    with serving(discovered):
        ends = wait_for(discovered, "select state from scans_scan", lambda state: state in {"done", "partial"})
        left = rows(
            discovered, "select id, state, owner, attempts, lease_until from scans_target where state != 'done'"
        )
    assert ends == "partial", left
    assert wrong(discovered.outcomes(), list(served.truth())) == []


def kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)


URGENT = """
import django
django.setup()
from governance.identity.models import User
from governance.notify.services import notify_people
person = User.objects.create_user(username="ursula", email="ursula@corp.example")
notify_people(event="urgent", kind="x.y", title="urgent", people=[person.pk])
"""
BEGAN = """select count(*) from core_clockturn where ended_at is not null and name in
('scans.sweep', 'exceptions.tick', 'exceptions.deliver', 'notify.deliver', 'scans.start_due_scans')"""


def test_due_tasks_finish_while_all_slots_read_accounts(served: company.Running, discovered: Portal) -> None:
    discovered.must("createcachetable")
    discovered.environment["TUTELA_PARALLEL_ACCOUNTS"] = "2"
    environment = {**discovered.environment, "DJANGO_SETTINGS_MODULE": "governance.settings"}
    for code in (START, URGENT):
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    served.delay(10)
    try:
        with serving(discovered) as (process, _):
            running = "select count(*) from scans_target where state='running'"
            assert wait_for(discovered, running, lambda number: number == 2) == 2
            assert wait_for(discovered, BEGAN, lambda number: number == 5) == 5
            assert wait_for(discovered, "select mailed_at from notify_notification", bool)
            assert rows(discovered, "select count(*) from scans_target where state='done'") == [(0,)]
            assert rows(discovered, running) == [(2,)]
            kill_group(process)
    finally:
        served.delay(0)
