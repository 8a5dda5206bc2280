"""manage.py replay: judges stored evidence again with today's controls, without AWS calls."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Organization
from governance.core.cli import DONE, PARTLY, CouldNotError, TutelaCommand, UsageError
from governance.core.policy import SYSTEM
from scans import registry
from scans.domain.lifecycle import Event
from scans.errors import ScanRequestError
from scans.queries import exports
from scans.registry import resolve_control_ids
from scans.timemachine import as_of, outcomes, replay
from scans.timemachine.replay import ReplayTally

VERDICTS = ("pass", "fail", "unknown", "not_applicable")
EVENTS = (Event.OPEN, Event.REOPEN, Event.FIX, Event.LAPSE, Event.VANISH, Event.SUPERSEDE, Event.NOTE)
TITLES = (
    "control",
    "pass",
    "fail",
    "unknown",
    "n/a",
    "opened",
    "reopened",
    "fixed",
    "lapsed",
    "gone",
    "replaced",
    "noted",
)


class Command(TutelaCommand):
    help = (
        "Judge stored evidence again with today's controls, without AWS calls. Shows how the findings of now, or of a "
        "past day, would change. With --apply, changes them. Exit status: 0 done, 3 some evidence could not be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--control", metavar="ID", action="append", default=[], help="only this control or group (repeatable)"
        )
        parser.add_argument(
            "--account", metavar="ID", action="append", default=[], help="only this account (repeatable)"
        )
        parser.add_argument("--organization", metavar="ID", help="the organization, if several are known")
        parser.add_argument(
            "--as-of", metavar="DATE", default="", help="use the evidence of this day, such as 2026-03-31"
        )
        parser.add_argument("--format", choices=["table", "jsonl"], default="table", help="counts, or every outcome")
        parser.add_argument(
            "--apply", action="store_true", help="change findings and counts, instead of only showing the changes"
        )

    def work(self, options: dict[str, Any]) -> int:
        if options["apply"] and (options["as_of"] or options["format"] == "jsonl"):
            raise UsageError("--apply uses the newest evidence and prints counts. Leave out --as-of and --format.")
        asked = {"accounts": options["account"], "controls": resolve_control_ids(options["control"])}
        total = ReplayTally()
        try:
            with pause_garbage_collection():
                for organization in organizations(options["organization"], options["account"]):
                    self.one(organization, asked, options, total)
        except ScanRequestError as error:
            raise UsageError(str(error)) from error
        return self.close(total, options)

    def one(
        self, organization: Organization, asked: dict[str, list[str]], options: dict[str, Any], total: ReplayTally
    ) -> None:
        if options["apply"]:
            total.merge(replay.apply_replay(actor=SYSTEM, organization=organization, **asked))
            return
        moment = as_of.end_of(as_of.parse_day(options["as_of"])) if options["as_of"] else None
        accounts = replay.choose_replay_accounts(SYSTEM, organization, **asked)
        lines = self.outcomes(accounts, asked["controls"], moment, total, keep=options["format"] == "jsonl")
        exports.write_rows(lines, sys.stdout, format="jsonl", columns=exports.OUTCOME_COLUMNS)

    def outcomes(
        self, accounts: Any, controls: list[str], moment: datetime | None, total: ReplayTally, *, keep: bool
    ) -> Iterator[dict[str, Any]]:
        for found in replay.rejudge_accounts(accounts, total, controls=controls, moment=moment):
            replay.preview_changes(found, total, moment)
            if keep:
                yield from outcomes.serialize_outcomes(found.items)

    def close(self, total: ReplayTally, options: dict[str, Any]) -> int:
        if not total.accounts and not total.busy:
            raise CouldNotError("There is no stored evidence for this. Run: manage.py scan")
        out = self.stderr if options["format"] == "jsonl" else self.stdout
        if options["format"] == "table":
            self.stdout.write(format_tally_table(total))
        for line in describe_tally(total, applied=options["apply"]):
            out.write(line)
        return PARTLY if total.unreadable_evidence or total.busy else DONE


def organizations(wanted: str | None, accounts: list[str]) -> list[Organization]:
    """All known organizations, or the named one, or the one that the accounts are in."""
    known = Organization.objects.order_by("org_id")
    if wanted:
        known = known.filter(org_id=wanted)
        if not known:
            raise UsageError(f"The organization {wanted} is not known. Run: manage.py discover")
    elif accounts:
        known = known.filter(accounts__account_id__in=accounts).distinct() or known[:1]
    found = list(known)
    if not found:
        raise CouldNotError("No organization is known yet. Run: manage.py discover")
    return found


def format_tally_table(total: ReplayTally) -> str:
    """A table by control: outcomes of the replay, and changes of findings."""
    keys = (*VERDICTS, *map(str, EVENTS))
    rows = [(id, *(str(total.controls[id][key]) for key in keys)) for id in registry.controls() if id in total.controls]
    widths = [max(map(len, column)) for column in zip(TITLES, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (TITLES, *rows)
    )


def describe_tally(total: ReplayTally, *, applied: bool) -> Iterator[str]:
    changes = total.changes()
    listed = ", ".join(
        f"{changes[event]} {title}" for event, title in zip(EVENTS, TITLES[5:], strict=True) if changes[event]
    )
    title = "Findings changed" if applied else "Findings that would change"
    yield f"{total.accounts} accounts judged from stored evidence. {title}: {listed or 'none'}."
    if total.unread:
        yield f"Never read, so there is no evidence: {', '.join(total.unread)}."
    if total.busy:
        yield f"Skipped, because a scan is reading and judging them now: {', '.join(total.busy)}."
    for account, why in total.unreadable_evidence.items():
        yield f"Some evidence can't be used: {account} — {why}."


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Let Python's garbage collector run rarely."""
    # Judging creates many small objects and no reference cycles. Searching for cycles takes a quarter of the time.
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(500_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
