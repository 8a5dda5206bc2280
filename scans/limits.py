"""What a Scan of some regions leaves out: it says nothing of the others, good or bad. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapKind
from scans.control import Verdict
from scans.engine import Judged, unread
from scans.evidence import GLOBAL

LIMITED = "RegionsLimited"
Regions = frozenset[str] | None


def regions_read(asked: Mapping[str, Any], places: Iterable[tuple[str, str]]) -> Regions:
    """The regions of a Scan that was asked for some, by its (region, collector) pairs. None: it was asked for all."""
    return frozenset(region for region, _ in places) if asked.get("regions") else None


def is_limited(item: Judged, read: Regions) -> bool:
    """Unknown, if only in part, because a region was left out as asked."""
    unknown = read is not None and item.outcome.verdict is Verdict.UNKNOWN
    return unknown and any(is_left_out(gap, read) for gap in item.outcome.gaps)


def rest_of(item: Judged, read: Regions) -> Judged | None:
    """The same for what else hides it; None: nothing does."""
    rest = tuple(gap for gap in item.outcome.gaps if not is_left_out(gap, read))
    return replace(item, outcome=unread(rest)) if rest else None


def is_left_out(gap: Gap, read: Regions) -> bool:
    if read is None:
        return False
    elsewhere = gap.region != GLOBAL and gap.region not in read
    return gap.code == LIMITED or (gap.kind is GapKind.NOT_READ and gap.code == NOT_COLLECTED and elsewhere)
