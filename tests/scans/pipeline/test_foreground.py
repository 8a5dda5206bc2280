"""A Scan run in this process, and how one that was cut off is found again."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import time
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Organization
from governance.core.policy import SYSTEM
from scans.models import Scan, Target
from scans.pipeline import account_reader, failures, foreground, target_worker, time_limits
from scans.pipeline.leases import lease_owner
from scans.pipeline.start import cancel_scan, start_scan
from tests.scans.orders import company, first, in_place_of_aws, volumes

pytestmark = pytest.mark.django_db

NOTHING: dict[str, list[str]] = {"accounts": [], "ous": [], "regions": [], "controls": []}


class AtOnce:
    """A pool whose work is done when it is given: the test's transaction belongs to its thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Any, *words: Any) -> Future[None]:
        done: Future[None] = Future()
        done.set_result(work(*words))
        return done


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> Organization:
    in_place_of_aws(monkeypatch)
    monkeypatch.setattr(foreground, "DaemonPool", AtOnce)
    monkeypatch.setattr(foreground, "run_one_target", target_worker.run_target)
    monkeypatch.setattr(foreground, "STEP_SECONDS", 0)
    return company()


@pytest.fixture
def scan(organization: Organization) -> Scan:
    return start_scan(actor=SYSTEM, organization=organization)


@pytest.fixture
def dead() -> str:
    """A process that is no more, on any machine: its id and when it began."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{process.pid}:{int(time.time())}"


def held_by(scan: Scan, owner: str, minutes: int = 4) -> Target:
    target = first(scan)
    lease = timezone.now() + timedelta(minutes=minutes)
    Target.objects.filter(pk=target.pk).update(state="running", owner=owner, token=1, lease_until=lease)
    return target


def test_foreground_reads_every_account_and_ends_scan(scan: Scan) -> None:
    shown: list[int] = []
    foreground.run(scan, lambda: shown.append(scan.targets.filter(state="done").count()))
    assert scan.state == "done"
    assert shown[-1] == 3


def test_foreground_stops_at_cancellation(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled_meanwhile(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        if plan.account == "111122223333":
            cancel_scan(actor=SYSTEM, scan=Scan.objects.get(pk=scan.pk))
        return volumes(plan)

    monkeypatch.setattr(account_reader, "collect", cancelled_meanwhile)
    foreground.run(scan)
    assert scan.state == "cancelled"
    assert set(scan.targets.values_list("state", flat=True)) == {"cancelled"}


def test_foreground_waits_for_target_held_elsewhere(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    target = held_by(scan, "elsewhere:1")
    pauses = []

    def while_waiting(seconds: float) -> None:
        pauses.append(seconds)
        Target.objects.filter(pk=target.pk).update(state="done")

    monkeypatch.setattr(foreground.time, "sleep", while_waiting)
    foreground.run(scan)
    assert scan.state == "done"
    assert len(pauses) == 1
    target.refresh_from_db()
    assert target.attempts == 0


def test_interrupted_scan_is_found_by_its_request(scan: Scan, organization: Organization) -> None:
    assert foreground.find_interrupted_scan(organization, NOTHING) == scan
    assert foreground.find_interrupted_scan(organization, {**NOTHING, "controls": ["SSM-PS-001"]}) is None


def test_order_of_requested_accounts_does_not_matter(organization: Organization) -> None:
    two = ["111122223334", "111122223333"]
    scan = start_scan(actor=SYSTEM, organization=organization, accounts=two)
    assert foreground.find_interrupted_scan(organization, {**NOTHING, "accounts": sorted(two)}) == scan


def test_a_scan_that_a_live_worker_holds_is_not_cut_off(scan: Scan, organization: Organization) -> None:
    held_by(scan, lease_owner())
    assert foreground.find_interrupted_scan(organization, NOTHING) is None


def test_a_lease_of_a_dead_process_of_this_machine_ends_at_once(
    scan: Scan, organization: Organization, dead: str
) -> None:
    target = held_by(scan, f"{socket.gethostname()}:{dead}")
    assert foreground.find_interrupted_scan(organization, NOTHING) == scan
    target.refresh_from_db()
    assert target.lease_until is not None
    assert target.lease_until <= timezone.now()


def test_a_lease_of_another_machine_is_waited_out(scan: Scan, organization: Organization, dead: str) -> None:
    held_by(scan, f"elsewhere:{dead}")
    assert foreground.find_interrupted_scan(organization, NOTHING) is None


@pytest.mark.parametrize("state", ["done", "partial", "cancelled"])
def test_an_ended_scan_is_not_found(scan: Scan, organization: Organization, state: str) -> None:
    Scan.objects.filter(pk=scan.pk).update(state=state)
    assert foreground.find_interrupted_scan(organization, NOTHING) is None


def test_work_past_failed_target_is_listed_as_stuck(scan: Scan) -> None:
    target = first(scan)
    going, done = Future[None](), Future[None]()
    done.set_result(None)
    late = timezone.now() - time_limits.get_target_time_limit() - timedelta(seconds=1)
    Target.objects.filter(pk=target.pk).update(state="running", started_at=late)
    assert foreground.list_stuck_work({going: target.pk}) == []
    Target.objects.filter(pk=target.pk).update(state="failed")
    assert foreground.list_stuck_work({going: target.pk}) == [going]
    assert foreground.list_stuck_work({done: target.pk}) == []
    assert foreground.list_stuck_work({}) == []
    Target.objects.filter(pk=target.pk).update(started_at=timezone.now())
    assert foreground.list_stuck_work({going: target.pk}) == []


def test_failing_account_is_retried_later_others_go_on(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    tried: list[float] = []
    monkeypatch.setattr(foreground, "clock", lambda: now[0])

    def pass_by(seconds: float) -> None:
        now[0] += 1.0

    monkeypatch.setattr(foreground.time, "sleep", pass_by)

    def collect(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        if plan.account == "111122223333":
            tried.append(now[0])
            if len(tried) < 3:
                raise OperationalError("database is locked")
        return volumes(plan)

    monkeypatch.setattr(account_reader, "collect", collect)
    foreground.run(scan)
    assert scan.state == "done"
    assert len(tried) == 3
    waits = [late - early for early, late in itertools.pairwise(tried)]
    assert waits[0] >= failures.compute_retry_delay(1).total_seconds()
    assert waits[1] >= failures.compute_retry_delay(2).total_seconds()


def test_a_database_that_is_away_for_a_moment_is_waited_for(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    advance, away = (
        foreground.completion.advance_scan,
        [OperationalError("no connection"), OperationalError("no connection")],
    )

    def sometimes(scan_id: int) -> list[int]:
        if away:
            raise away.pop()
        return advance(scan_id)

    monkeypatch.setattr(foreground.completion, "advance_scan", sometimes)
    foreground.run(scan)
    assert scan.state == "done"


def test_database_that_stays_away_ends_the_command(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(foreground, "clock", lambda: now[0])

    def away(scan_id: int) -> list[int]:
        now[0] += 20.0
        raise OperationalError("no connection")

    monkeypatch.setattr(foreground.completion, "advance_scan", away)
    with pytest.raises(OperationalError):
        foreground.run(scan)
