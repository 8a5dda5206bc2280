"""Production's shape: PostgreSQL, Redis, prefork workers. And the same tests as on SQLite, on PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import yaml

from demo import company
from tests.support import services
from tests.whole.databases import new_database
from tests.whole.portal import ROOT, Portal, bare_environment, wrong

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.long(rank=2)]

REDIS_URL = services.URLS["redis"]


@pytest.fixture(scope="module")
def discovered_once(served: company.Running) -> Iterator[str]:
    """A migrated database that knows the served organization, to be copied."""
    with new_database() as url:
        portal = Portal(environment_of(served, url))
        portal.must("migrate", "--verbosity", "0")
        portal.must("discover")
        yield url


@pytest.fixture
def database(discovered_once: str) -> Iterator[str]:
    with new_database(discovered_once.rpartition("/")[2]) as url:
        yield url


def environment_of(served: company.Running, database: str) -> dict[str, str]:
    return bare_environment(**served.env, DATABASE_URL=database, BROKER_URL=REDIS_URL, TUTELA_AUDIT_KEY="k" * 40)


def of_compose(name: str, environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    """The process that docker-compose.yml starts for this service."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"][name]
    words = [
        word.replace("/tmp/celerybeat", str(folder / "beat")).replace("INFO", "WARNING") for word in service["command"]
    ]
    return subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=environment)


