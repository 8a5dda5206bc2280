"""manage.py scan: reads and judges the organization's accounts, stores findings, and shows the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import transaction

from accounts.aws.hub import HubError, require_hub
from accounts.models import Organization
from governance.core import error_log
from governance.core.cli import DONE, INTERRUPTED, PARTLY, CouldNotError, TutelaCommand, UsageError, measure_width
from governance.core.policy import SYSTEM
from scans.errors import ScanRequestError
from scans.management.scan_report import ScanProgressBar, render_summary
from scans.models import Scan
from scans.pipeline import failures, foreground
from scans.pipeline.scan_totals import ENDED_TARGETS
from scans.pipeline.start import start_scan
from scans.registry import resolve_control_ids


class Command(TutelaCommand):
    help = "Scan the organization's accounts and store findings. Exit status: 0 done, 3 parts could not be read."

    def add_arguments(self, parser: CommandParser) -> None:
        for name, metavar, what in (
            ("--account", "ID", "account"),
            ("--ou", "ID", "OU with its child OUs"),
            ("--region", "R", "region"),
            ("--control", "ID", "control, or group such as SSM-DS-001 or PS"),
        ):
            parser.add_argument(
                name, metavar=metavar, action="append", default=[], help=f"only this {what} (repeatable)"
            )
        parser.add_argument("--organization", metavar="ID", help="the organization, if several are known")
        parser.add_argument("--queue", action="store_true", help="hand the scan to the workers and return")

    def work(self, options: dict[str, Any]) -> int:
        organization = find_named_organization(options["organization"])
        asked = {"accounts": options["account"], "ous": options["ou"], "regions": options["region"]}
        asked["controls"] = resolve_control_ids(options["control"])
        if options["queue"]:
            return self.hand_over(organization, asked)
        require_scan_settings(organization)
        scan = foreground.find_interrupted_scan(organization, asked)
        if scan:
            done = scan.targets.filter(ENDED_TARGETS).count()
            self.stdout.write(f"Resuming scan {scan.pk}: {done} of {scan.targets.count()} accounts are done.")
        else:
            scan = self.start(organization, asked)
        with error_log.log_errors_to(Path(settings.ERROR_LOG)) as errors:
            self.read(scan)
        self.stdout.write(render_summary(scan, measure_width(self.stdout)), ending="")
        if errors.written:
            self.stdout.write(f"The log of internal errors is {errors.baseFilename}.")
        return DONE if scan.state == "done" and not scan.totals.get("errors") else PARTLY

    def read(self, scan: Scan) -> None:
        how_to_continue = f"Run the same command again to continue scan {scan.pk}; what was read is kept."
        try:
            with ScanProgressBar(scan) as progress:
                foreground.run(scan, progress.update)
        except KeyboardInterrupt:
            self.refuse(f"Stopped. {how_to_continue}", INTERRUPTED)
        except Exception as error:
            problem = failures.record_failure(error, f"scan {scan.pk}")
            raise CouldNotError(f"{problem['reason']} {problem['what_to_do']} {how_to_continue}") from error

    def start(self, organization: Organization, asked: dict[str, list[str]]) -> Scan:
        try:
            return start_scan(
                actor=SYSTEM,
                organization=organization,
                accounts=asked["accounts"],
                ous=asked["ous"],
                regions=asked["regions"],
                controls=asked["controls"],
            )
        except ScanRequestError as error:
            # An error with a field is about the options of the command. Without one, the portal isn't ready to scan.
            raise (UsageError if error.field else CouldNotError)(str(error)) from error

    def hand_over(self, organization: Organization, asked: dict[str, list[str]]) -> int:
        from scans.tasks import enqueue_scan

        if settings.EMBEDDED:
            raise CouldNotError(
                "There are no workers for --queue, because BROKER_URL is memory://. Set BROKER_URL to Redis and "
                "start workers, or scan without --queue."
            )
        reach_broker()
        with transaction.atomic():
            scan = self.start(organization, asked)
            transaction.on_commit(lambda: enqueue_scan(scan.pk))
        self.stdout.write(f"Scan {scan.pk} is queued: {scan.targets.count()} accounts.")
        return DONE


def require_scan_settings(organization: Organization) -> None:
    """Check the settings before anything is written."""
    # Without them no account can be read, and an empty scan would become the latest one.
    if not settings.EXTERNAL_ID:
        raise CouldNotError("TUTELA_EXTERNAL_ID is not set. Set it to the external id in the scan role's trust policy.")
    try:
        require_hub(organization.partition)
    except HubError as error:
        raise CouldNotError(str(error)) from error


def reach_broker() -> None:
    """Check the broker before anything is written, so that no scan is created that no worker receives."""
    from celery import current_app as app
    from kombu.exceptions import OperationalError

    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
    except (OperationalError, OSError) as error:
        # Only the part after the credentials may be printed.
        place = settings.BROKER_URL.rpartition("@")[2]
        raise CouldNotError(
            f"The broker at {place} can't be reached ({error}). Start it, or correct BROKER_URL."
        ) from error


def find_named_organization(wanted: str | None) -> Organization:
    known = list(Organization.objects.all())
    if not known:
        raise CouldNotError("No organization is known yet. Run: manage.py discover")
    if wanted:
        known = [organization for organization in known if organization.org_id == wanted]
    if len(known) == 1:
        return known[0]
    if not known:
        raise UsageError(f"The organization {wanted} is not known. Run: manage.py discover")
    raise UsageError(
        "Several organizations are known. Choose one with --organization: " + ", ".join(o.org_id for o in known)
    )
