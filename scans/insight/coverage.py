"""Computes how much of an account was read: by region and collector, with what is missing and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.domain.evidence import GLOBAL, Evidence
from scans.domain.regions import is_region_enabled

REGIONS_NOT_KNOWN = "regions not known"
ABSENT_KINDS = frozenset({GapKind.UNSUPPORTED, GapKind.NOT_OPTED_IN})


class ReadingState(StrEnum):
    """The state of a reading, which is one collector in one region of one account.

    COMPLETE: every request was answered. PARTIAL: some of it could not be read. NOT_APPLICABLE: the region is not
    enabled, or the service isn't available there. NEVER_READ: no scan has read it.
    """

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOT_APPLICABLE = "not_applicable"
    NEVER_READ = "never_read"


@dataclass(frozen=True, slots=True)
class MissingPart:
    """A missing part of a reading, and why. types: resource types, or their facts as type.fact.

    types is empty if only judging showed that something is missing.
    """

    gap: Gap
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CollectorReading:
    """One collector in one region of one account. current: the latest scan read it. Otherwise the evidence is older."""

    account: str
    region: str
    collector: str
    state: ReadingState
    missing: tuple[MissingPart, ...] = ()
    why: str = ""
    current: bool = True


def assess_evidence(evidence: Evidence) -> tuple[ReadingState, tuple[MissingPart, ...]]:
    """The state of a reading and its missing parts."""
    # If every gap says that the service isn't there, there is nothing to read. Any other gap makes the reading partial.
    by_gap: dict[Gap, list[str]] = {}
    for type, gaps in evidence.gaps.items():
        for gap in gaps:
            by_gap.setdefault(gap, []).append(type)
    for resource in evidence.resources:
        for name, value in resource.facts.items():
            if isinstance(value, Gap):
                by_gap.setdefault(value, []).append(f"{resource.type}.{name}")
    for gap in evidence.replaced:
        by_gap.setdefault(gap, [])
    missing = tuple(MissingPart(gap, tuple(dict.fromkeys(types))) for gap, types in by_gap.items())
    if not missing:
        return ReadingState.COMPLETE, ()
    if all(item.gap.kind in ABSENT_KINDS for item in missing):
        return ReadingState.NOT_APPLICABLE, missing
    return ReadingState.PARTIAL, missing


def list_readings(
    account: str,
    statuses: Mapping[str, str],
    scopes: Mapping[str, str],
    evidences: Mapping[tuple[str, str], Evidence],
    current: frozenset[tuple[str, str]] | set[tuple[str, str]],
) -> list[CollectorReading]:
    """Every expected reading of one account, sorted by region and collector.

    statuses: region -> its status in AWS. If it is empty, the regions are unknown: those that were read are listed, or
    one placeholder for all of them.
    scopes: collector -> "global" or "region". evidences: the latest of each. current: those of the latest scan.
    """
    found = []
    for region, collector in list_expected_readings(statuses, scopes, evidences):
        held = evidences.get((region, collector))
        if held is not None:
            state, missing = assess_evidence(held)
            why = "" if state is not ReadingState.NOT_APPLICABLE else "The service is not available here."
            is_current = (region, collector) in current
            found.append(CollectorReading(account, region, collector, state, missing, why, is_current))
        elif region != GLOBAL and not is_region_enabled(statuses.get(region, "ENABLED")):
            why = "The region is not enabled for the account."
            found.append(CollectorReading(account, region, collector, ReadingState.NOT_APPLICABLE, (), why))
        else:
            why = "No scan has read it."
            found.append(CollectorReading(account, region, collector, ReadingState.NEVER_READ, (), why, current=False))
    return found


def add_judged_gaps(
    lines: Iterable[CollectorReading], gaps: Iterable[Gap], callers: Mapping[str, Iterable[str]]
) -> list[CollectorReading]:
    """Add gaps of the latest scan that only judging showed, and that the evidence itself doesn't have.

    callers: API call -> the collectors that make it."""
    held = list(lines)
    known = {item.gap for line in held for item in line.missing}
    unknown = [gap for gap in gaps if gap not in known]
    return [
        mark_reading_partial(line, [gap for gap in unknown if is_gap_of_reading(line, gap, callers)]) for line in held
    ]


def is_gap_of_reading(line: CollectorReading, gap: Gap, callers: Mapping[str, Iterable[str]]) -> bool:
    return line.current and line.region == gap.region and line.collector in callers.get(gap.api, ())


def mark_reading_partial(line: CollectorReading, gaps: list[Gap]) -> CollectorReading:
    if not gaps:
        return line
    return replace(line, state=ReadingState.PARTIAL, missing=(*line.missing, *(MissingPart(gap, ()) for gap in gaps)))


def list_expected_readings(
    statuses: Mapping[str, str], scopes: Mapping[str, str], evidences: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    held = set(evidences)
    regions = {*statuses, *(region for region, _ in held)} - {GLOBAL} or {REGIONS_NOT_KNOWN}
    places = {(GLOBAL, name) for name, scope in scopes.items() if scope == GLOBAL}
    places |= {(region, name) for region in regions for name, scope in scopes.items() if scope != GLOBAL}
    yield from sorted(places | held)


@dataclass(frozen=True, slots=True)
class ReadingTotals:
    """How many readings have each state."""

    complete: int = 0
    partial: int = 0
    not_applicable: int = 0
    never_read: int = 0

    @property
    def all(self) -> int:
        """The readings where there is something to read."""
        return self.complete + self.partial + self.never_read

    @property
    def percent(self) -> int | None:
        """The percentage of complete readings. None: there is nothing to read."""
        # Rounded down, so that 100 % always means everything.
        return 100 * self.complete // self.all if self.all else None

    def __add__(self, other: ReadingTotals) -> ReadingTotals:
        return ReadingTotals(
            self.complete + other.complete,
            self.partial + other.partial,
            self.not_applicable + other.not_applicable,
            self.never_read + other.never_read,
        )


def count_readings(lines: Iterable[CollectorReading]) -> ReadingTotals:
    counts = Counter(str(line.state) for line in lines)
    return ReadingTotals(**counts)


def estimate_totals(
    statuses: Mapping[str, str], scopes: Mapping[str, str], read: Mapping[str, int], failed: Iterable[tuple[str, str]]
) -> ReadingTotals:
    """An account's totals without loading its evidence, for sums over an organization.

    read: region -> how many collectors were read there. failed: the (region, collector) pairs whose own calls failed.
    A gap counts where it arose, not again in collectors that build on it.
    """
    # Opening the evidence of every account is too slow for a page over the organization, so counts must do. The
    # account's own page counts from its evidence (docs/scores.md).
    regional = sum(scope != GLOBAL for scope in scopes.values())
    enabled = {region for region, status in statuses.items() if is_region_enabled(status)} or set(read) - {GLOBAL}
    disabled = len(set(statuses) - enabled)
    enabled = enabled or {REGIONS_NOT_KNOWN}
    there = len(scopes) - regional + regional * len(enabled)
    seen = min(there, sum(n for region, n in read.items() if region == GLOBAL or region in enabled))
    partial = min(seen, len({place for place in failed if place[0] == GLOBAL or place[0] in enabled}))
    return ReadingTotals(seen - partial, partial, regional * disabled, there - seen)


def build_reading_row(line: CollectorReading) -> dict[str, Any]:
    """A row to export. missing: [{what, api, action, region, code, why, what_to_do}]."""
    return {
        "account": line.account,
        "region": line.region,
        "collector": line.collector,
        "state": str(line.state),
        "current": line.current,
        "why": line.why,
        "missing": [{"what": list(item.types), **item.gap.as_public_dict()} for item in line.missing],
    }


READING_COLUMNS = ("account", "region", "collector", "state", "current", "why", "missing")
