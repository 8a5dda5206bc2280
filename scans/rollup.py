"""Keeps the roll-ups in line with what was judged, writing only what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from accounts.models import Account
from scans.control import Verdict
from scans.engine import Judged
from scans.models import AccountTotal, Finding, PostureCell

COLUMNS = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.UNKNOWN: "unknown",
    Verdict.NOT_APPLICABLE: "not_applicable",
}


def write_cells(
    account: Account,
    at: datetime,
    judged: list[Judged],
    places: set[tuple[str, str]],
    kept: Iterable[Finding] = (),
    limited: Collection[tuple[str, str]] = (),
) -> None:
    """kept: open Findings of resources that this scan could not see; they stand with the verdict they had.
    limited: (control, region) of which this scan saw a part: what an earlier one counted stands."""
    columns = list(COLUMNS.values())
    tallies: dict[tuple[str, str], Counter[str]] = {(region, control): Counter() for control, region in places}
    for item in judged:
        tallies.setdefault((item.region, item.control.id), Counter())[COLUMNS[item.outcome.verdict]] += 1
    for finding in kept:
        if (finding.region, finding.control) in tallies:
            tallies[finding.region, finding.control][COLUMNS[Verdict(finding.verdict)]] += 1
    controls = {control for control, _ in places}
    rows = PostureCell.objects.filter(account=account, control__in=controls)
    # Plain values: most cells stay as they are, and a model for each would cost more than the rest of this.
    stored = {(region, control): was for region, control, *was in rows.values_list("region", "control", "pk", *columns)}
    new: list[PostureCell] = []
    changed: list[PostureCell] = []
    for (region, control), tally in tallies.items():
        now = [tally[column] for column in columns]
        pk, *was = stored.get((region, control), (None,))
        if now == was or (pk is not None and (control, region) in limited):
            continue
        cell = PostureCell(pk=pk, account=account, region=region, control=control, changed_at=at)
        for column, value in zip(columns, now, strict=True):
            setattr(cell, column, value)
        (new if pk is None else changed).append(cell)
    PostureCell.objects.bulk_create(new, batch_size=500)
    PostureCell.objects.bulk_update(changed, [*columns, "changed_at"], batch_size=200)
    write_totals(account, {cell.control for cell in (*new, *changed)})


def write_totals(account: Account, controls: Collection[str]) -> None:
    """Sum these Controls' cells of the Account anew."""
    if not controls:
        return
    with transaction.atomic():
        # Two scans of one account may change cells of different regions: who sums last must see both.
        list(Account.objects.filter(pk=account.pk).select_for_update(no_key=True).values_list("pk"))
        AccountTotal.objects.bulk_create(
            summed(account, controls), update_conflicts=True, unique_fields=["account", "control"],
            update_fields=[*COLUMNS.values()],
        )  # fmt: skip


def summed(account: Account, controls: Collection[str]) -> list[AccountTotal]:
    rows = PostureCell.objects.filter(account=account, control__in=controls).order_by().values_list("control")
    return [
        AccountTotal(account=account, control=control, **dict(zip(COLUMNS.values(), sums, strict=True)))
        for control, *sums in rows.annotate(*map(Sum, COLUMNS.values()))
    ]
