"""Lists the principals that a resource policy's statement names."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from scans.controls.lib.iam_policies.model import Statement

ACCOUNT = re.compile(r"\d{12}")
# AWS replaces the ARN of a deleted principal by its unique id, which no principal has any more.
UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,}")


def list_open_principals(statement: Statement) -> tuple[str, ...]:
    """The principals of a statement that include everyone: a star, or an Allow for everyone except some."""
    if statement.not_principals is not None:
        return ("everyone but " + ", ".join(value for _, value in statement.not_principals),)
    return tuple(value for kind, value in statement.principals or () if value == "*" and kind != "Service")


def is_everyone(statement: Statement) -> bool:
    """Whether it names the principal "*", in either spelling."""
    return any(kind in ("*", "AWS") and value == "*" for kind, value in statement.principals or ())


def list_named_accounts(statement: Statement) -> tuple[str, ...]:
    """Ids of the accounts that the principals of a statement belong to, once each."""
    accounts = (_parse_principal_account(value) for value in _list_account_principals(statement))
    return tuple(dict.fromkeys(account for account in accounts if account))


def list_foreign_accounts(statement: Statement, known: AbstractSet[str]) -> tuple[str, ...]:
    return tuple(account for account in list_named_accounts(statement) if account not in known)


def list_unknown_principals(statement: Statement) -> tuple[str, ...]:
    """Principals whose account the text doesn't show, such as a canonical user or a public identity provider. Deleted
    principals don't count. Of a pattern in the place of a service, AWS doesn't say what it admits."""
    services = (v for kind, v in statement.principals or () if kind == "Service" and "*" in v)
    return (
        *(
            v
            for v in _list_account_principals(statement)
            if v != "*" and not _parse_principal_account(v) and not UNIQUE_ID.fullmatch(v)
        ),
        *services,
    )


def _list_account_principals(statement: Statement) -> list[str]:
    """Principals that belong to some account: all but services and a bare star."""
    return [value for kind, value in statement.principals or () if kind not in ("Service", "*")]


def _parse_principal_account(value: str) -> str:
    if ACCOUNT.fullmatch(value):
        return value
    fields = value.split(":")
    return fields[4] if len(fields) >= 6 and ACCOUNT.fullmatch(fields[4]) else ""
