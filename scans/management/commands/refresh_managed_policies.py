"""manage.py refresh_managed_policies: replaces the copy of AWS managed policies by what AWS publishes today."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts.aws.assume import assume_role
from accounts.aws.credentials import acting_as
from accounts.aws.endpoints import home_region
from accounts.aws.errors import AssumeError
from accounts.aws.gaps import Gap
from accounts.aws.reader import AwsReader
from accounts.management.commands.discover import hub_partition
from accounts.management.database_check import require_database
from accounts.models import Account
from governance.core.cli import DONE, PARTLY, CouldNotError, TutelaCommand, UsageError
from scans.collectors.lib.aws_policy_copy import find_copy_path, load_current_copy, write_copy
from scans.collectors.lib.aws_policy_refresh import REFRESH_CALLS, refresh_copy


class Command(TutelaCommand):
    help = (
        "Read the AWS managed policies that AWS publishes today, and use them instead of the copy that comes with the "
        "portal. A scan reads a policy from AWS where the copy has another version, so a newer copy saves calls. The hub "
        "needs iam:ListPolicies and iam:GetPolicyVersion; with --account, the scan role of that account is used. Exit "
        "status: 0 done, 3 some policies could not be read, 1 could not run, 2 wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="ID", help="read with the scan role of this account, not as the hub")

    def work(self, options: dict[str, Any]) -> int:
        account = find_account(options["account"]) if options["account"] else None
        partition = account.organization.partition if account else hub_partition()
        reader = AwsReader(
            account.account_id if account else "hub",
            partition,
            home_region(partition),
            REFRESH_CALLS,
            as_hub=account is None,
        )
        held, path = load_current_copy(), find_copy_path()
        with act_as_scan_role(account):
            found = refresh_copy(reader, held, datetime.now(UTC).date().isoformat())
        if isinstance(found, Gap):
            raise CouldNotError(f"{found.sentence()}. {found.advice}")
        try:
            write_copy(found.copy, path)
        except OSError as error:
            raise CouldNotError(
                f"{path} can't be written: {error.strerror}. Set TUTELA_MANAGED_POLICIES to a path that can."
            ) from error
        self.stdout.write(
            f"{len(found.copy.policies)} policies of AWS's are in {path}. Since the copy of {held.read_on}, "
            f"{len(found.changed)} have changed, {len(found.added)} are new and {found.removed} are gone."
        )
        for gap in dict.fromkeys(found.unread):
            self.stdout.write(f"{found.unread.count(gap)} policies are missing: {gap.sentence()}.")
        return PARTLY if found.unread else DONE


def find_account(id: str) -> Account:
    require_database()
    account = Account.objects.select_related("organization").filter(account_id=id).first()
    if account is None:
        raise UsageError(f"Unknown account: {id}. Run manage.py discover first.")
    return account


def act_as_scan_role(account: Account | None) -> AbstractContextManager[None]:
    if account is None:
        return acting_as(None)
    partition = account.organization.partition
    try:
        role = assume_role(
            account.account_id,
            partition=partition,
            role=settings.SCAN_ROLE,
            external_id=settings.EXTERNAL_ID,
            session_name=f"tutela-policies-{account.account_id}",
            actions={call.action for call in REFRESH_CALLS},
            region=home_region(partition),
            duration=900,
        )
    except AssumeError as error:
        raise CouldNotError(f"{error.reason} {error.what_to_do}") from error
    return acting_as(role)
