"""manage.py doctor: checks for each account whether it can be scanned, and says what to do if not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts.aws.diagnosis import Diagnosis, diagnose_access
from accounts.aws.hub import HubError
from accounts.management.database_check import require_database
from accounts.models import Account
from governance.core.cli import DONE, PARTLY, CouldNotError, TutelaCommand, UsageError
from scans import registry
from scans.domain.collector import SCAN_ROLE, VALUE_ROLE
from scans.management.account_recording import RecordingFile, record_account
from scans.pipeline.account_reader import AccountUnreadableError
from scans.pipeline.session_groups import group_by_session

THREADS = 8


class Command(TutelaCommand):
    help = (
        "Check for each account that the scan role can be assumed, that it can't be assumed without the right external "
        "id, and which declared actions are denied. Check the value role too, if one is configured. Exit status: 0 no "
        "problems, 3 some accounts have problems, 1 could not run, 2 wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--account", action="append", default=[], metavar="ID", help="only this account (repeatable)"
        )
        parser.add_argument(
            "--record",
            metavar="FILE",
            help="write what AWS answers for the one account of --account into this new file, without names and values",
        )

    def work(self, options: dict[str, Any]) -> int:
        require_database()
        if not settings.EXTERNAL_ID:
            raise CouldNotError(
                "TUTELA_EXTERNAL_ID is not set. Set it to the external id in the scan role's trust policy."
            )
        accounts = self.chosen(options["account"])
        if options["record"]:
            return self.record(accounts, Path(options["record"]))
        open_ones = [account for account in accounts if account.status == Account.Status.ACTIVE]
        for account in accounts:
            if account not in open_ones:
                self.stdout.write(
                    f"{account.account_id} {account.name}: not tried. It is {account.status} in the organization, so "
                    "its roles can't be assumed. Scans list it as not read until it is reactivated"
                )
        try:
            with ThreadPoolExecutor(THREADS, thread_name_prefix="doctor") as pool:
                found = zip(open_ones, pool.map(diagnose_with_value_role, open_ones), strict=True)
                with_problems = sum([self.report(account, each) for account, each in found])
        except HubError as error:
            raise CouldNotError(str(error)) from error
        self.stdout.write(summarize_diagnoses(len(open_ones), with_problems, len(accounts) - len(open_ones)))
        return PARTLY if with_problems else DONE

    def record(self, accounts: list[Account], path: Path) -> int:
        """Write a recording of one account. Nothing is diagnosed, so that the account is read once."""
        if len(accounts) != 1:
            raise UsageError("--record writes one account: name it with --account ID.")
        try:
            file = RecordingFile(path)
        except FileExistsError:
            raise UsageError(f"{path} exists already, and --record overwrites nothing. Name another file.") from None
        except OSError as error:
            raise UsageError(f"{path} can't be written: {error.strerror}.") from error
        with closing(file):
            try:
                document = record_account(accounts[0])
            except AccountUnreadableError as error:
                raise CouldNotError(f"{error.reason} {error.what_to_do}") from error
            file.write(document)
        failed = sum("error" in call for call in document["calls"])
        self.stdout.write(
            f"{path}: {len(document['calls'])} calls, {failed} of them refused. Read the file before you send it."
        )
        return DONE

    def report(self, account: Account, found: Diagnosis) -> bool:
        head = f"{account.account_id} {account.name}"
        if not found.problems:
            untried = f", {len(found.untried)} can only be tried on a resource" if found.untried else ""
            self.stdout.write(f"{head}: fine ({found.tried} actions tried{untried})")
            return False
        self.stdout.write(f"{head}: {len(found.problems)} problem{'' if len(found.problems) == 1 else 's'}")
        for problem in found.problems:
            self.stdout.write(f"    {problem.what} {problem.what_to_do}".rstrip())
        return True

    def chosen(self, ids: list[str]) -> list[Account]:
        known = list(Account.objects.select_related("organization").exclude(status=Account.Status.VANISHED))
        if not known:
            raise CouldNotError("No account is known. Run: manage.py discover")
        missing = sorted(set(ids) - {account.account_id for account in known})
        if missing:
            raise UsageError(f"Unknown account: {', '.join(missing)}. Run manage.py discover first.")
        return [account for account in known if not ids or account.account_id in ids]


def summarize_diagnoses(tried: int, with_problems: int, left_out: int) -> str:
    parts = [f"{tried - with_problems} of {tried} accounts are fine"] if tried else []
    if left_out:
        parts.append(
            f"{left_out} {'was' if left_out == 1 else 'were'} not tried: roles in inactive accounts can't be assumed"
        )
    return "; ".join(parts) + "."


def diagnose_with_value_role(account: Account) -> Diagnosis:
    found = diagnose_role(account, settings.SCAN_ROLE, SCAN_ROLE)
    if settings.VALUE_ROLE:
        for problem in diagnose_role(account, settings.VALUE_ROLE, VALUE_ROLE).problems:
            found.problem(f"The value role: {problem.what}", problem.what_to_do)
    return found


def diagnose_role(account: Account, name: str, role: str) -> Diagnosis:
    """name: the role's name in the account; role: which of the two that is."""
    sessions = [group.calls for group in group_by_session(set(registry.collectors()), role)]
    return diagnose_access(
        account.account_id,
        partition=account.organization.partition,
        role=name,
        external_id=settings.EXTERNAL_ID,
        sessions=sessions,
    )
