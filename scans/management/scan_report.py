"""Renders the output of `manage.py scan`: progress while it runs, and the summary at its end."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from django.db.models import Sum
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from accounts.aws.gaps import REGION_DENIED, Gap
from governance.core.cli import UNLIMITED_WIDTH
from scans import registry
from scans.domain.evidence import GLOBAL
from scans.domain.partial_scans import counts_as_missing
from scans.domain.region_access import is_set_aside
from scans.domain.regions import DESCRIBE_REGIONS
from scans.models import Scan, Target
from scans.pipeline.scan_totals import ENDED_TARGETS, UNREAD_STATES, VERDICTS, sum_targets
from scans.storage import blobs

# For each account. If nearly every call is denied, further lines add nothing.
MAX_LISTED_GAPS = 6
MAX_NAMED_ACCOUNTS = 3


class ScanProgressBar:
    """A progress bar with calls, failures, gaps and time left. Without a terminal, it prints plain lines."""

    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self.console = Console(stderr=True)
        self.bar = Bar(
            TextColumn("[bold]Scan {task.fields[scan]}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn(
                "accounts · {task.fields[calls]} calls · {task.fields[failed]} failing · {task.fields[gaps]} gaps ·"
            ),
            TimeElapsedColumn(),
            TextColumn("· left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=scan.targets.count(), scan=scan.pk, calls=0, failed=0, gaps=0)
        self.shown = -1

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def update(self) -> None:
        # Read from the rows and not from memory, so that work of other workers on the same scan is included.
        read = self.scan.targets.filter(ENDED_TARGETS)
        calls = read.aggregate(n=Sum("calls"))["n"] or 0
        failed = gaps = done = 0
        for counts, found in read.values_list("counts", "gaps"):
            done += 1
            failed += counts.get("fail", 0)
            gaps += len(found)
        self.bar.update(self.task, completed=done, calls=calls, failed=failed, gaps=gaps)
        if self.bar.disable and done != self.shown:
            self.shown = done
            self.console.print(
                f"Scan {self.scan.pk}: {done} of {self.scan.targets.count()} accounts, {calls} calls, "
                f"{failed} failing, {gaps} gaps",
                highlight=False,
                soft_wrap=True,
            )


def render_summary(scan: Scan, width: int = UNLIMITED_WIDTH) -> str:
    """The summary as text: tables by control and by account, and what could not be read."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False)
    console.print(build_control_table(scan))
    console.print(build_account_table(scan))
    for line in (*list_unread_accounts(scan), format_closing_line(scan)):
        console.print(line, soft_wrap=True)
    return out.getvalue()


