"""Reads with whom this account's parameters are shared: one call in each region, a second one if any is shared."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib.strict_answers import (
    add_each_item,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_text,
)
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

RESOURCES = Call("ram", "ListResources", "ram:ListResources")
PRINCIPALS = Call("ram", "ListPrincipals", "ram:ListPrincipals")

COLLECTOR = Collector(
    name="ram",
    scope="region",
    facts={"ram.parameter_share": ("principals", "shares")},
    calls=(RESOURCES, PRINCIPALS),
    # 2: a region where AWS doesn't offer RAM has no shares.
    version=2,
)
PARAMETERS = {"resourceOwner": "SELF", "resourceType": "ssm:Parameter"}


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("ram", aws.region)
    found = aws.pages("ram", "ListResources", "resources", **PARAMETERS, maxResults=500)
    # Where AWS doesn't offer RAM, nothing can be shared through it.
    if found.gap is None or found.gap.kind is not GapKind.UNSUPPORTED:
        record_gaps(evidence, COLLECTOR.types, found.gap)
    shares: dict[str, set[str] | Gap] = {}

    def shared(item: Any) -> None:
        arn = require_text(item, "arn")
        of = read_or_gap(make_malformed_gap(RESOURCES, aws.region), require_text, item, "resourceShareArn")
        held = shares.setdefault(arn, set())
        if isinstance(of, Gap):
            # An unknown share may admit further principals, so the ones from other shares are not enough.
            shares[arn] = of
        elif isinstance(held, set):
            held.add(of)

    add_each_item(evidence, COLLECTOR.types, RESOURCES, aws.region, found.items, shared)
    if shares:
        members = map_share_principals(aws)
        for arn, of in sorted(shares.items()):
            through = of if isinstance(of, Gap) else sorted(of)
            evidence.add("ram.parameter_share", arn, shares=through, principals=merge_principals(members, of))
    return evidence


def map_share_principals(aws: Reader) -> dict[str, set[str]] | Gap:
    """Share -> the principals that it admits."""
    found = aws.pages("ram", "ListPrincipals", "principals", **PARAMETERS, maxResults=500)
    if found.gap:
        return found.gap
    return read_or_gap(make_malformed_gap(PRINCIPALS, aws.region), group_by_share, found.items)


def group_by_share(items: list[Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in items:
        found.setdefault(require_text(item, "resourceShareArn"), set()).add(require_text(item, "id"))
    return found


def merge_principals(members: dict[str, set[str]] | Gap, shares: set[str] | Gap) -> list[str] | Gap:
    if isinstance(shares, Gap):
        return shares
    if isinstance(members, Gap):
        return members
    return sorted({who for share in shares for who in members.get(share, ())})
