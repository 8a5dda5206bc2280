"""Compares the outcomes of two scans for one Account. Pure: no Django, no boto3.

Only places that both scans judged are compared. What only one of them read is not a difference, because it is unknown
whether anything changed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome, select_judged_facts
from scans.domain.evidence import World

Identity = tuple[str, str, str, str]
ControlPlace = tuple[str, str]  # (control id, region)
ABSENT_FACT: Any = object()


class DifferenceKind(StrEnum):
    """APPEARED: fails now and didn't before. WENT_UNKNOWN: known before, unknown now. FIXED: passes now.
    LAPSED: the control no longer applies. VANISHED: the resource is gone. BECAME_KNOWN: unknown before, known now.
    CHANGED: still fails, with other facts."""

    APPEARED = "appeared"
    WENT_UNKNOWN = "went_unknown"
    FIXED = "fixed"
    LAPSED = "lapsed"
    VANISHED = "vanished"
    BECAME_KNOWN = "became_known"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FactChange:
    """One changed value of a fact.

    path: the fact's name and the keys inside it, such as encryption.key. there: on which side the value exists:
    "before", "after" or "both". The other side is None.
    """

    path: str
    before: Any
    after: Any
    there: str = "both"


@dataclass(frozen=True, slots=True)
class ComparisonSide:
    """One of the two scans: its outcomes, the places that were judged, those that were listed completely, the evidence.

    left_out: outcomes that this scan left out on purpose. They never count as a difference."""

    outcomes: Mapping[Identity, JudgedOutcome]
    places: frozenset[ControlPlace]
    complete: frozenset[ControlPlace]
    worlds: Mapping[Identity, World]
    left_out: frozenset[Identity] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. The verdict and reason of a side without an outcome are empty."""

    kind: DifferenceKind
    control: str
    account: str
    region: str
    resource: str
    before: str
    after: str
    reason_before: str
    reason_after: str
    facts: tuple[FactChange, ...]


def list_differences(before: ComparisonSide, after: ComparisonSide) -> Iterator[Difference]:
    """The differences of one Account, sorted by kind and control."""
    shared = before.places & after.places
    found = [
        difference
        for identity in sorted((before.outcomes.keys() | after.outcomes.keys()) - before.left_out - after.left_out)
        if (identity[0], identity[2]) in shared and (difference := find_difference(identity, before, after))
    ]
    order = list(DifferenceKind)
    yield from sorted(found, key=lambda d: (order.index(d.kind), d.control, d.region, d.resource))


def find_difference(identity: Identity, before: ComparisonSide, after: ComparisonSide) -> Difference | None:
    was, now = before.outcomes.get(identity), after.outcomes.get(identity)
    facts = (
        tuple(list_fact_changes(collect_judged_facts(was, before), collect_judged_facts(now, after)))
        if was and now
        else ()
    )
    kind = classify_difference(was, now, listed=(identity[0], identity[2]) in after.complete, changed=bool(facts))
    if kind is None:
        return None
    control, account, region, resource = identity
    return Difference(
        kind,
        control,
        account,
        region,
        resource,
        format_verdict(was),
        format_verdict(now),
        was.outcome.reason if was else "",
        now.outcome.reason if now else "",
        facts,
    )


def classify_difference(
    was: JudgedOutcome | None, now: JudgedOutcome | None, *, listed: bool, changed: bool
) -> DifferenceKind | None:
    """listed: the place is listed completely now, so a resource without an outcome is gone."""
    # The order of the cases matters: unknown on either side is decided first, so that it never counts as fixed or new.
    match was and was.outcome.verdict, now and now.outcome.verdict:
        case Verdict.UNKNOWN, Verdict.UNKNOWN:
            return None
        case _, Verdict.UNKNOWN:
            return DifferenceKind.WENT_UNKNOWN
        case Verdict.UNKNOWN, None:
            # An unknown about the place is replaced by outcomes of the resources in it.
            return (
                (DifferenceKind.BECAME_KNOWN if was and was.about_place else DifferenceKind.VANISHED)
                if listed
                else None
            )
        case Verdict.UNKNOWN, _:
            return DifferenceKind.BECAME_KNOWN
        case Verdict.FAIL, Verdict.FAIL:
            return DifferenceKind.CHANGED if changed else None
        case _, Verdict.FAIL:
            return DifferenceKind.APPEARED
        case Verdict.FAIL, Verdict.PASS:
            return DifferenceKind.FIXED
        case Verdict.FAIL, Verdict.NOT_APPLICABLE:
            return DifferenceKind.LAPSED
        case Verdict.FAIL, None:
            return DifferenceKind.VANISHED if listed else DifferenceKind.WENT_UNKNOWN
    return None


def format_verdict(judged: JudgedOutcome | None) -> str:
    return str(judged.outcome.verdict) if judged else ""


def collect_judged_facts(judged: JudgedOutcome, look: ComparisonSide) -> dict[str, Any]:
    """The facts of the resource that the control may read."""
    return select_judged_facts(judged, look.worlds[judged.identity])


def list_fact_changes(before: Mapping[str, Any], after: Mapping[str, Any], under: str = "") -> Iterator[FactChange]:
    """The changes key by key, also inside mappings. A list and a gap each count as one value."""
    # Lists come from AWS in any order and length; comparing them by position would report every later item as changed.
    for name in sorted(before.keys() | after.keys()):
        path = f"{under}{name}"
        old, new = before.get(name, ABSENT_FACT), after.get(name, ABSENT_FACT)
        if old == new:
            continue
        if is_nested(old) and is_nested(new):
            yield from list_fact_changes(old, new, f"{path}.")
        elif old is ABSENT_FACT:
            yield FactChange(path, None, new, "after")
        elif new is ABSENT_FACT:
            yield FactChange(path, old, None, "before")
        else:
            yield FactChange(path, old, new)


def is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) and "$gap" not in value
