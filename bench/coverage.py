"""Findings lists over a million findings and ten thousand exceptions; figures printed and kept, nothing asserted.

python -m bench.coverage                  over a new SQLite database
DATABASE_URL=postgresql://… python -m bench.coverage    over an empty PostgreSQL database
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).resolve().parent / "results" / "coverage.json"
ACCOUNTS, FINDINGS, EXCEPTIONS = 1_000, 1_000_000, 10_000
CONTROLS = ("SSM-PS-001", "SSM-LG-001", "SSM-S3-001", "SSM-VP-001")
ROUNDS = 5


def run() -> None:
    """In a process of its own, since the database is chosen when Django starts."""
    with tempfile.TemporaryDirectory() as folder:
        env = {"DATABASE_URL": f"sqlite:////{folder.strip('/')}/bench.sqlite3", **os.environ, "TUTELA_DEMO": "1"}
        command = [sys.executable, "-m", "bench.coverage", "--measure"]
        subprocess.run(command, cwd=ROOT, env=env, check=True)


def measure() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    fill()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    figures = {name: best(act) for name, act in questions().items()}
    for name, milliseconds in figures.items():
        print(f"{name:<52} {milliseconds:>9.1f} ms", flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    kept = {
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()},
        "database": connection.vendor, "findings": FINDINGS, "exceptions": EXCEPTIONS, "milliseconds": figures,
    }  # fmt: skip
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(f"kept in {RESULT.relative_to(ROOT)}")


def fill() -> None:
    """Accounts, findings and approved exceptions: half of them cover a whole control of an account, half one finding."""
    from django.utils import timezone

    from accounts.models import Account, Organization, OrganizationalUnit
    from exceptions.models import Cover, ExceptionRequest
    from governance.identity.models import User
    from scans.models import Finding

    now = timezone.now()
    organization = Organization.objects.create(org_id="o-bench00001", partition="aws", management_account_id="1" * 12)
    root = OrganizationalUnit.objects.create(organization=organization, ou_id="r-b", name="Root", path="/r-b/")
    Account.objects.bulk_create(
        Account(organization=organization, ou=root, account_id=f"{n:012d}", name=f"a{n}") for n in range(ACCOUNTS)
    )
    accounts = list(Account.objects.order_by("pk"))
    user = User.objects.create(username="bench")

    def findings() -> Iterator[Finding]:
        for n in range(FINDINGS):
            mark = hashlib.sha256(str(n).encode()).hexdigest()
            yield Finding(
                fingerprint=mark, control=CONTROLS[n % 4], severity="high", account=accounts[n % ACCOUNTS],
                region="eu-west-1", resource=f"arn:aws:ssm:eu-west-1::parameter/p{n}", verdict="fail", reason="It fails.",
                evidence="e" * 64, first_seen=now, changed_at=now,
            )  # fmt: skip

    in_batches(Finding, findings())
    in_batches(
        ExceptionRequest,
        (
            ExceptionRequest(
                organization=organization, state="approved", scope_kind="account", control=CONTROLS[n % 4],
                account=accounts[n % ACCOUNTS], requested_by=user, starts_at=now, expires_at=now + timedelta(days=30),
            )
            for n in range(EXCEPTIONS)
        ),
    )  # fmt: skip
    requests = list(ExceptionRequest.objects.order_by("pk").values_list("pk", flat=True))
    marks = list(Finding.objects.order_by("pk").values_list("account_id", "control", "fingerprint")[: EXCEPTIONS // 2])

    def covers() -> Iterator[Cover]:
        window = {"starts_at": now, "expires_at": now + timedelta(days=30), "live": True}
        for n, request in enumerate(requests):
            if n % 2:
                account, control, mark = marks[n // 2]
                yield Cover(request_id=request, account_id=account, control=control, fingerprint=mark, **window)
            elif n < ACCOUNTS:
                yield Cover(request_id=request, account=accounts[n], control=CONTROLS[n % 4], **window)

    in_batches(Cover, covers())


def in_batches(model: Any, rows: Iterator[Any], size: int = 5_000) -> None:
    from itertools import islice

    from django.db import transaction

    while batch := list(islice(rows, size)):
        with transaction.atomic():
            model.objects.bulk_create(batch)


def questions() -> dict[str, Callable[[], Any]]:
    from django.utils import timezone

    from accounts.models import Account
    from exceptions.common import finding_overlays
    from scans.models import Finding
    from scans.queries.findings import FindingFilter, filter_findings

    now, every = timezone.now(), Account.objects.all()
    page = filter_findings(every, FindingFilter())
    of_one = Finding.objects.filter(account=every[7], state="open").order_by("-pk")
    return {
        "a page of 50, coverage not asked for": lambda: list(page[:50]),
        "a page of 50 with what lies over each": lambda: finding_overlays.find_exception_overlays(page[:50], now),
        "a page of 50 that are excepted": lambda: list(finding_overlays.filter_excepted(page, now)[:50]),
        "a page of 50 that are not excepted": lambda: list(finding_overlays.exclude_excepted(page, now)[:50]),
        "a page of one account, not excepted": lambda: list(finding_overlays.exclude_excepted(of_one, now)[:50]),
        "how many of one account are excepted": lambda: finding_overlays.filter_excepted(of_one, now).count(),
        "how many of all are excepted": lambda: finding_overlays.filter_excepted(
            Finding.objects.filter(state="open"), now
        ).count(),
    }


def best(act: Callable[[], Any]) -> float:
    """The quickest of some rounds, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return round(min(times) * 1000, 1)


if __name__ == "__main__":
    measure() if "--measure" in sys.argv else run()
