"""Does what another account's evidence says count in this scan? Pure: no Django, no boto3.

An outcome may rest on another account: the owner of a bucket, or the management account. Evidence of an account that
this scan did not read is old, and nobody knows whether it is still true, so it neither passes nor fails anything.
"""

from __future__ import annotations

from accounts.aws.gaps import ACCOUNTS_LIMITED, NOT_COLLECTED, OWNER_NOT_READ, Gap, GapKind
from scans.domain.control import Outcome, unknown
from scans.domain.evidence import GLOBAL, Context

NOT_READ_GAP = Gap(GapKind.NOT_READ, "sts.AssumeRole", "sts:AssumeRole", GLOBAL, OWNER_NOT_READ)
LEFT_OUT_GAP = Gap(GapKind.NOT_READ, "scan.Accounts", "", GLOBAL, ACCOUNTS_LIMITED)
NEVER_READ_GAP = Gap(GapKind.NOT_READ, "scan.Accounts", "", GLOBAL, NOT_COLLECTED)


def unknown_unless_read(context: Context, account: str, said: str) -> Outcome | None:
    """UNKNOWN where this account was not read in this scan; None where it was. said: what is not known therefore."""
    for held, why, gap in (
        (context.not_read, "was not read in this scan", NOT_READ_GAP),
        (context.left_out, "was not part of this scan", LEFT_OUT_GAP),
    ):
        if account in held:
            date = held[account][:16].replace("T", " ")
            last = f"what is known of it is of {date} UTC" if date else "no scan has ever read it"
            return unknown(f"{said} The account {account} {why}; {last}.", gap if date else NEVER_READ_GAP)
    return None
