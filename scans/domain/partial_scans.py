"""Handles Scans of some regions or accounts: they say nothing about the others, good or bad. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from accounts.aws.gaps import ACCOUNTS_LIMITED, NOT_COLLECTED, OWNER_ONLY, Gap, GapKind
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome, make_unread_outcome
from scans.domain.evidence import GLOBAL, Evidence, Resource

REGIONS_LIMITED = "RegionsLimited"
# A key in a Target's counts: outcomes that depend on accounts outside the Scan. What was known about them stays.
LIMITED_BY_OTHERS = "of_others"
RegionLimit = frozenset[str] | None
# Facts that list the settings that name a resource. A Scan of some regions sees only a part of these lists.
GATHERED_FACTS = ("kinds", "fields", "used_by")


def regions_read(asked: Mapping[str, Any], places: Iterable[tuple[str, str]]) -> RegionLimit:
    """The regions that a limited Scan read, from its (region, collector) pairs. None: it was not limited."""
    return frozenset(region for region, _ in places) if asked.get("regions") else None


def is_limited(item: JudgedOutcome, read: RegionLimit) -> bool:
    """Whether the outcome is unknown, at least in part, because the Scan left out a region or an account."""
    return item.outcome.verdict is Verdict.UNKNOWN and any(is_left_out_gap(gap, read) for gap in item.outcome.gaps)


def is_limited_by_others(item: JudgedOutcome) -> bool:
    """Whether it is limited because other accounts were left out. Its own place was read completely."""
    return any(gap.code == ACCOUNTS_LIMITED for gap in item.outcome.gaps)


def drop_left_out_gaps(item: JudgedOutcome, read: RegionLimit) -> JudgedOutcome | None:
    """The outcome with its other gaps only. None: it has no other gaps."""
    rest = tuple(gap for gap in item.outcome.gaps if not is_left_out_gap(gap, read))
    return replace(item, outcome=make_unread_outcome(rest)) if rest else None


def is_left_out_gap(gap: Gap, read: RegionLimit) -> bool:
    if gap.code == ACCOUNTS_LIMITED:
        return True
    if read is None:
        return False
    # NOT_COLLECTED in a region that was read is a real gap: a collector failed there, or is newer than the evidence.
    elsewhere = gap.region != GLOBAL and gap.region not in read
    return gap.code == REGIONS_LIMITED or (gap.kind is GapKind.NOT_READ and gap.code == NOT_COLLECTED and elsewhere)


def counts_as_missing(gap: Mapping[str, str]) -> bool:
    """Whether a stored gap counts as unreadable.

    What was asked for (scan --region) doesn't, nor does what AWS answers to another account, which is read there."""
    return not (gap["kind"] == GapKind.NOT_READ and gap["code"] in (REGIONS_LIMITED, OWNER_ONLY))


def is_partial_evidence(evidence: Evidence) -> bool:
    """Whether it holds only what the requested regions point at."""
    return any(gap.code == REGIONS_LIMITED for gaps in evidence.gaps.values() for gap in gaps)


def complete_from_held(part: Evidence, held: Evidence, read: Collection[str]) -> Evidence:
    """Partial evidence, completed with what was known before about the rest.

    read: the regions that the partial evidence covers. A resource that they no longer name stays until a Scan reads
    every region, because a region that was not read may still name it.
    """
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
    """The resource as found, with the names that earlier evidence gathered for it."""
    more = {}
    for name in GATHERED_FACTS:
        new, old = found.facts.get(name), was.facts.get(name) if was else None
        if isinstance(new, list) and isinstance(old, list):
            more[name] = sorted({*new, *old})
    return replace(found, facts={**found.facts, **more})
