"""Updates posture cells and account totals to match the outcomes, writing only what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from accounts.models import Account
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome
from scans.domain.lifecycle import Event, parse_event_kind
from scans.models import AccountTotal, Finding, FindingEvent, PostureCell

VERDICT_COLUMNS = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.UNKNOWN: "unknown",
    Verdict.NOT_APPLICABLE: "not_applicable",
}


def write_posture_cells(
    account: Account,
    at: datetime,
    judged: list[JudgedOutcome],
    places: set[tuple[str, str]],
    kept: Iterable[Finding] = (),
    limited: Collection[tuple[str, str]] = (),
    events: Iterable[FindingEvent] = (),
) -> None:
    """Write the cells of one Account.

    kept: open Findings of resources that this scan could not see; they count with the verdict that they have.
    limited: (control, region) pairs that this scan saw in part. Their earlier counts stay, except for what `events` say
    that the scan did to Findings.
    """
    columns = list(VERDICT_COLUMNS.values())
    tallies: dict[tuple[str, str], Counter[str]] = {(region, control): Counter() for control, region in places}
    for item in judged:
        tallies.setdefault((item.region, item.control.id), Counter())[VERDICT_COLUMNS[item.outcome.verdict]] += 1
    # A denied list must not make a score better, so what it hides still counts.
    for finding in kept:
        if (finding.region, finding.control) in tallies:
            tallies[finding.region, finding.control][VERDICT_COLUMNS[Verdict(finding.verdict)]] += 1
    controls = {control for control, _ in places}
    rows = PostureCell.objects.filter(account=account, control__in=controls)
    # Plain values, because most cells don't change and building a model for each costs more than everything else here.
    stored = {(region, control): was for region, control, *was in rows.values_list("region", "control", "pk", *columns)}
    held = {place: was for place, (_, *was) in stored.items() if place[::-1] in limited}
    tallies |= carry_forward_cells(account, held, events) if held else {}
    new: list[PostureCell] = []
    changed: list[PostureCell] = []
    for (region, control), tally in tallies.items():
        now = [tally[column] for column in columns]
        pk, *was = stored.get((region, control), (None,))
        if now == was:
            continue
        cell = PostureCell(pk=pk, account=account, region=region, control=control, changed_at=at)
        for column, value in zip(columns, now, strict=True):
            setattr(cell, column, value)
        (new if pk is None else changed).append(cell)
    PostureCell.objects.bulk_create(new, batch_size=500)
    PostureCell.objects.bulk_update(changed, [*columns, "changed_at"], batch_size=200)
    write_account_totals(account, {cell.control for cell in (*new, *changed)})


def carry_forward_cells(
    account: Account, held: Mapping[tuple[str, str], Sequence[int]], events: Iterable[FindingEvent]
) -> dict[tuple[str, str], Counter[str]]:
    """The cells of places that were seen in part."""
    # Failed and unknown are counted from the open Findings, so that lists and sums agree. A new Finding may have been a
    # pass before, so it takes one pass away; the other way round, no pass is invented.
    rows = Finding.objects.filter(
        account=account, state="open", control__in={control for _, control in held}
    ).order_by()
    opened = Counter(rows.values_list("region", "control", "verdict"))
    moves = Counter((event.finding.region, event.finding.control, parse_event_kind(event.kind)) for event in events)
    found = {}
    for (region, control), (passed, _, _, not_applicable) in held.items():
        fixed, lapsed, *more = (
            moves[region, control, event] for event in (Event.FIX, Event.LAPSE, Event.OPEN, Event.REOPEN)
        )
        found[region, control] = Counter(
            passed=max(0, passed + fixed - sum(more)),
            not_applicable=not_applicable + lapsed,
            failed=opened[region, control, Verdict.FAIL],
            unknown=opened[region, control, Verdict.UNKNOWN],
        )
    return found


def write_account_totals(account: Account, controls: Collection[str]) -> None:
    """Sum up the Account's cells of these Controls again."""
    if not controls:
        return
    with transaction.atomic():
        # Two scans of one account can change cells of different regions. The lock makes the second sum see both.
        list(Account.objects.filter(pk=account.pk).select_for_update(no_key=True).values_list("pk"))
        AccountTotal.objects.bulk_create(
            sum_account_cells(account, controls),
            update_conflicts=True,
            unique_fields=["account", "control"],
            update_fields=[*VERDICT_COLUMNS.values()],
        )


def sum_account_cells(account: Account, controls: Collection[str]) -> list[AccountTotal]:
    rows = PostureCell.objects.filter(account=account, control__in=controls).order_by().values_list("control")
    return [
        AccountTotal(account=account, control=control, **dict(zip(VERDICT_COLUMNS.values(), sums, strict=True)))
        for control, *sums in rows.annotate(*map(Sum, VERDICT_COLUMNS.values()))
    ]
