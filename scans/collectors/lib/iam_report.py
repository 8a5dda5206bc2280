"""The rows of IAM's credential report. Pure."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from scans.collectors.lib.strict_answers import ShapeError, instant

ROOT = "<root_account>"
NEVER = frozenset({"", "N/A", "no_information", "not_supported"})


@dataclass(frozen=True, slots=True)
class Report:
    root: dict[str, Any] | None  # None: the report has no row of the root user, or several
    users: dict[str, dict[str, Any]]  # ARN -> facts


def parse(content: Any) -> Report:
    """Facts of the root user and of each user. An AWS report always has the root user's row; where it is missing
    only the root user isn't known (an emulator of AWS leaves it out)."""
    try:
        table = csv.DictReader(io.StringIO(content.decode() if isinstance(content, bytes) else content))
        rows = list(table)
    except (AttributeError, TypeError, UnicodeDecodeError, csv.Error):
        raise ShapeError("not a credential report") from None
    if not {"user", "arn"} <= set(table.fieldnames or ()):
        raise ShapeError("not a credential report")
    roots = [row for row in rows if row.get("user") == ROOT]
    users = {cell(row, "arn"): user_facts(row) for row in rows if row.get("user") != ROOT}
    return Report(root_facts(roots[0]) if len(roots) == 1 else None, users)


def root_facts(row: dict[str, str]) -> dict[str, Any]:
    used = [made for key in keys(row) if (made := key["last_used"])]
    password_enabled = cell(row, "password_enabled")
    keys_active = any(key["active"] for key in keys(row))
    return {
        "password_last_used": time(row, "password_last_used"),
        "keys_last_used": max(used, default=None),
        # The report says "false" once root credentials were removed centrally, else not_supported.
        "credentials_present": password_enabled.lower() != "false" or keys_active,
    }


def user_facts(row: dict[str, str]) -> dict[str, Any]:
    return {
        "name": cell(row, "user"),
        "created": time(row, "user_creation_time"),
        "password_enabled": truth(row, "password_enabled"),
        "mfa_active": truth(row, "mfa_active"),
        "password_last_used": time(row, "password_last_used"),
        "password_last_changed": time(row, "password_last_changed"),
        "keys": keys(row),
    }


def keys(row: dict[str, str]) -> list[dict[str, Any]]:
    """The access keys that exist: a slot without a key is inactive and was never rotated."""
    found = [
        {
            "active": truth(row, f"access_key_{slot}_active"),
            "last_rotated": time(row, f"access_key_{slot}_last_rotated"),
            "last_used": time(row, f"access_key_{slot}_last_used_date"),
        }
        for slot in (1, 2)
    ]
    return [key for key in found if key["active"] or key["last_rotated"]]


def cell(row: dict[str, str], name: str) -> str:
    found = row.get(name)
    if not isinstance(found, str):
        raise ShapeError(f"the report lacks {name}")
    return found


def truth(row: dict[str, str], name: str) -> bool:
    found = cell(row, name).lower()
    if found not in {"true", "false", "not_supported", "n/a"}:
        raise ShapeError(f"{name} is neither true nor false")
    return found == "true"


def time(row: dict[str, str], name: str) -> str | None:
    found = cell(row, name)
    return None if found in NEVER else instant(found)