def worker(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """One of both queues, as installations start it that know nothing of a worker for the clock."""
    command = [sys.executable, "-m", "celery", "-A", "governance.celery", "worker", "--pool", "prefork"]
    command += ["--concurrency", "2", "--loglevel", "WARNING"]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def wait_for(database: str, query: str, wanted: Callable[[Any], bool], seconds: float = 240) -> Any:
    """The answer of a query for one value, once it is wanted; the last one when time is up."""
    deadline = time.monotonic() + seconds
    with psycopg.connect(database, autocommit=True) as db:
        while True:
            row = db.execute(query).fetchone()  # type: ignore[call-overload]
            if (row and wanted(row[0])) or time.monotonic() > deadline:
                return row[0] if row else None
            time.sleep(0.05)


def ended(database: str) -> Any:
    newest = "select state from scans_scan order by id desc limit 1"
    return wait_for(database, newest, lambda state: state in {"done", "partial", "cancelled"}, 240)


def running(database: str, at_least: int) -> Any:
    return wait_for(
        database, "select count(*) from scans_target where state='running'", lambda number: number >= at_least
    )  # fmt: skip


def in_the_portal(portal: Portal, code: str) -> subprocess.Popen[str]:
    """Python inside an installation, in a process of its own."""
    environment = {**portal.environment, "DJANGO_SETTINGS_MODULE": "governance.settings"}
    words = [sys.executable, "-c", "import django; django.setup()\n" + code]
    return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    return out.strip()


@pytest.fixture
def portal(served: company.Running, database: str) -> Portal:
    import redis

    redis.Redis.from_url(REDIS_URL).flushdb()
    return Portal(environment_of(served, database))


@pytest.fixture
def workers(portal: Portal) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [worker(portal.environment), worker(portal.environment)]
    yield started
    for process in started:
        process.terminate()
    for process in started:
        process.wait(timeout=60)


SWEEP = "from scans.tasks import sweep; sweep.delay()"
CANCEL = """
from governance.core.policy import SYSTEM
from scans.models import Scan
from scans.pipeline.start import cancel_scan
cancel_scan(actor=SYSTEM, scan=Scan.objects.get())
"""
RESUME = """
from governance.core.policy import SYSTEM
from scans.models import Scan
from scans.pipeline.start import resume_scan
from scans.tasks import enqueue_scan
scan = Scan.objects.get()
resume_scan(actor=SYSTEM, scan=scan)
enqueue_scan(scan.pk)
"""
DUE = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import Organization
from scans.models import Schedule
Schedule.objects.create(organization=Organization.objects.get(), name="nightly", every_minutes=1440,
                        next_due_at=timezone.now() - timedelta(minutes=1))
"""
BEAT = """
import time
from scans.pipeline import due_schedules
while time.time() < START:
    time.sleep(0.001)
print(len(due_schedules.start_due_schedules()))
"""


@pytest.mark.redis
def test_prefork_workers_give_truth_despite_a_kill(
    served: company.Running, portal: Portal, database: str, workers: list[subprocess.Popen[bytes]]
) -> None:
    served.delay(0.02)
    try:
        assert "is queued: 14 accounts" in portal.must("scan", "--queue").out
        assert running(database, 2) >= 2
        kill_with_pool(workers[0])
    finally:
        served.delay(0)
    with psycopg.connect(database, autocommit=True) as db:
        # What the killed worker held, or was about to send, comes back in minutes; those are over now.
        over = "update scans_target set lease_until = now() - interval '1 second' where state in ('queued', 'running')"
        db.execute(over)
    said(in_the_portal(portal, SWEEP))
    assert ended(database) == "partial"
    assert wrong(portal.outcomes(), list(served.truth())) == []


@pytest.mark.redis
def test_cancelled_scan_resumes_to_the_seeded_truth(
    served: company.Running, portal: Portal, database: str, workers: list[subprocess.Popen[bytes]]
) -> None:
    served.delay(0.02)
    try:
        portal.must("scan", "--queue")
        assert running(database, 2) >= 2
        said(in_the_portal(portal, CANCEL))
    finally:
        served.delay(0)
    # What ran stops at its next step and writes nothing; what waited never starts.
    assert ended(database) == "cancelled"
    states = "select string_agg(distinct state, ' ' order by state) from scans_target"
    assert set(wait_for(database, states, lambda _: True).split()) <= {"cancelled", "done", "unreadable"}
    before = wait_for(database, "select count(*) from scans_target where state='cancelled'", lambda _: True)
    assert before >= 2
    said(in_the_portal(portal, RESUME))
    assert ended(database) == "partial"
    assert wrong(portal.outcomes(), list(served.truth())) == []


BEGAN = """
select count(*) from core_clockturn where began_at > '{since}'
and name in ('scans.sweep', 'exceptions.tick', 'exceptions.deliver', 'notify.deliver', 'scans.start_due_scans')
"""
MAIL = """
from governance.identity.models import User
from governance.notify.services import notify_people
person = User.objects.create_user(username="ursula", email="ursula@corp.example")
notify_people(event="urgent", kind="x.y", title="urgent", people=[person.pk])
"""


@pytest.mark.redis
def test_due_tasks_begin_while_all_slots_read_accounts(
    served: company.Running, portal: Portal, database: str, tmp_path: Path
) -> None:
    said(in_the_portal(portal, MAIL + DUE))
    served.delay(10)
    processes = [of_compose("worker", portal.environment, tmp_path)]
    try:
        portal.must("scan", "--queue")
        assert running(database, 2) == 2
        since = wait_for(database, "select now()", lambda _: True)
        processes += [of_compose(name, portal.environment, tmp_path) for name in ("clock", "beat")]
        assert wait_for(database, BEGAN.format(since=since), lambda number: number == 5) == 5
        assert wait_for(database, "select mailed_at from notify_notification", bool)
        assert wait_for(database, "select count(*) from scans_scan", lambda number: number == 2) == 2
        # Not one Target has ended meanwhile: the slots were never free.
        assert wait_for(database, "select count(*) from scans_target where state='done'", lambda _: True) == 0
        assert running(database, 2) == 2
    finally:
        served.delay(0)
        for process in processes:
            kill_with_pool(process)
            process.wait(timeout=60)


@pytest.mark.redis
def test_shared_worker_order_is_clock_scan_end_accounts() -> None:
    import redis
    from kombu import Connection, Consumer

    from governance.celery import app

    url = REDIS_URL.replace("/13", "/12")
    redis.Redis.from_url(url).flushdb()
    app.loader.import_default_modules()
    names: list[str] = []

    def take(_body: Any, message: Any) -> None:
        names.append(message.headers["task"])
        message.ack()

    with Connection(url) as broker:
        for name in ("scans.run_target", "scans.run_target", "scans.advance", "scans.run_target", "scans.sweep"):
            app.tasks[name].apply_async((1,) if name != "scans.sweep" else (), connection=broker)
        channel = broker.channel()
        channel.basic_qos(prefetch_count=1)
        with Consumer(channel, list(app.amqp.queues.values()), callbacks=[take], accept=["json"]):
            while len(names) < 5:
                broker.drain_events(timeout=60)
    assert names == ["scans.sweep", "scans.advance", *["scans.run_target"] * 3]


def test_four_beats_start_one_scan_of_a_due_time(portal: Portal, database: str) -> None:
    said(in_the_portal(portal, DUE))
    start = time.time() + 6  # when all four have loaded what they need
    beats = [in_the_portal(portal, BEAT.replace("START", str(start))) for _ in range(4)]
    assert sorted(said(beat) for beat in beats) == ["0", "0", "0", "1"]
    assert wait_for(database, "select count(*) from scans_scan", lambda _: True) == 1


def kill_with_pool(worker: subprocess.Popen[bytes]) -> None:
    """Kill a prefork worker and its pool, which is another's once its parent is dead: so look first."""
    pool = psutil.Process(worker.pid).children()
    worker.send_signal(signal.SIGKILL)
    for child in pool:
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
            child.kill()
