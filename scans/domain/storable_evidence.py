"""Makes evidence storable before anything is judged by it, and says what had to be replaced. Pure.

Answers come without odd text (accounts.aws.reader). What they quote is decoded later, and may hold some: a policy with
\\ud83d in a name, a document with the number 1e999.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.aws.gaps import TEXT_REPLACED, TOO_DEEP, Gap, GapKind
from governance.core.storable import MARK, TooDeepError, storable, storable_text
from scans.domain.evidence import Evidence, Resource


def make_storable(evidence: Evidence, replaced: Iterable[Gap] = ()) -> None:
    """Replace in place what no database keeps. replaced: what the reader replaced in the answers already."""
    found = dict.fromkeys(replaced)
    for resource in evidence.resources:
        for name, value in resource.facts.items():
            if not isinstance(value, Gap):
                resource.facts[name] = kept(resource, name, value, found)
    name_resources(evidence, found)
    evidence.replaced = sorted(found, key=lambda gap: (gap.api, gap.region))


def kept(resource: Resource, name: str, value: object, found: dict[Gap, None]) -> object:
    place = f"{resource.type}.{name}"
    try:
        new = storable(value)
    except TooDeepError:
        return Gap(GapKind.MALFORMED, place, "", resource.region, TOO_DEEP)
    if new is not value:
        found[Gap(GapKind.REPLACED, place, "", resource.region, TEXT_REPLACED)] = None
    return new


def name_resources(evidence: Evidence, found: dict[Gap, None]) -> None:
    """ARNs are identities: of one with a mark it isn't known which resource it is, nor whether it is the only one."""
    taken: set[tuple[str, str, str]] = set()
    for resource in evidence.resources:
        resource.arn = storable_text(resource.arn)
        if MARK in resource.arn:
            gap = Gap(GapKind.REPLACED, f"{resource.type}.arn", "", resource.region, TEXT_REPLACED)
            found[gap] = None
            if gap not in evidence.gaps.get(resource.type, ()):
                evidence.miss(resource.type, gap)
            while (resource.type, resource.arn, resource.region) in taken:
                resource.arn += MARK
            taken.add((resource.type, resource.arn, resource.region))
