"""manage.py coverage: shows how much of each account was read, by region and collector."""

from __future__ import annotations

import io
import sys
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet
from rich.console import Console
from rich.table import Table

from accounts.models import Account
from governance.core.cli import DONE, TutelaCommand, UsageError, measure_width
from scans.insight import coverage
from scans.management.unread_report import require_accounts
from scans.queries import coverage as queries
from scans.queries import exports


class Command(TutelaCommand):
    help = "Show what was read completely, in part (with the reason), or never, and where there is nothing to read."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="ID", help="only this account")
        parser.add_argument("--format", choices=["jsonl", "csv", "table"], default="table")

    def work(self, options: dict[str, Any]) -> int:
        accounts = Account.objects.select_related("organization")
        require_accounts(accounts)
        if options["account"]:
            accounts = accounts.filter(account_id=options["account"])
            if not accounts.exists():
                raise UsageError(f"The account {options['account']} is not known. Run: manage.py discover")
        if options["format"] == "table":
            self.stdout.write(format_coverage_tables(accounts, measure_width(self.stdout)), ending="")
        else:
            exports.write_rows(
                queries.iterate_coverage_rows(accounts),
                sys.stdout,
                format=options["format"],
                columns=coverage.READING_COLUMNS,
            )
        return DONE


def format_coverage_tables(accounts: QuerySet[Account], width: int) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False)
    summary = Table(title="Readings (one collector in one region each)", title_justify="left")
    for name in ("account", "name", "complete", "partial", "never read", "n/a", "% complete"):
        summary.add_column(name, justify="left" if name in {"account", "name"} else "right")
    incomplete = Table(title="Incomplete readings", title_justify="left")
    for name in ("account", "region", "collector", "state", "why"):
        incomplete.add_column(name)
    for account in accounts.order_by("account_id").iterator():
        found = queries.load_account_coverage(account)
        n = found.totals
        percent = "–" if n.percent is None else f"{n.percent} %"
        summary.add_row(
            account.account_id,
            account.name,
            *map(str, (n.complete, n.partial, n.never_read, n.not_applicable)),
            percent,
        )
        if not n.complete and not n.partial:
            incomplete.add_row(account.account_id, "all", "all", "never read", explain_unread_account(found))
            continue
        for line in found.incomplete:
            incomplete.add_row(
                account.account_id,
                line.region,
                line.collector,
                line.state.replace("_", " "),
                explain_coverage_line(line),
            )
    console.print(summary)
    if incomplete.row_count:
        console.print(incomplete)
    return out.getvalue()


def explain_unread_account(found: queries.AccountCoverage) -> str:
    error = found.target.error if found.target is not None else None
    return f"{error['reason']} {error['what_to_do']}" if error else "No scan has read it."


def explain_coverage_line(line: coverage.CollectorReading) -> str:
    reasons = [": ".join(filter(None, (", ".join(item.types), item.gap.sentence()))) for item in line.missing]
    advice = [gap.advice for gap in dict.fromkeys(item.gap for item in line.missing)]
    if not line.current and line.state is not coverage.ReadingState.NEVER_READ:
        reasons.append("not read by the latest scan; older evidence is used")
    return " ".join([f"{'; '.join(reasons)}.", *dict.fromkeys(advice)]) if reasons else line.why
