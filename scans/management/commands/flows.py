"""manage.py flows: writes the data-flow map as JSON lines, CSV or a Graphviz graph."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Account
from governance.core.cli import DONE, TutelaCommand, UsageError
from scans.insight.flows import export_rows
from scans.management.unread_report import report_unread_extent, require_accounts
from scans.queries import exports
from scans.queries import flows as queries
from scans.queries.extent import extent_of


class Command(TutelaCommand):
    help = "Write the data-flow map: feature, bucket or log group, key, and the verdict of each step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="ID", help="only flows of this account")
        parser.add_argument("--region", metavar="R", default="", help="only flows from or to this region")
        parser.add_argument("--format", choices=["jsonl", "csv", "dot"], default="jsonl")

    def work(self, options: dict[str, Any]) -> int:
        every_account = Account.objects.select_related("organization")
        require_accounts(every_account)
        chosen = every_account.filter(account_id=options["account"]) if options["account"] else every_account
        if options["account"] and not chosen.exists():
            raise UsageError(f"The account {options['account']} is not known. Run: manage.py discover")
        read = queries.iterate_account_flows(every_account, chosen.order_by("account_id").iterator(), options["region"])
        if options["format"] == "dot":
            sys.stdout.writelines(f"{line}\n" for line in export_rows.render_accounts_dot(read))
        else:
            exports.write_rows(
                export_rows.build_flow_rows(read),
                sys.stdout,
                format=options["format"],
                columns=export_rows.FLOW_COLUMNS,
            )
        report_unread_extent(self, extent_of(chosen, region=options["region"]))
        return DONE
