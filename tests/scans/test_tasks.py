"""The Celery edge: which rows messages are sent for, and that the rows bear any message."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.models import Organization
from governance.celery import app
from governance.core.models import ClockFailure
from governance.core.policy import SYSTEM
from scans import tasks
from scans.models import Scan, Target
from scans.pipeline import account_reader, completion, due_schedules, target_lease, time_limits
from scans.pipeline.start import cancel_scan, start_scan
from tests.scans.orders import company, first, in_place_of_aws, read_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of the Targets that messages were sent for."""
    found: list[int] = []
    monkeypatch.setattr(tasks.run_target_task, "delay", found.append)
    return found


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> Organization:
    in_place_of_aws(monkeypatch)
    return company()


@pytest.fixture
def scan(organization: Organization) -> Scan:
    return start_scan(actor=SYSTEM, organization=organization)


def ids(scan: Scan) -> list[int]:
    return list(scan.targets.order_by("id").values_list("id", flat=True))


def test_handing_over_sends_one_message_for_the_scan(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    monkeypatch.setattr(tasks.dispatch, "delay", found.append)
    tasks.enqueue_scan(scan.pk)
    assert found == [scan.pk]


def test_dispatch_sends_one_message_per_waiting_account(scan: Scan, sent: list[int]) -> None:
    scan.targets.filter(pk=first(scan).pk).update(state="done")
    tasks.dispatch(scan.pk)
    assert sent == ids(scan)[1:]


def test_freshly_sent_target_is_not_swept_up(scan: Scan, sent: list[int]) -> None:
    tasks.dispatch(scan.pk)
    sent.clear()
    tasks.sweep()
    assert sent == []


def test_lost_message_is_resent_after_its_lease(scan: Scan, sent: list[int]) -> None:
    tasks.dispatch(scan.pk)
    sent.clear()
    scan.targets.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    assert sent == ids(scan)


def test_a_scan_that_was_never_dispatched_is_swept_up(scan: Scan, sent: list[int]) -> None:
    tasks.sweep()
    assert sent == []  # whoever started it may be about to send
    Scan.objects.filter(pk=scan.pk).update(created_at=timezone.now() - tasks.MESSAGE_TRUST - timedelta(seconds=1))
    tasks.sweep()
    assert sent == ids(scan)


def test_only_dead_workers_account_is_resent(scan: Scan, sent: list[int]) -> None:
    dead, live, _ = ids(scan)
    now = timezone.now()
    Target.objects.filter(pk=dead).update(state="running", lease_until=now - timedelta(seconds=1))
    Target.objects.filter(pk=live).update(state="running", lease_until=now + timedelta(minutes=4))
    tasks.sweep()
    assert sent == [dead]


def test_a_cancelled_scan_is_not_swept_up(scan: Scan, sent: list[int]) -> None:
    Scan.objects.filter(pk=scan.pk).update(created_at=timezone.now() - timedelta(hours=1))
    cancel_scan(actor=SYSTEM, scan=scan)
    tasks.sweep()
    assert sent == []


@pytest.fixture
def advanced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of the Scans that workers were told to take forward."""
    found: list[int] = []
    monkeypatch.setattr(tasks.advance_scan_task, "delay", found.append)
    return found


def test_scan_left_by_dead_worker_is_ended_by_a_worker(scan: Scan, sent: list[int], advanced: list[int]) -> None:
    """Joining may take minutes: the sweeper, which is of the clock, leaves it to others."""
    tasks.sweep()
    assert advanced == []  # there is something left to read
    read_all(scan)
    tasks.sweep()
    scan.refresh_from_db()
    assert (advanced, scan.state) == ([scan.pk], "running")
    tasks.advance_scan_task(scan.pk)
    scan.refresh_from_db()
    assert scan.state == "done"
    tasks.sweep()
    assert advanced == [scan.pk]


def test_failed_advance_is_recorded_and_retried_later(
    scan: Scan, sent: list[int], advanced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_all(scan)
    monkeypatch.setattr(completion, "advance_scan", broken)
    with pytest.raises(KeyError):
        tasks.advance_scan_task(scan.pk)
    failure = ClockFailure.objects.get(act="scans.advance", row=scan.pk)
    assert failure.error == "KeyError: 'gone'"
    tasks.sweep()
    assert advanced == []
    ClockFailure.objects.update(next_try_at=timezone.now())
    tasks.sweep()
    assert advanced == [scan.pk]
    monkeypatch.undo()
    monkeypatch.setattr(tasks.run_target_task, "delay", sent.append)
    tasks.advance_scan_task(scan.pk)
    assert not ClockFailure.objects.exists()


def broken(*_: object) -> None:
    raise KeyError("gone")


def test_failing_sweep_step_does_not_block_others(
    scan: Scan, sent: list[int], advanced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_all(scan)
    monkeypatch.setattr(tasks, "release_dead_leases", broken)
    monkeypatch.setattr(tasks, "resend_lost_targets", broken)
    with pytest.raises(KeyError):
        tasks.sweep()
    assert advanced == [scan.pk]
    assert ClockFailure.objects.get().act == "scans.free_dead"


def test_huge_scan_is_dispatched_in_parts(scan: Scan, sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[tuple[int, int]] = []
    monkeypatch.setattr(tasks.dispatch, "delay", lambda *part: parts.append(part))
    monkeypatch.setattr(tasks, "MAX_PER_DISPATCH", 2)
    one, two, three = ids(scan)
    tasks.dispatch(scan.pk)
    assert (sent, parts) == ([one, two], [(scan.pk, two)])
    tasks.dispatch(*parts.pop())
    assert (sent, parts) == ([one, two, three], [])


def test_workers_warn_about_stopped_clock_seldom(scan: Scan, sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "warned", [-math.inf])
    with capture_logs() as said:
        for id in ids(scan)[:2]:
            tasks.run_target_task(id)
    assert [line["why"] for line in said if line["event"] == "clock.silent"] == [
        "no task of the clock has ever run: start beat and a worker for the queue clock"
    ]


def test_running_clock_gives_no_warning(scan: Scan, sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "warned", [-math.inf])
    tasks.sweep()
    with capture_logs() as said:
        tasks.run_target_task(ids(scan)[0])
    assert [line for line in said if line["event"] == "clock.silent"] == []


def test_the_last_account_ends_the_scan(scan: Scan, sent: list[int]) -> None:
    for target_id in ids(scan):
        tasks.run_target_task(target_id)
    scan.refresh_from_db()
    assert scan.state == "done"
    assert sent == []


def test_accounts_that_must_be_visited_again_are_sent(
    scan: Scan, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "advance_scan", lambda scan_id: ids(scan)[:1])
    tasks.run_target_task(ids(scan)[0])
    assert sent == ids(scan)[:1]


def test_repeated_message_changes_nothing(scan: Scan, sent: list[int]) -> None:
    for target_id in (*ids(scan), *ids(scan)):
        tasks.run_target_task(target_id)
    assert list(scan.targets.values_list("attempts", flat=True)) == [1, 1, 1]


def test_due_scans_are_started_and_dispatched(scan: Scan, sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_schedules, "start_due_schedules", lambda: [scan.pk])
    tasks.start_due_scans()
    assert sent == ids(scan)


def test_accounts_wait_in_a_queue_of_their_own() -> None:
    """A worker for each: what is due doesn't wait behind ten thousand accounts."""
    route = app.amqp.router.route
    assert route({}, "scans.run_target")["queue"].name == "targets"
    for entry in app.conf.beat_schedule.values():
        assert route({}, entry["task"])["queue"].name == "clock"
    assert app.conf.task_default_queue == "clock"
    assert set(app.amqp.queues) == {"clock", "targets"}


def test_shared_worker_priority_is_clock_then_scan_end() -> None:
    """Redis hands out the lowest number first, whatever the queue."""
    first = {name: app.amqp.router.route({}, name).get("priority", 0) for name in app.tasks if "." in name}
    assert {name for name, priority in first.items() if priority} == {
        "scans.run_target", "scans.advance", "scans.dispatch",
    }  # fmt: skip
    assert 0 < first["scans.dispatch"] == first["scans.advance"] < first["scans.run_target"]


@pytest.mark.parametrize("name", ["scans.advance", "scans.dispatch"])
def test_long_work_on_a_scan_is_not_the_clocks(name: str) -> None:
    assert app.amqp.router.route({}, name)["queue"].name == "targets"


def test_beat_tasks_exist_and_expire_unsent() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] == max(entry["schedule"], 60)


