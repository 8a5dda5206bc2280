"""manage.py export: writes outcomes or findings as JSON lines or CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.models import Account
from governance.core.cli import DONE, PARTLY, CouldNotError, TutelaCommand, UsageError
from scans.management.unread_report import report_scan_gaps, report_unread_extent, require_accounts
from scans.models import Finding, Scan
from scans.queries import exports
from scans.queries.extent import extent_of
from scans.timemachine.outcomes import iterate_outcomes


class Command(TutelaCommand):
    help = (
        "Write every outcome of a scan, or the findings, as JSON lines or CSV. What was not read is reported on "
        "standard error. Exit status: 0 done, 3 nothing was read, so an empty export doesn't mean that there is nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["outcomes", "findings"])
        parser.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")
        parser.add_argument("--scan", default="latest", metavar="latest|ID")
        parser.add_argument("--output", metavar="FILE", help="write to this file instead of standard output")

    def work(self, options: dict[str, Any]) -> int:
        require_accounts(Account.objects.all())
        rows = self.outcomes(options["scan"]) if options["what"] == "outcomes" else findings(options["scan"])
        columns = exports.OUTCOME_COLUMNS if options["what"] == "outcomes" else exports.EXPORTED_FINDING_COLUMNS
        self.put(rows, options, columns)
        return DONE if self.tell(options) else PARTLY

    def put(self, rows: Iterator[dict[str, Any]], options: dict[str, Any], columns: tuple[str, ...]) -> None:
        if not options["output"]:
            exports.write_rows(rows, sys.stdout, format=options["format"], columns=columns)
            return
        try:
            # Renamed at the end, so that a file with this name is always complete.
            part = Path(options["output"] + ".part")
            with part.open("w", encoding="utf-8", newline="") as file:
                exports.write_rows(rows, file, format=options["format"], columns=columns)
            part.replace(options["output"])
        except OSError as error:
            raise CouldNotError(f"{options['output']} can't be written: {error.strerror}") from error

    def tell(self, options: dict[str, Any]) -> bool:
        """Report what was not read. False: nothing was ever read."""
        if options["what"] == "outcomes":
            return report_scan_gaps(self, find_exported_scan(options["scan"]))
        accounts = Account.objects.all()
        if options["scan"] != "latest":
            accounts = accounts.filter(pk__in=find_exported_scan(options["scan"]).targets.values("account"))
        extent = extent_of(accounts)
        report_unread_extent(self, extent)
        return not extent.nothing

    def outcomes(self, wanted: str) -> Iterator[dict[str, Any]]:
        return iterate_outcomes(find_exported_scan(wanted))


def find_exported_scan(wanted: str) -> Scan:
    ended = Scan.objects.filter(state__in=["done", "partial"]).order_by("-id")
    if wanted == "latest":
        scan = ended.first()
        if scan is None:
            raise CouldNotError("No scan has ended yet. Run: manage.py scan")
        return scan
    scan = Scan.objects.filter(pk=int(wanted)).first() if wanted.isdecimal() and len(wanted) < 18 else None
    if scan is None:
        raise UsageError(f"There is no scan {wanted}. Use latest, or an id from the scans page.")
    return scan


def findings(wanted: str) -> Iterator[dict[str, Any]]:
    """All findings, or with a scan's id, the findings of the accounts in that scan."""
    rows = Finding.objects.select_related("account", "superseded_by").order_by("id")
    if wanted != "latest":
        rows = rows.filter(account__in=find_exported_scan(wanted).targets.values("account"))
    return exports.iterate_finding_records(rows.iterator(chunk_size=1000), timezone.now())
