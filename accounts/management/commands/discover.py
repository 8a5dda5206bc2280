"""manage.py discover: reads the AWS Organization and records it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, ProgrammingError
from django.utils import timezone

from accounts.aws.endpoints import EndpointError, partition_for
from accounts.aws.organizations import DiscoveryError, discover_organization
from accounts.management.database_check import require_database
from accounts.models import Account
from accounts.services import DiscoveryResult, apply_discovery
from governance.core import error_log
from governance.core.cli import DONE, PARTLY, CouldNotError, TutelaCommand
from governance.core.policy import SYSTEM
from governance.core.storable import REPLACEMENT_MARK


class Command(TutelaCommand):
    help = (
        "Discover the AWS Organization: accounts, OUs, tags, status. Needs credentials of the management account or "
        "of a delegated administrator. Exit status: 0 done, 3 some OUs or accounts could not be recorded, 1 could not "
        "run, 2 wrong usage."
    )

    def work(self, options: dict[str, Any]) -> int:
        require_database()
        with error_log.log_errors_to(Path(settings.ERROR_LOG)) as errors:
            applied = self.discover()
        self.report(applied)
        if errors.written:
            self.stdout.write(f"  Internal errors are logged in {errors.baseFilename}.")
        return PARTLY if applied.failed else DONE

    def discover(self) -> DiscoveryResult:
        try:
            found = discover_organization(hub_partition(), progress=self.say)
            return apply_discovery(actor=SYSTEM, discovered=found, at=timezone.now())
        except (DiscoveryError, EndpointError) as error:
            raise CouldNotError(str(error)) from error
        except (CouldNotError, OperationalError, ProgrammingError):
            raise  # TutelaCommand reports these
        except Exception as error:
            id = error_log.log_error(error, "discover")
            raise CouldNotError(
                f"Discovery failed: an internal error ({type(error).__name__}). Nothing was changed. Report it with "
                f"the entry of {settings.ERROR_LOG} under {id}."
            ) from error

    def say(self, line: str) -> None:
        self.stderr.write(line)

    def report(self, applied: DiscoveryResult) -> None:
        organization = applied.organization
        self.stdout.write(
            f"{organization.org_id} ({organization.partition}, management account "
            f"{organization.management_account_id}): {applied.accounts} accounts, {applied.units} roots and OUs."
        )
        for kind, count in sorted(applied.events.items()):
            self.stdout.write(f"  {kind.replace('_', ' ')}: {count}")
        if not applied.events:
            self.stdout.write("  Nothing has changed since the last discovery.")
        if applied.unknown_owners:
            self.stdout.write(
                f"  Tags of {len(applied.unknown_owners)} accounts could not be read, so their owners may be out of date "
                "or unknown: allow organizations:ListTagsForResource."
            )
        for id, why in sorted(applied.failed.items()):
            self.stdout.write(f"  Not recorded: {id}: {why}. Its recorded data is unchanged.")
        if applied.replaced:
            self.stdout.write(
                f"  Characters that can't be stored are shown as {REPLACEMENT_MARK} in {', '.join(applied.replaced)}. Correct them in AWS."
            )
        if applied.events["joined"] == applied.accounts:
            self.stdout.write(
                "  Next: manage.py doctor shows which accounts can be scanned; manage.py scan reads them."
            )
        unready = organization.accounts.exclude(status=Account.Status.ACTIVE)
        for account in unready:
            self.stdout.write(f"  {account.account_id} {account.name}: {account.status}, will not be read")


def hub_partition() -> str:
    """The partition of the hub's own region; AWS_REGION decides, as for every AWS tool."""
    name = "AWS_REGION" if os.environ.get("AWS_REGION") else "AWS_DEFAULT_REGION"
    try:
        return partition_for(os.environ.get(name) or "us-east-1")
    except EndpointError as error:
        raise CouldNotError(f"{name}: {error} Set it to a region of the hub's partition.") from error
