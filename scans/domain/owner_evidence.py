"""Decides whether another account's evidence counts in this scan. Pure: no Django, no boto3.

An outcome may depend on another account: the owner of a bucket, or the management account. If this scan did not read
that account, its evidence is old and may no longer be true, so the outcome is unknown.
"""

from __future__ import annotations

from scans.domain.control import Outcome, unknown
from scans.domain.evidence import Context
from scans.domain.other_accounts import LEFT_OUT_GAP, NEVER_READ_GAP, NOT_READ_GAP, explain_unread_account

__all__ = ["LEFT_OUT_GAP", "NEVER_READ_GAP", "NOT_READ_GAP", "unknown_unless_read"]


def unknown_unless_read(context: Context, account: str, said: str) -> Outcome | None:
    """UNKNOWN if this account was not read in this scan; None if it was. said: what is unknown because of that."""
    doubt = explain_unread_account(context, account)
    return None if doubt is None else unknown(f"{said} {doubt[0]}", doubt[1])
