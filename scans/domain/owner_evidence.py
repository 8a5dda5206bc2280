"""Decides whether another account's evidence counts in this scan. Pure: no Django, no boto3.

An outcome may depend on another account: the owner of a bucket, or the management account. If this scan did not read
that account, its evidence is old and may no longer be true, so the outcome is unknown.
"""

from __future__ import annotations

from accounts.aws.gaps import ACCOUNTS_LIMITED, NOT_COLLECTED, OWNER_NOT_READ, Gap, GapKind
from scans.domain.control import Outcome, unknown
from scans.domain.evidence import GLOBAL, Context

# Two kinds of absence: the first is a problem to report, the second is what the person who started the scan asked for.
NOT_READ_GAP = Gap(GapKind.NOT_READ, "sts.AssumeRole", "sts:AssumeRole", GLOBAL, OWNER_NOT_READ)
LEFT_OUT_GAP = Gap(GapKind.NOT_READ, "scan.Accounts", "", GLOBAL, ACCOUNTS_LIMITED)
NEVER_READ_GAP = Gap(GapKind.NOT_READ, "scan.Accounts", "", GLOBAL, NOT_COLLECTED)


def unknown_unless_read(context: Context, account: str, said: str) -> Outcome | None:
    """UNKNOWN if this account was not read in this scan; None if it was. said: what is unknown because of that."""
    for held, why, gap in (
        (context.not_read, "was not read in this scan", NOT_READ_GAP),
        (context.left_out, "was not part of this scan", LEFT_OUT_GAP),
    ):
        if account in held:
            date = held[account][:16].replace("T", " ")
            last = f"what is known of it is of {date} UTC" if date else "no scan has ever read it"
            return unknown(f"{said} The account {account} {why}; {last}.", gap if date else NEVER_READ_GAP)
    return None
