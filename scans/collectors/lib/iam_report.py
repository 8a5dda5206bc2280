"""Parses IAM's credential report into facts. Pure."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from scans.collectors.lib.strict_answers import ShapeError, parse_instant

ROOT_USER = "<root_account>"
# IAM's spellings of "no such time"; which one it uses depends on the column and on the user.
ABSENT_TIMES = frozenset({"", "N/A", "no_information", "not_supported"})


@dataclass(frozen=True, slots=True)
class CredentialReport:
    root: dict[str, Any] | None  # None: the report has no row of the root user, or several
    users: dict[str, dict[str, Any]]  # ARN -> facts


def parse_credential_report(content: Any) -> CredentialReport:
    """The facts of the root user and of each user. AWS's report always has the root user's row; if it is missing (as in
    an emulator of AWS), only the root user is unknown."""
    try:
        table = csv.DictReader(io.StringIO(content.decode() if isinstance(content, bytes) else content))
        rows = list(table)
    except (AttributeError, TypeError, UnicodeDecodeError, csv.Error):
        raise ShapeError("not a credential report") from None
    if not {"user", "arn"} <= set(table.fieldnames or ()):
        raise ShapeError("not a credential report")
    roots = [row for row in rows if row.get("user") == ROOT_USER]
    users = {read_column(row, "arn"): parse_user_row(row) for row in rows if row.get("user") != ROOT_USER}
    return CredentialReport(parse_root_row(roots[0]) if len(roots) == 1 else None, users)


def parse_root_row(row: dict[str, str]) -> dict[str, Any]:
    used = [made for key in list_access_keys(row) if (made := key["last_used"])]
    password_enabled = read_column(row, "password_enabled")
    keys_active = any(key["active"] for key in list_access_keys(row))
    return {
        "password_last_used": read_time_column(row, "password_last_used"),
        "keys_last_used": max(used, default=None),
        # The report has "false" after root credentials were removed centrally, otherwise not_supported.
        "credentials_present": password_enabled.lower() != "false" or keys_active,
    }


def parse_user_row(row: dict[str, str]) -> dict[str, Any]:
    return {
        "name": read_column(row, "user"),
        "created": read_time_column(row, "user_creation_time"),
        "password_enabled": read_boolean_column(row, "password_enabled"),
        "mfa_active": read_boolean_column(row, "mfa_active"),
        "password_last_used": read_time_column(row, "password_last_used"),
        "password_last_changed": read_time_column(row, "password_last_changed"),
        "keys": list_access_keys(row),
    }


def list_access_keys(row: dict[str, str]) -> list[dict[str, Any]]:
    """The existing access keys. A slot without a key is inactive and has no rotation time."""
    found = [
        {
            "active": read_boolean_column(row, f"access_key_{slot}_active"),
            "last_rotated": read_time_column(row, f"access_key_{slot}_last_rotated"),
            "last_used": read_time_column(row, f"access_key_{slot}_last_used_date"),
        }
        for slot in (1, 2)
    ]
    return [key for key in found if key["active"] or key["last_rotated"]]


def read_column(row: dict[str, str], name: str) -> str:
    found = row.get(name)
    if not isinstance(found, str):
        raise ShapeError(f"the report lacks {name}")
    return found


def read_boolean_column(row: dict[str, str], name: str) -> bool:
    found = read_column(row, name).lower()
    if found not in {"true", "false", "not_supported", "n/a"}:
        raise ShapeError(f"{name} is neither true nor false")
    return found == "true"


def read_time_column(row: dict[str, str], name: str) -> str | None:
    found = read_column(row, name)
    return None if found in ABSENT_TIMES else parse_instant(found)
