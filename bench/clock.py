"""python -m bench.clock: does everything that is due begin in time while every slot for Targets is taken?

Starts the workers and the beat as docker-compose.yml says, over a Redis and a database of its own, and a scan whose Targets
hold their slot for 150 seconds each. Prints how often each task of the clock ran against how often it was due, with
the largest delay from the beat to its begin. Exits 1 if a beat was missed. Ends everything that it started.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
POSTGRES = os.environ.get("TUTELA_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
GRACE_SECONDS = 10  # for what beat sent last

# A company without AWS; somebody who waits for a digest with more than a batch of rows, somebody whose mail is urgent.
PREPARE = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from accounts.models import Account, Organization
from governance.core.policy import SYSTEM
from governance.identity.models import User
from governance.notify.models import MailChoice, Preference
from governance.notify.services import notify_people
from scans.models import Schedule
from scans.pipeline.start import start_scan
from scans.tasks import enqueue_scan
now = timezone.now()
o = Organization.objects.create(org_id="o-bench000001", partition="aws", management_account_id="100000000000")
Account.objects.bulk_create(
    Account(organization=o, account_id=str(100000000000 + n), name=f"a{n}", status="active") for n in range(ACCOUNTS)
)
dora = User.objects.create_user(username="dora", email="dora@corp.example")
Preference.objects.create(person=dora, mail=MailChoice.DIGEST, digest_at=now)
ursula = User.objects.create_user(username="ursula", email="ursula@corp.example")
for n in range(201):
    notify_people(event=f"digest:{n}", kind="x.y", title="waits", people=[dora.pk])
notify_people(event="urgent", kind="x.y", title="urgent", people=[ursula.pk])
Schedule.objects.create(organization=o, name="often", every_minutes=5, next_due_at=now + timedelta(seconds=60))
enqueue_scan(start_scan(actor=SYSTEM, organization=o).pk)
"""
REPORT = """
import django; django.setup()
from governance.notify.models import Notification
from scans.models import Scan, Target
mailed = Notification.objects.exclude(mailed_at=None)
print("scans started by the schedule:", Scan.objects.exclude(schedule=None).count())
print("urgent mail sent:", "yes" if mailed.filter(event="urgent").exists() else "NO",
      "- rows that wait for a digest and were left alone:", Notification.objects.filter(person__username="dora", attempts=0).count())
print("Targets that hold a slot:", Target.objects.filter(state="running").count(),
      "- done:", Target.objects.filter(state="done").count(), "- waiting:", Target.objects.filter(state="queued").count())
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.clock", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--hold", type=float, default=150, metavar="SECONDS", help="how long a Target takes")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument(
        "--one-worker", action="store_true", help="one worker for both queues, as before they were apart"
    )
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tutela-clock-")))
        log = folder / "log"
        log.touch()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TUTELA_", "DJANGO_"))},
            "DJANGO_SETTINGS_MODULE": "governance.settings",
            "DATABASE_URL": stack.enter_context(database(folder)),
            "BROKER_URL": stack.enter_context(redis(folder)),
            "TUTELA_AUDIT_KEY": "only-for-benchmarks-" + "x" * 40,
            "CLOCK_BENCH_LOG": str(log), "CLOCK_BENCH_HOLD": str(options.hold),
        }  # fmt: skip
        for words in (["migrate", "--verbosity", "0"], ["createcachetable"]):
            subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True)
        python(PREPARE.replace("ACCOUNTS", str(options.accounts)), environment)
        ended = run(folder, environment, options)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        lasted = ended - next(line["at"] for line in lines if line["what"] == "beat")
        print(f"\n{lasted / 60:.1f} minutes, Targets of {options.hold:.0f} s, load {os.getloadavg()[0]:.1f}\n")
        missed = show(lines, lasted)
        python(REPORT, environment)
    print("MISSED" if missed else "no beat was missed")
    return 1 if missed else 0


def run(folder: Path, environment: dict[str, str], options: argparse.Namespace) -> float:
    """Everything at work. When beat was stopped."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    with ExitStack() as stack:
        for name in ("worker",) if options.one_worker else ("worker", "clock"):
            command = command_of(services[name], folder)
            if options.one_worker:
                command = [word for word in command if word not in {"--queues", "targets"}]
            stack.enter_context(process(name, command, environment, folder))
        wait_for_slots(environment, stack)
        with process("beat", command_of(services["beat"], folder), environment, folder):
            time.sleep(options.minutes * 60)
            ended = time.time()
        time.sleep(GRACE_SECONDS)
    return ended