def build_control_table(scan: Scan) -> Table:
    """The outcomes of this Scan by control, without what other Scans found elsewhere."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    read = False
    for found in scan.targets.exclude(manifest="").values_list("by_control", flat=True).iterator(chunk_size=500):
        read = True
        for id, by_verdict in found.items():
            counts[id].update(by_verdict)
    table = Table(title="By control (resources, in this scan)", title_justify="left")
    for name, justify in (("control", "left"), ("severity", "left"), ("title", "left"), *_NUMBERS):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for id in scan.asked.get("controls") or registry.controls():
        control = registry.controls()[id].control
        known = read and (not control.needs_organization or bool(scan.joined_context))
        table.add_row(id, control.severity, control.title, *format_verdicts(counts[id], known=known))
    return table


_NUMBERS = (("pass", "right"), ("fail", "right"), ("unknown", "right"), ("n/a", "right"))


def format_verdicts(counts: Mapping[str, int], *, known: bool) -> list[str]:
    """The counts by verdict. A dash means that nothing was read, which is not the same as 0."""
    return [str(counts.get(verdict, 0)) if known else "–" for verdict in VERDICTS]


def iterate_targets(scan: Scan) -> Iterator[Target]:
    """The Targets, sorted by account."""
    # In batches and without by_control, which is large: ten thousand full rows would fill the memory.
    found = scan.targets.defer("by_control").select_related("account").order_by("account__account_id")
    return found.iterator(chunk_size=500)


def build_account_table(scan: Scan) -> Table:
    table = Table(title="By account (resources, in this scan)", title_justify="left")
    for name, justify in (("account", "left"), ("name", "left"), *_NUMBERS, ("calls", "right"), ("read", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for target in iterate_targets(scan):
        table.add_row(
            target.account.account_id,
            target.account.name,
            *format_verdicts(target.counts, known=bool(target.manifest)),
            str(target.calls),
            describe_read_state(target),
        )
    return table


def describe_read_state(target: Target) -> str:
    if target.state == "done":
        return "in part" if any(map(counts_as_missing, target.gaps)) else "complete"
    if target.state in UNREAD_STATES:
        return "no"
    # A Target with evidence was read by its first visit; its second visit did not end.
    return "in part" if target.manifest else "cancelled" if target.state == "cancelled" else "not yet"


def list_unread_accounts(scan: Scan) -> list[str]:
    """One line for each account that was not read, and one for each gap with the accounts that have it."""
    lines = [f"Error: {e['what']} failed — {e['reason']} {e['what_to_do']}" for e in scan.totals.get("errors", [])]
    # The same policy mostly denies the same in every account, and ten thousand equal lines would hide the others.
    having: dict[str, list[str]] = defaultdict(list)
    for target in iterate_targets(scan):
        if target.error:
            lines.append(f"Not read: {target.account} — {target.error['reason']} {target.error['what_to_do']}")
        elif target.state != "done":
            lines.append(f"Not read: {target.account} — the account was {target.state} when the scan ended.")
        if any(gap["api"] == DESCRIBE_REGIONS.api for gap in target.gaps):
            read = sorted(set(blobs.load_manifest(target.manifest)) - {GLOBAL})
            said = f"the regions could not be listed; only the configured ones were read: {', '.join(read)}"
            having[said].append(str(target.account))
        for said in list_gap_sentences(target):
            having[said].append(str(target.account))
    return [*lines, *(f"Gap: {name_accounts(accounts)} — {said}" for said, accounts in having.items())]


def name_accounts(accounts: list[str]) -> str:
    """All of them if they are few; otherwise the first ones and how many there are."""
    if len(accounts) <= MAX_NAMED_ACCOUNTS:
        return ", ".join(accounts)
    return f"{len(accounts)} accounts, such as {', '.join(accounts[:MAX_NAMED_ACCOUNTS])}"


def list_gap_sentences(target: Target) -> list[str]:
    """What could not be read in this account, without its name: gaps of one cause are one sentence."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for gap in list_told_gaps(target):
        needs = f"; needs {gap.action}" if gap.action else ""
        said = f"{gap.api} {gap.explanation} ({gap.code}{needs})"
        reasons.setdefault((said, gap.advice), []).append(gap.region)
    lines = [
        f"{said} in {', '.join(sorted(set(regions)))}. {advice}"
        for (said, advice), regions in sorted(reasons.items())[:MAX_LISTED_GAPS]
    ]
    if len(reasons) > MAX_LISTED_GAPS:
        lines.append(f"and {len(reasons) - MAX_LISTED_GAPS} more calls; the scan's page has all")
    return lines


def list_told_gaps(target: Target) -> list[Gap]:
    """What could not be read. Of a denied region only that it is denied, and not each call."""
    gaps = [Gap.from_dict(gap) for gap in target.gaps if counts_as_missing(gap)]
    denied = {gap.region for gap in gaps if gap.code == REGION_DENIED}
    return [gap for gap in gaps if not is_set_aside(gap, denied)]


def format_closing_line(scan: Scan) -> str:
    sums = sum_targets(scan.targets.all())
    closed = f", {sums.closed} of them closed by AWS" if sums.closed else ""
    cancelled = f", {sums.cancelled} were cancelled before they were read" if sums.cancelled else ""
    counts = sums.counts
    judged = (
        f"{counts['fail']} failing, {counts['unknown']} unknown, {counts['pass']} passing, "
        f"{counts['not_applicable']} not applicable"
    )
    if sums.of_others:
        judged += f", {sums.of_others} not judged, because they depend on accounts that this scan left out"
    return (
        f"Scan {scan.pk} {scan.state}: {sums.accounts} accounts "
        f"({sums.unreadable} could not be read{closed}{cancelled}), "
        f"{sums.calls} calls, {judged if sums.judged else 'nothing was judged'}."
    )
