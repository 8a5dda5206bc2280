"""Which refused calls left something unknown, beyond what the evidence itself says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accounts.aws.gaps import Gap, GapKind
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome
from scans.domain.evidence import Context, decode_evidence
from scans.domain.owner_evidence import NOT_READ_GAP


def list_blocking_gaps(judged: Iterable[JudgedOutcome], foreign: frozenset[Gap] = frozenset()) -> list[Gap]:
    """The gaps for which outcomes are unknown. Some show only here: S3 refuses to look at a stranger's bucket and
    at a sister account's alike, and which of the two it is, is known when all accounts were read.

    What this scan didn't ask for was not refused; an owner that could not be read was. foreign: gaps of other accounts, which are said of those."""
    unknown = (item.outcome.gaps for item in judged if item.outcome.verdict is Verdict.UNKNOWN)
    found = dict.fromkeys(gap for gaps in unknown for gap in gaps)
    return [gap for gap in found if (gap.kind is not GapKind.NOT_READ or gap == NOT_READ_GAP) and gap not in foreign]


def list_foreign_gaps(context: Context) -> frozenset[Gap]:
    """The gaps in what other accounts tell: owners of their buckets, the management account of root credentials."""
    told = {gap for held in context.shared_buckets.values() for gap in decode_evidence(held["evidence"]).all_gaps()}
    return frozenset(told | ({context.root_managed} if isinstance(context.root_managed, Gap) else set()))


def add_blocking_gaps(gaps: Iterable[Mapping[str, str]], more: Iterable[Gap]) -> list[dict[str, str]]:
    """A Target's gaps and these, each once."""
    held = [dict(gap) for gap in gaps]
    return held + [gap.as_dict() for gap in more if gap.as_dict() not in held]