def command_of(service: dict[str, Any], folder: Path) -> list[str]:
    """What the compose file says, with the application whose Targets only hold a slot."""
    places = {"governance.celery": "bench.holding", "/tmp/celerybeat": str(folder / "celerybeat")}
    return [sys.executable, "-m", *(places.get(word, word) for word in service["command"])]


def wait_for_slots(environment: dict[str, str], stack: ExitStack) -> None:
    """Until Targets hold both of them."""
    log = Path(environment["CLOCK_BENCH_LOG"])
    for _ in range(1200):
        if sum('"began"' in line and "run_target" in line for line in log.read_text().splitlines()) >= 2:
            return
        time.sleep(0.1)
    stack.close()
    sys.exit("The workers began no Targets within two minutes.")


@contextmanager
def process(name: str, command: list[str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / f"{name}.log").open("wb") as out:
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        try:
            yield
            if started.poll() is not None:
                print((folder / f"{name}.log").read_text()[-2000:], file=sys.stderr)
                sys.exit(f"{name} ended by itself.")
        finally:
            stop(started)


def stop(started: subprocess.Popen[bytes]) -> None:
    """It, and the children of a worker, which else would finish their Target."""
    import psutil

    children = psutil.Process(started.pid).children(recursive=True) if started.poll() is None else []
    started.terminate()
    for child in children:
        child.kill()
    try:
        started.wait(timeout=20)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A server of its own on a free port of loopback."""
    if shutil.which("redis-server") is None:
        sys.exit("redis-server is needed; install Redis.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """PostgreSQL if it answers, else SQLite."""
    import psycopg

    name = f"tutela_clock_{uuid.uuid4().hex[:8]}"
    try:
        with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError:
        print("PostgreSQL doesn't answer; SQLite is used.")
        yield f"sqlite:////{str(folder / 'portal.sqlite3').lstrip('/')}"
        return
    try:
        yield f"{POSTGRES.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(POSTGRES, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def python(code: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


def show(lines: list[dict[str, Any]], lasted: float) -> int:
    """The table. How many beats were missed: not sent, or sent and not begun before they expired."""
    from governance.celery import BEAT_SCHEDULE

    at: dict[str, dict[str, float]] = defaultdict(dict)
    for line in lines:
        at[line["what"]].setdefault(line["id"], line["at"])
    names = {line["id"]: line["task"] for line in lines}
    print(
        f"{'task':24}{'every s':>8}{'due':>6}{'sent':>6}{'began':>7}{'missed':>8}{'largest delay s':>17}{'longest run s':>15}"
    )
    total = 0
    for task, seconds in BEAT_SCHEDULE.values():
        sent = {id: when for id, when in at["sent"].items() if names[id] == task}
        delays = [at["began"][id] - when for id, when in sent.items() if id in at["began"]]
        runs = [at["ended"][id] - at["began"][id] for id in sent if id in at["began"] and id in at["ended"]]
        due = int(lasted // seconds)
        # Beat's own ticks drift by milliseconds, so that the last one may fall behind the end.
        missed = len(sent) - len(delays) + max(0, due - 1 - len(sent))
        total += missed
        print(
            f"{task:24}{seconds:8.0f}{due:6}{len(sent):6}{len(delays):7}{missed:8}"
            f"{max(delays, default=0):17.2f}{max(runs, default=0):15.2f}"
        )
    return total


if __name__ == "__main__":
    sys.exit(main())
