"""With whom this account's parameters are shared: one call in each region, a second where any is."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.strict_answers import each, fact, miss, text
from scans.domain.collector import Call, Collector, Reader, Seen
from scans.domain.evidence import Evidence

RESOURCES = Call("ram", "ListResources", "ram:ListResources")
PRINCIPALS = Call("ram", "ListPrincipals", "ram:ListPrincipals")

COLLECTOR = Collector(name="ram", scope="region", types=("ram.parameter_share",), calls=(RESOURCES, PRINCIPALS))
PARAMETERS = {"resourceOwner": "SELF", "resourceType": "ssm:Parameter"}


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = Evidence("ram", aws.region)
    found = aws.pages("ram", "ListResources", "resources", **PARAMETERS, maxResults=500)
    miss(evidence, COLLECTOR.types, found.gap)
    shares: dict[str, set[str] | Gap] = {}

    def shared(item: Any) -> None:
        arn = text(item, "arn")
        of = fact(RESOURCES, aws.region, lambda: text(item, "resourceShareArn"))
        held = shares.setdefault(arn, set())
        if isinstance(of, Gap):  # it is shared, and through what isn't known: whom else that admits isn't either
            shares[arn] = of
        elif isinstance(held, set):
            held.add(of)

    each(evidence, COLLECTOR.types, RESOURCES, aws.region, found.items, shared)
    if shares:
        members = principals(aws)
        for arn, of in sorted(shares.items()):
            through = of if isinstance(of, Gap) else sorted(of)
            evidence.add("ram.parameter_share", arn, shares=through, principals=together(members, of))
    return evidence


def principals(aws: Reader) -> dict[str, set[str]] | Gap:
    """Share -> whom it admits."""
    found = aws.pages("ram", "ListPrincipals", "principals", **PARAMETERS, maxResults=500)
    if found.gap:
        return found.gap
    read: dict[str, set[str]] | Gap = fact(PRINCIPALS, aws.region, lambda: by_share(found.items))
    return read


def by_share(items: list[Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in items:
        found.setdefault(text(item, "resourceShareArn"), set()).add(text(item, "id"))
    return found


def together(members: dict[str, set[str]] | Gap, shares: set[str] | Gap) -> list[str] | Gap:
    if isinstance(shares, Gap):
        return shares
    if isinstance(members, Gap):
        return members
    return sorted({who for share in shares for who in members.get(share, ())})
