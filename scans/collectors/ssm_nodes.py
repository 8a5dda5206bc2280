"""Reads managed nodes, and whether their instance types encrypt traffic between instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    identify_items,
    make_malformed_gap,
    mapping_or_empty,
    read_or_gap,
    require_text,
)
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Listing, Reader
from scans.domain.evidence import Evidence

NODES = ssm_call("DescribeInstanceInformation")
INSTANCES = Call("ec2", "DescribeInstances", "ec2:DescribeInstances")
TYPES = Call("ec2", "DescribeInstanceTypes", "ec2:DescribeInstanceTypes")
COLLECTOR = Collector(
    "ssm_nodes",
    "region",
    {"ssm.node": ("hybrid", "instance_type", "vpc", "transit_encryption")},
    (NODES, INSTANCES, TYPES),
)

# EC2's maximum in one filter. For more nodes, listing all instances takes fewer calls.
FILTER_VALUES = 200
TYPES_AT_ONCE = 100
ENDED_STATES = {"terminated", "shutting-down"}
EC2_FACTS = ("instance_type", "vpc", "transit_encryption")

# Properties of a region's instance types are the same for all accounts, so each is read once per process.
_encrypting: dict[tuple[str, str, str], bool | None] = {}


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeInstanceInformation", "InstanceInformationList", MaxResults=50)
    ids = [
        id
        for id, _ in identify_items(evidence, listing, "InstanceId", make_malformed_gap(NODES, aws.region), "ssm.node")
    ]
    for id in ids:
        if not is_ec2(id):
            evidence.add(
                "ssm.node", build_regional_arn(aws, f"managed-instance/{id}"), hybrid=True, **dict.fromkeys(EC2_FACTS)
            )
    on_ec2 = [id for id in ids if is_ec2(id)]
    if on_ec2:
        add_ec2_nodes(aws, evidence, on_ec2)
    return evidence


def is_ec2(id: str) -> bool:
    return id.startswith("i-")


def add_ec2_nodes(aws: Reader, evidence: Evidence, ids: list[str]) -> None:
    listing = list_instances(aws, ids)
    gap = make_malformed_gap(INSTANCES, aws.region)
    found = dict(iterate_by_id(listing))
    kinds = {id: read_or_gap(gap, require_text, item, "InstanceType") for id, item in found.items() if id in ids}
    encrypting = transit_encryption(aws, sorted({kind for kind in kinds.values() if isinstance(kind, str)}))
    for id in ids:
        place = build_regional_arn(aws, f"instance/{id}", service="ec2")
        item = found.get(id)
        # Systems Manager lists nodes for a month after their instance was terminated.
        if item is None and listing.gap is None:
            continue
        if item is None:
            evidence.add("ssm.node", place, hybrid=False, **dict.fromkeys(EC2_FACTS, listing.gap))
        elif not is_instance_ended(item):
            kind = kinds[id]
            encrypts = kind if isinstance(kind, Gap) else encrypting[kind]
            vpc = read_or_gap(gap, require_text, item, "VpcId")  # every instance that isn't terminated has one
            evidence.add("ssm.node", place, hybrid=False, instance_type=kind, vpc=vpc, transit_encryption=encrypts)


def list_instances(aws: Reader, ids: list[str]) -> Listing:
    asked: dict[str, Any] = {"MaxResults": 1000}
    if len(ids) <= FILTER_VALUES:
        asked["Filters"] = [{"Name": "instance-id", "Values": sorted(ids)}]
    listing = aws.pages("ec2", "DescribeInstances", "Reservations", **asked)
    held: list[Any] = []
    whole = True
    for reservation in listing.items:
        inside = reservation.get("Instances") if isinstance(reservation, dict) else None
        whole = whole and isinstance(inside, list) and all(has_id(item) for item in inside)
        held += inside if isinstance(inside, list) else []
    return Listing(held, listing.gap or (None if whole else make_malformed_gap(INSTANCES, aws.region)))


def has_id(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("InstanceId"), str)


def iterate_by_id(listing: Listing) -> Iterator[tuple[str, Answer]]:
    return ((item["InstanceId"], item) for item in listing.items if has_id(item))


def is_instance_ended(item: Answer) -> bool:
    state = item.get("State")
    return isinstance(state, dict) and state.get("Name") in ENDED_STATES


def transit_encryption(aws: Reader, kinds: list[str]) -> dict[str, bool | Gap | None]:
    """Instance type -> EncryptionInTransitSupported; None if AWS doesn't return it."""
    place = (aws.partition, aws.region)
    known: dict[str, bool | Gap | None] = {}
    wanted = [kind for kind in kinds if (*place, kind) not in _encrypting]
    for start in range(0, len(wanted), TYPES_AT_ONCE):
        known |= read_types(aws, wanted[start : start + TYPES_AT_ONCE])
    for kind, value in known.items():
        # A gap is this account's alone: another account may be allowed to read the type.
        if not isinstance(value, Gap):
            _encrypting[(*place, kind)] = value
    return known | {kind: _encrypting[(*place, kind)] for kind in kinds if (*place, kind) in _encrypting}


def read_types(aws: Reader, kinds: list[str]) -> dict[str, bool | Gap | None]:
    try:
        answer = aws.call("ec2", "DescribeInstanceTypes", InstanceTypes=kinds)
    except CallError as error:
        return dict.fromkeys(kinds, error.gap)
    gap = make_malformed_gap(TYPES, aws.region)
    held = answer.get("InstanceTypes")
    listed = (
        {item.get("InstanceType"): item for item in held if isinstance(item, dict)} if isinstance(held, list) else {}
    )
    return {kind: read_or_gap(gap, read_encryption_support, listed[kind]) if kind in listed else gap for kind in kinds}


def read_encryption_support(item: Answer) -> bool | None:
    value = mapping_or_empty(item, "NetworkInfo").get("EncryptionInTransitSupported")
    if value is not None and not isinstance(value, bool):
        raise ShapeError("EncryptionInTransitSupported")
    return value
