"""manage.py diff A B: shows what appeared, was fixed, vanished, went unknown or became known between two scans."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Account
from governance.core.cli import DONE, PARTLY, TutelaCommand, UsageError
from scans import registry
from scans.models import Scan
from scans.queries import compare
from scans.queries.compare import KINDS, AccountDiff
from scans.registry import resolve_control_ids


class Command(TutelaCommand):
    help = (
        "Compare the stored evidence of two scans, judged with today's controls. Exit status: 0 done, 3 some accounts "
        "could not be compared because a scan did not read them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("before", metavar="A", help="the earlier scan's id")
        parser.add_argument("after", metavar="B", help="the later scan's id")
        parser.add_argument(
            "--account", metavar="ID", action="append", default=[], help="only this account (repeatable)"
        )
        parser.add_argument(
            "--control", metavar="ID", action="append", default=[], help="only this control or group (repeatable)"
        )
        parser.add_argument("--format", choices=["table", "jsonl"], default="table")

    def work(self, options: dict[str, Any]) -> int:
        before, after = find_compared_scan(options["before"]), find_compared_scan(options["after"])
        if before.organization_id != after.organization_id:
            raise UsageError(f"Scans {before.pk} and {after.pk} are of different organizations.")
        controls = resolve_control_ids(options["control"])
        unknown = sorted(set(controls) - set(registry.controls()))
        if unknown:
            raise UsageError(f"Unknown control: {', '.join(unknown)}. See manage.py controls list.")
        accounts = Account.objects.filter(organization=before.organization_id)
        if options["account"]:
            accounts = accounts.filter(account_id__in=options["account"])
            odd = sorted(set(options["account"]) - set(accounts.values_list("account_id", flat=True)))
            if odd:
                raise UsageError(f"Unknown account: {', '.join(odd)}. Run manage.py discover first.")
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        missing: list[AccountDiff] = []
        looked_at = 0
        for item in compare.diff_scans(before, after, accounts, controls=controls):
            looked_at += 1
            self.take(item, counts, missing, as_lines=options["format"] == "jsonl")
        if options["format"] == "table":
            self.stdout.write(format_difference_table(counts, compared=looked_at - len(missing), of=looked_at))
            for line in (
                *describe_partial_scans(before, after),
                *(f"Not compared: {m.account} — {compare.explain_missing(m)}" for m in missing),
            ):
                self.stdout.write(line)
        return PARTLY if missing or not looked_at else DONE

    def take(
        self, item: AccountDiff, counts: dict[str, Counter[str]], missing: list[AccountDiff], *, as_lines: bool
    ) -> None:
        if item.missing:
            missing.append(item)
        for difference in item.differences:
            counts[difference.control][difference.kind] += 1
        if as_lines:
            for line in compare.serialize_differences(item):
                self.stdout.write(json.dumps(line, ensure_ascii=False))


def find_compared_scan(wanted: str) -> Scan:
    scan = Scan.objects.filter(pk=int(wanted)).first() if wanted.isdecimal() and len(wanted) < 18 else None
    if scan is None:
        raise UsageError(f"There is no scan {wanted}. The scans page lists their ids.")
    return scan


def describe_partial_scans(*scans: Scan) -> Iterator[str]:
    """A line for each limited scan: what it left out is neither different nor equal."""
    for scan in scans:
        parts = [f"{name} {', '.join(ids)}" for name in ("regions", "controls") if (ids := scan.asked.get(name))]
        if parts:
            yield f"Scan {scan.pk} was limited to {'; '.join(parts)}."


def format_difference_table(counts: dict[str, Counter[str]], *, compared: int, of: int) -> str:
    if not of:
        return "Nothing could be compared: neither scan includes these accounts."
    if not compared:
        return f"Nothing could be compared: both scans read none of the {of} accounts."
    if not counts:
        return f"Nothing differs in what both scans read, in {compared} of {of} accounts."
    titles = ("control", *(kind.replace("_", " ") for kind in KINDS))
    rows = [titles, *((id, *(str(counts[id][kind]) for kind in KINDS)) for id in sorted(counts))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
