"""Makes evidence storable before it is judged, and records what had to be replaced. Pure.

accounts.aws.reader has already cleaned the answers. But JSON inside an answer is decoded later and can hold values
that no database stores: a policy with \\ud83d in a name, a document with the number 1e999.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.aws.gaps import TEXT_REPLACED, TOO_DEEP, Gap, GapKind
from governance.core.storable import REPLACEMENT_MARK, TooDeepError, as_storable, make_text_storable
from scans.domain.evidence import Evidence, Resource


def make_storable(evidence: Evidence, replaced: Iterable[Gap] = ()) -> None:
    """Replace in place what databases can't store. replaced: what the reader already replaced in the answers."""
    found = dict.fromkeys(replaced)
    for resource in evidence.resources:
        for name, value in resource.facts.items():
            if not isinstance(value, Gap):
                resource.facts[name] = make_fact_storable(resource, name, value, found)
    make_arns_storable(evidence, found)
    evidence.replaced = sorted(found, key=lambda gap: (gap.api, gap.region))


def make_fact_storable(resource: Resource, name: str, value: object, found: dict[Gap, None]) -> object:
    place = f"{resource.type}.{name}"
    try:
        new = as_storable(value)
    except TooDeepError:
        return Gap(GapKind.MALFORMED, place, "", resource.region, TOO_DEEP)
    if new is not value:
        found[Gap(GapKind.REPLACED, place, "", resource.region, TEXT_REPLACED)] = None
    return new


def make_arns_storable(evidence: Evidence, found: dict[Gap, None]) -> None:
    """Clean the ARNs. One with a replaced part no longer identifies its resource, so its type gets a gap."""
    # Two ARNs can become equal by the replacement. Each further one gets one more mark, so no resource hides another.
    taken: set[tuple[str, str, str]] = set()
    for resource in evidence.resources:
        resource.arn = make_text_storable(resource.arn)
        if REPLACEMENT_MARK in resource.arn:
            gap = Gap(GapKind.REPLACED, f"{resource.type}.arn", "", resource.region, TEXT_REPLACED)
            found[gap] = None
            if gap not in evidence.gaps.get(resource.type, ()):
                evidence.record_gap(resource.type, gap)
            while (resource.type, resource.arn, resource.region) in taken:
                resource.arn += REPLACEMENT_MARK
            taken.add((resource.type, resource.arn, resource.region))
