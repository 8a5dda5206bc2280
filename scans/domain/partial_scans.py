"""What a Scan of some regions or accounts leaves out: it says nothing of the others, good or bad. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from accounts.aws.gaps import ACCOUNTS_LIMITED, NOT_COLLECTED, Gap, GapKind
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome, make_unread_outcome
from scans.domain.evidence import GLOBAL, Evidence, Resource

REGIONS_LIMITED = "RegionsLimited"
# In a Target's counts: outcomes that rest on accounts that the Scan was asked to leave out. What was known stands.
LIMITED_BY_OTHERS = "of_others"
RegionLimit = frozenset[str] | None
# Facts that gather what names a resource, in whatever region that is.
GATHERED_FACTS = ("kinds", "fields", "used_by")


def regions_read(asked: Mapping[str, Any], places: Iterable[tuple[str, str]]) -> RegionLimit:
    """The regions of a Scan that was asked for some, by its (region, collector) pairs. None: it was asked for all."""
    return frozenset(region for region, _ in places) if asked.get("regions") else None


def is_limited(item: JudgedOutcome, read: RegionLimit) -> bool:
    """Unknown, if only in part, because a region or another account was left out as asked."""
    return item.outcome.verdict is Verdict.UNKNOWN and any(is_left_out_gap(gap, read) for gap in item.outcome.gaps)


def is_limited_by_others(item: JudgedOutcome) -> bool:
    """Limited because other accounts were left out: its own place was seen whole."""
    return any(gap.code == ACCOUNTS_LIMITED for gap in item.outcome.gaps)


def drop_left_out_gaps(item: JudgedOutcome, read: RegionLimit) -> JudgedOutcome | None:
    """The same for what else hides it; None: nothing does."""
    rest = tuple(gap for gap in item.outcome.gaps if not is_left_out_gap(gap, read))
    return replace(item, outcome=make_unread_outcome(rest)) if rest else None


def is_left_out_gap(gap: Gap, read: RegionLimit) -> bool:
    if gap.code == ACCOUNTS_LIMITED:
        return True
    if read is None:
        return False
    elsewhere = gap.region != GLOBAL and gap.region not in read
    return gap.code == REGIONS_LIMITED or (gap.kind is GapKind.NOT_READ and gap.code == NOT_COLLECTED and elsewhere)


def counts_as_missing(gap: Mapping[str, str]) -> bool:
    """Of a stored gap: one that somebody asked for (scan --region) is not a part that could not be read."""
    return not (gap["kind"] == GapKind.NOT_READ and gap["code"] == REGIONS_LIMITED)


def is_partial_evidence(evidence: Evidence) -> bool:
    """Does it tell only what the regions that were asked for point at?"""
    return any(gap.code == REGIONS_LIMITED for gaps in evidence.gaps.values() for gap in gaps)


def complete_from_held(part: Evidence, held: Evidence, read: Collection[str]) -> Evidence:
    """A part, and what was known before of the rest: nobody looked whether that has changed.

    read: the regions that the part rests on. What they no longer name stays until the whole is read."""
    was = {(each.type, each.arn, each.region): each for each in held.resources}
    found = [merge_gathered_facts(each, was.pop((each.type, each.arn, each.region), None)) for each in part.resources]
    gaps = {type: list(items) for type, items in part.gaps.items()}
    for type, items in held.gaps.items():
        known = gaps.setdefault(type, [])
        known += [gap for gap in items if gap.region not in read and gap not in known]
    return replace(
        part,
        resources=[*found, *was.values()],
        gaps={type: items for type, items in gaps.items() if items},
        replaced=list(dict.fromkeys([*part.replaced, *held.replaced])),
    )


def merge_gathered_facts(found: Resource, was: Resource | None) -> Resource:
    """As it was found, with what named it before."""
    more = {}
    for name in GATHERED_FACTS:
        new, old = found.facts.get(name), was.facts.get(name) if was else None
        if isinstance(new, list) and isinstance(old, list):
            more[name] = sorted({*new, *old})
    return replace(found, facts={**found.facts, **more})
