"""Reports what was not read on standard error, so that the output of commands stays machine-readable."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.db.models import QuerySet

from accounts.models import Account
from governance.core.cli import CouldNotError
from scans.models import Scan
from scans.pipeline.scan_totals import sum_targets
from scans.queries.extent import Extent
from scans.timemachine.outcomes import describe_unjudged


def require_accounts(accounts: QuerySet[Account]) -> None:
    """Raises CouldNotError if no organization was discovered yet. An empty output would look like "nothing found"."""
    if not accounts.exists():
        raise CouldNotError("No account is known. Run: manage.py discover")


def report_unread_extent(command: BaseCommand, extent: Extent) -> None:
    if not extent.all_read:
        command.stderr.write(extent.text())


def report_scan_gaps(command: BaseCommand, scan: Scan) -> bool:
    """Report the limits of a Scan and what it did not read. False: nothing at all was read."""
    parts = [
        f"{name} {', '.join(ids)}"
        for name in ("accounts", "ous", "regions", "controls")
        if (ids := scan.asked.get(name))
    ]
    if parts:
        command.stderr.write(f"Scan {scan.pk} was limited to {'; '.join(parts)}.")
    sums = sum_targets(scan.targets.all())
    missing = describe_unjudged(scan)
    if not sums.whole or missing:
        gaps = f"{sums.gaps} gaps in what was read" if sums.gaps else ""
        command.stderr.write(
            f"Scan {scan.pk} is {scan.state}: {'; '.join(filter(None, (sums.text(), gaps, missing)))}."
        )
    return scan.targets.exclude(manifest="").exists()
