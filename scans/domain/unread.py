"""Lists refused calls that left outcomes unknown but are no gap in the evidence itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accounts.aws.gaps import Gap, GapKind
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome
from scans.domain.evidence import Context, decode_evidence
from scans.domain.other_accounts import NOT_READ_GAP


def list_blocking_gaps(judged: Iterable[JudgedOutcome], foreign: frozenset[Gap] = frozenset()) -> list[Gap]:
    """The gaps that left outcomes unknown. foreign: gaps of other accounts, which are reported there."""
    # Some gaps show only in outcomes: S3 denies HeadBucket alike for a bucket of another member and of a stranger, and
    # which one it is becomes clear only after all accounts were read.
    # NOT_READ means that this scan did not ask, which is no refusal, unless the owner itself could not be read.
    unknown = (item.outcome.gaps for item in judged if item.outcome.verdict is Verdict.UNKNOWN)
    found = dict.fromkeys(gap for gaps in unknown for gap in gaps)
    return [gap for gap in found if (gap.kind is not GapKind.NOT_READ or gap == NOT_READ_GAP) and gap not in foreign]


def list_foreign_gaps(context: Context) -> frozenset[Gap]:
    """The gaps in evidence of other accounts: of owners of buckets and trails, of administrators, of the management
    account for root credentials."""
    found = {gap for held in context.shared_buckets.values() for gap in decode_evidence(held["evidence"]).all_gaps()}
    found |= {gap for parts in context.others.values() for part in parts for gap in part.all_gaps()}
    return frozenset(found | ({context.root_managed} if isinstance(context.root_managed, Gap) else set()))


def add_blocking_gaps(gaps: Iterable[Mapping[str, str]], more: Iterable[Gap]) -> list[dict[str, str]]:
    """A Target's gaps together with these, without duplicates."""
    held = [dict(gap) for gap in gaps]
    return held + [gap.as_dict() for gap in more if gap.as_dict() not in held]
