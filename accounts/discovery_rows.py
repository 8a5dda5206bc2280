"""Writes the rows of a discovery: all at once, or one by one if a row fails, so that only that row is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import InterfaceError, OperationalError, transaction

from accounts.models import Account, AccountEvent, OrganizationalUnit
from governance.core import error_log
from governance.core.storable import make_text_storable

UPDATED_FIELDS = ["name", "status", "ou", "owners", "tags", "tags_gap", "joined_at", "vanished_at"]
BATCH_SIZE = 500
# An unreachable database is not the row's fault.
TRANSIENT_ERRORS = (OperationalError, InterfaceError)
MAX_ERROR_LENGTH = 160


def describe_write_error(error: Exception, doing: str) -> str:
    """The report about a row that can't be written; the error itself goes into the log."""
    id = error_log.log_error(error, doing)
    lines = str(error).strip().splitlines() or [""]
    return f"it can't be written: {make_text_storable(lines[0])[:MAX_ERROR_LENGTH] or type(error).__name__} (error {id} in the log)"


def write_unit(unit: OrganizationalUnit) -> str:
    """Write one OU. Returns why it can't be written, or an empty text."""
    try:
        with transaction.atomic():
            # In a savepoint: after a failed statement, PostgreSQL refuses the rest of the transaction.
            unit.save()
    except Exception as error:
        if isinstance(error, TRANSIENT_ERRORS):
            raise
        return describe_write_error(error, f"OU {unit.ou_id}")
    return ""


def write_accounts(
    new: Sequence[Account], changed: Sequence[Account], events: Sequence[AccountEvent]
) -> tuple[list[AccountEvent], dict[str, str]]:
    """Write accounts and events. Returns the events that happened, and account id -> why it can't be written."""
    if not (new or changed or events):
        return [], {}
    try:
        with transaction.atomic():
            Account.objects.bulk_create(new, batch_size=BATCH_SIZE)
            Account.objects.bulk_update(changed, UPDATED_FIELDS, batch_size=BATCH_SIZE)
            AccountEvent.objects.bulk_create(events, batch_size=BATCH_SIZE)
    except Exception as error:
        if isinstance(error, TRANSIENT_ERRORS):
            raise
        return write_one_by_one(new, changed, events)
    return list(events), {}


def write_one_by_one(
    new: Sequence[Account], changed: Sequence[Account], events: Iterable[AccountEvent]
) -> tuple[list[AccountEvent], dict[str, str]]:
    by_account: dict[str, list[AccountEvent]] = {}
    for event in events:
        by_account.setdefault(event.account.account_id, []).append(event)
    failed: dict[str, str] = {}
    # A bulk write fails as a whole and doesn't name the bad row.
    for account in (*map(copy_unsaved, new), *changed):
        try:
            with transaction.atomic():
                account.save(update_fields=UPDATED_FIELDS if account.pk else None)
                AccountEvent.objects.bulk_create(
                    AccountEvent(account=account, kind=event.kind, detail=event.detail)
                    for event in by_account.get(account.account_id, ())
                )
        except Exception as error:
            if isinstance(error, TRANSIENT_ERRORS):
                raise
            failed[account.account_id] = describe_write_error(error, f"account {account.account_id}")
    return [event for id, found in by_account.items() if id not in failed for event in found], failed


def copy_unsaved(account: Account) -> Account:
    """A copy without the id of the row that was rolled back."""
    fields = {name: getattr(account, name) for name in UPDATED_FIELDS}
    return Account(organization=account.organization, account_id=account.account_id, **fields)
