"""The order in which the workflow's acts lock rows: accounts, the audit trail's end, then requests and tickets.

Every act that writes an audit row holds the trail's end until it commits. A scan writes its findings first, then takes
the same order. So no two of them can wait for each other, and a decision and a scan of an account in its scope take turns.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import Account
from exceptions.common.request_scope import accounts_in_scope
from exceptions.models import ExceptionRequest
from governance.core import audit


def lock_account(row: Account) -> None:
    """One account, in a transaction that changes its findings."""
    lock_accounts([row.pk])


def lock_scope(request: ExceptionRequest) -> None:
    """Every account that a request covers: until the decision commits, no scan of them does."""
    lock_accounts(accounts_in_scope(request).order_by().values_list("pk", flat=True))


def lock_accounts(ids: Iterable[int]) -> None:
    # no_key: rows that refer to the account may be added meanwhile; only changes of it wait.
    list(Account.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def lock_trail_end(why: str) -> None:
    """Before any request or ticket is locked or written."""
    audit.hold_trail_end(why)


def lock_request(pk: int) -> ExceptionRequest:
    """The row as it is now, for this transaction alone. Call trail() first."""
    rows = ExceptionRequest.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "organization", "requested_by", "on_behalf_of"
    )
    return rows.get(pk=pk)
