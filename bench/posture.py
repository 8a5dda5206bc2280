"""The pages that sum roll-up cells, over ten thousand accounts; figures printed and kept, nothing asserted.

python -m bench.posture                  over a new SQLite database
DATABASE_URL=postgresql://… python -m bench.posture    over an empty PostgreSQL database
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.coverage import best, in_batches

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).resolve().parent / "results" / "posture.json"
ACCOUNTS, UNITS, REGIONS = 10_000, 60, ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2")


def run() -> None:
    """In a process of its own, since the database is chosen when Django starts."""
    with tempfile.TemporaryDirectory() as folder:
        env = {"DATABASE_URL": f"sqlite:////{folder.strip('/')}/bench.sqlite3", **os.environ, "TUTELA_DEMO": "1"}
        subprocess.run([sys.executable, "-m", "bench.posture", "--measure"], cwd=ROOT, env=env, check=True)


def measure() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from scans.models import PostureCell

    call_command("migrate", verbosity=0)
    fill()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    figures = {name: best(act) for name, act in questions().items()}
    cells = PostureCell.objects.count()
    print(f"{ACCOUNTS} accounts, {cells} cells")
    for name, milliseconds in figures.items():
        print(f"{name:<52} {milliseconds:>9.1f} ms", flush=True)
    kept = {
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()},
        "database": connection.vendor, "accounts": ACCOUNTS, "cells": cells, "milliseconds": figures,
    }  # fmt: skip
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(f"kept in {RESULT.relative_to(ROOT)}")


def fill() -> None:
    """Accounts in OUs three deep, and a cell for each account, region and control."""
    from django.db.models import Sum
    from django.utils import timezone

    from accounts.models import Account, Organization, OrganizationalUnit
    from scans import registry
    from scans.domain.control import ControlScope
    from scans.models import AccountTotal, PostureCell
    from scans.queries.cells import COLUMNS

    now = timezone.now()
    organization = Organization.objects.create(org_id="o-bench00001", partition="aws", management_account_id="1" * 12)

    def unit(id: str, name: str, above: OrganizationalUnit | None = None) -> OrganizationalUnit:
        path = f"{above.path if above else '/'}{id}/"
        return OrganizationalUnit.objects.create(
            organization=organization, ou_id=id, name=name, path=path, parent=above
        )

    units = [unit("r-b", "Root")]
    for n in range(UNITS):
        units.append(unit(f"ou-b-{n:08d}", f"Unit {n}", units[n // 4]))
    in_batches(
        Account,
        (
            Account(
                organization=organization, ou=units[n % len(units)], account_id=f"{n:012d}", name=f"account-{n}",
                last_good_scan_at=now,
            )
            for n in range(ACCOUNTS)
        ),
    )  # fmt: skip
    controls = [item.control for item in registry.controls().values()]

    def cells() -> Iterator[PostureCell]:
        for account in Account.objects.order_by("pk").values_list("pk", flat=True):
            for n, control in enumerate(controls):
                for region in REGIONS if control.scope is ControlScope.REGION else ("global",):
                    yield PostureCell(
                        account_id=account, region=region, control=control.id, changed_at=now,
                        passed=n % 7, failed=(account + n) % 3, unknown=n % 2, not_applicable=n % 5 == 0,
                    )  # fmt: skip

    in_batches(PostureCell, cells(), 20_000)
    sums = PostureCell.objects.order_by().values_list("account", "control").annotate(*map(Sum, COLUMNS))
    in_batches(
        AccountTotal,
        (AccountTotal(account_id=a, control=c, **dict(zip(COLUMNS, n, strict=True))) for a, c, *n in sums.iterator()),
        20_000,
    )


def questions() -> dict[str, Callable[[], Any]]:
    from accounts.models import Account
    from governance.posture.queries import load_posture
    from scans.queries import cells, frameworks, inventory
    from scans.queries.findings import FindingFilter

    every = Account.objects.all()
    one_unit = every.filter(ou__path__contains="/ou-b-00000007/")
    return {
        "the posture of the whole organization": lambda: load_posture(every, ""),
        "the posture of an OU": lambda: load_posture(every, "ou-b-00000007"),
        "the posture that the owner of 100 accounts sees": lambda: load_posture(every.filter(pk__lte=100), ""),
        "each control's figures": lambda: cells.count_by_control(cells.visible_totals(every)),
        "each control's figures in one region": lambda: cells.count_by_control(
            cells.visible_cells(every).filter(region="eu-west-1")
        ),
        "each control's figures in an OU": lambda: cells.count_by_control(cells.visible_totals(one_unit)),
        "the tree of accounts": lambda: inventory.load_inventory(every, FindingFilter()),
        "the source's statements, with accounts": lambda: frameworks.roll_up_framework(
            frameworks.load_frameworks()["source"], every
        ),
    }


if __name__ == "__main__":
    measure() if "--measure" in sys.argv else run()
