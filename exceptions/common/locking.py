"""The locks of the workflow, and their order.

1. the accounts in scope, by row id;
2. the end of the audit trail;
3. requests and tickets, by row id.

Every act that writes an audit row holds the trail's end until it commits. A scan writes its findings first, then takes
the same order. So no two acts deadlock, and a decision and a scan of an account in its scope take turns.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import Account
from exceptions.common.request_scope import accounts_in_scope
from exceptions.models import ExceptionRequest
from governance.core import audit


def lock_account(row: Account) -> None:
    """Lock one account, in a transaction that changes its findings."""
    lock_accounts([row.pk])


def lock_scope(request: ExceptionRequest) -> None:
    """Lock every account that a request covers: no scan of them commits before the decision does."""
    lock_accounts(accounts_in_scope(request).order_by().values_list("pk", flat=True))


def lock_accounts(ids: Iterable[int]) -> None:
    # no_key: rows that refer to the account can still be added; only changes of the account wait.
    # order_by: two decisions whose scopes overlap take the same accounts in the same order.
    list(Account.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def lock_trail_end(why: str) -> None:
    """Call this before any request or ticket is locked or written."""
    audit.hold_trail_end(why)


def lock_request(pk: int) -> ExceptionRequest:
    """Read the row as it is now and lock it. Call lock_trail_end first."""
    # of self: the joined organization and users stay free; other acts write to them.
    rows = ExceptionRequest.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "organization", "requested_by", "on_behalf_of"
    )
    return rows.get(pk=pk)
