"""The totals over regions are the sums of the cells, whatever changed them."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import Sum

from accounts.models import Account
from scans.domain.control import Outcome, failed, passed
from scans.domain.engine import JudgedOutcome
from scans.models import AccountTotal, PostureCell
from scans.pipeline.posture_cells import VERDICT_COLUMNS, write_posture_cells
from scans.queries import cells
from tests.scans.pipeline.test_reconcile import CONTROL, account
from tests.support.inventory import Inventory

__all__ = ["account"]
pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, tzinfo=UTC)
WEST, EAST = "eu-west-1", "us-east-1"


def judged(account: Account, region: str, outcomes: dict[str, Outcome]) -> list[JudgedOutcome]:
    return [
        JudgedOutcome(CONTROL, account.account_id, region, arn, "example.thing", outcome)
        for arn, outcome in outcomes.items()
    ]


def scanned(account: Account, region: str, outcomes: dict[str, Outcome]) -> None:
    with transaction.atomic():
        write_posture_cells(account, AT, judged(account, region, outcomes), {(CONTROL.id, region)})


def totals() -> set[tuple]:
    return set(AccountTotal.objects.values_list("account", "control", *VERDICT_COLUMNS.values()))


def sums() -> set[tuple]:
    return set(
        PostureCell.objects.order_by().values_list("account", "control").annotate(*map(Sum, VERDICT_COLUMNS.values()))
    )


def test_a_total_sums_all_regions(account: Account) -> None:
    scanned(account, WEST, {"a": failed("bad."), "b": passed("fine.")})
    scanned(account, EAST, {"c": failed("bad.")})
    assert totals() == sums() == {(account.pk, CONTROL.id, 1, 2, 0, 0)}
    scanned(account, WEST, {"a": passed("fine."), "b": passed("fine.")})
    assert totals() == sums() == {(account.pk, CONTROL.id, 2, 1, 0, 0)}


def test_vanished_finding_leaves_the_total(account: Account) -> None:
    scanned(account, WEST, {"a": failed("bad.")})
    scanned(account, EAST, {"b": failed("bad.")})
    scanned(account, WEST, {})
    assert totals() == {(account.pk, CONTROL.id, 0, 1, 0, 0)}


def test_unchanged_cells_write_no_rows(account: Account, django_assert_num_queries) -> None:
    scanned(account, WEST, {"a": failed("bad.")})
    with django_assert_num_queries(1):  # reads the cells
        write_posture_cells(account, AT, judged(account, WEST, {"a": failed("bad.")}), {(CONTROL.id, WEST)})


def test_visible_totals_match_visible_cells(inventory: Inventory) -> None:
    every = Account.objects.all()
    assert PostureCell.objects.exists()
    assert cells.count_by_control(cells.visible_totals(every)) == cells.count_by_control(cells.visible_cells(every))


def test_migration_fills_totals_from_cells(inventory: Inventory) -> None:
    AccountTotal.objects.all().delete()
    importlib.import_module("scans.migrations.0003_fill_account_totals").fill(apps, None)
    assert totals() == sums() != set()


@pytest.mark.racing
@pytest.mark.django_db(transaction=True)
def test_concurrent_region_scans_both_reach_the_total(account: Account) -> None:
    for round in range(5):
        gate = Barrier(2)
        outcomes = {f"{round}-{n}": failed("bad.") for n in range(round + 1)}

        def scan(region: str, gate: Barrier = gate, outcomes: dict[str, Outcome] = outcomes) -> None:
            gate.wait(timeout=60)
            try:
                scanned(account, region, outcomes)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(scan, (WEST, EAST)))
        assert totals() == sums() == {(account.pk, CONTROL.id, 0, 2 * (round + 1), 0, 0)}