def test_target_task_is_stopped_past_its_time_limit() -> None:
    app.loader.import_default_modules()
    wall = settings.TARGET_SECONDS + time_limits.WALL_SECONDS
    assert wall < tasks.run_target_task.soft_time_limit < tasks.run_target_task.time_limit
    for entry in app.conf.beat_schedule.values():
        task = app.tasks[entry["task"]]
        soft, hard = task.soft_time_limit or app.conf.task_soft_time_limit, task.time_limit or app.conf.task_time_limit
        assert 0 < soft < hard
    assert app.conf.worker_max_memory_per_child == settings.WORKER_MEMORY_MB * 1024


def test_dead_workers_target_is_requeued_and_fenced(scan: Scan, sent: list[int]) -> None:
    """So that the next sweep doesn't send it once more, and the dead one, if it only slept, writes nothing."""
    dead, *_ = ids(scan)
    lease = target_lease.claim_target(dead)
    assert lease
    Target.objects.filter(pk=dead).update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    tasks.sweep()
    assert sent == [dead]
    assert Target.objects.get(pk=dead).state == "queued"
    with pytest.raises(target_lease.LeaseLostError):
        target_lease.end_target(lease, "finish", account_reader.Counters())


def test_waiting_retry_is_sent_when_due(scan: Scan, sent: list[int]) -> None:
    early, due, _ = ids(scan)
    now = timezone.now()
    Target.objects.filter(pk=early).update(attempts=1, lease_until=now + timedelta(seconds=30))
    Target.objects.filter(pk=due).update(attempts=1, lease_until=now - timedelta(seconds=1))
    tasks.sweep()
    assert sent == [due]
