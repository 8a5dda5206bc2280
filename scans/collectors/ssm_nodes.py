"""Reads managed nodes, the EC2 instances beside them, and whether their types encrypt traffic between instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.batches import Batch, read_batch
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    identify_items,
    instant_or_none,
    make_malformed_gap,
    mapping_or_empty,
    read_or_gap,
    require_flag,
    require_list,
    require_mapping,
    require_text,
    text_or_none,
)
from scans.domain.collector import Call, Collector, EarlierEvidence, Listing, Reader
from scans.domain.evidence import Evidence

NODES = ssm_call("DescribeInstanceInformation")
INSTANCES = Call("ec2", "DescribeInstances", "ec2:DescribeInstances")
TYPES = Call("ec2", "DescribeInstanceTypes", "ec2:DescribeInstanceTypes")
COLLECTOR = Collector(
    "ssm_nodes",
    "region",
    {
        "ssm.node": ("hybrid", "instance_type", "vpc", "transit_encryption", "agent", "metadata", "volumes"),
        "ec2.instance": ("id", "managed", "launched", "service"),
    },
    (NODES, INSTANCES, TYPES),
    # 2: every instance is listed, not only nodes; a type that AWS no longer lists is None.
    version=2,
)

# By its name, one type that AWS no longer offers makes the whole call fail; a filter leaves it out.
TYPES_BY_NAME = Batch(TYPES, "InstanceTypes", filter="instance-type", size=100)
ENDED_STATES = ("terminated", "shutting-down")  # not a set: an answer may hold anything
EC2_FACTS = ("instance_type", "vpc", "transit_encryption", "metadata", "volumes")

# Properties of a region's instance types are the same for all accounts, so each is read once per process.
_encrypting: dict[tuple[str, str, str], bool | None] = {}


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeInstanceInformation", "InstanceInformationList", MaxResults=50)
    gap = make_malformed_gap(NODES, aws.region)
    nodes = dict(identify_items(evidence, listing, "InstanceId", gap, "ssm.node"))
    agents = {id: read_or_gap(gap, text_or_none, item, "AgentVersion") for id, item in nodes.items()}
    for id in nodes:
        if not is_ec2(id):
            place = build_regional_arn(aws, f"managed-instance/{id}")
            evidence.add("ssm.node", place, hybrid=True, agent=agents[id], **dict.fromkeys(EC2_FACTS))
    instances = list_instances(aws)
    on_ec2 = {id: agent for id, agent in agents.items() if is_ec2(id)}
    add_ec2_nodes(aws, evidence, instances, on_ec2)
    add_instances(aws, evidence, instances, on_ec2)
    return evidence


def is_ec2(id: str) -> bool:
    return id.startswith("i-")


def add_ec2_nodes(aws: Reader, evidence: Evidence, listing: Listing, agents: dict[str, str | Gap | None]) -> None:
    gap = make_malformed_gap(INSTANCES, aws.region)
    found = dict(iterate_by_id(listing))
    kinds = {id: read_or_gap(gap, require_text, item, "InstanceType") for id, item in found.items() if id in agents}
    encrypting = transit_encryption(aws, sorted({kind for kind in kinds.values() if isinstance(kind, str)}))
    for id, agent in agents.items():
        place = build_regional_arn(aws, f"instance/{id}", service="ec2")
        item = found.get(id)
        # Systems Manager lists nodes for a month after their instance was terminated.
        if item is None and listing.gap is None:
            continue
        if item is None:
            evidence.add("ssm.node", place, hybrid=False, agent=agent, **dict.fromkeys(EC2_FACTS, listing.gap))
        elif not is_instance_ended(item):
            kind = kinds[id]
            evidence.add(
                "ssm.node",
                place,
                hybrid=False,
                agent=agent,
                instance_type=kind,
                vpc=read_or_gap(gap, require_text, item, "VpcId"),  # every instance that isn't terminated has one
                transit_encryption=kind if isinstance(kind, Gap) else encrypting[kind],
                metadata=read_or_gap(gap, parse_metadata_options, item),
                volumes=read_or_gap(gap, list_volumes, item),
            )


def add_instances(aws: Reader, evidence: Evidence, listing: Listing, nodes: dict[str, Any]) -> None:
    """Every running instance, and whether Systems Manager manages it."""
    evidence.record_gap("ec2.instance", listing.gap)
    malformed = make_malformed_gap(INSTANCES, aws.region)
    unlisted = next(iter(evidence.gaps.get("ssm.node", ())), False)
    for id, item in iterate_by_id(listing):
        state = read_or_gap(malformed, read_state, item)
        if isinstance(state, str) and state != "running":
            continue
        managed = True if id in nodes else state if isinstance(state, Gap) else unlisted
        evidence.add(
            "ec2.instance",
            build_regional_arn(aws, f"instance/{id}", service="ec2"),
            id=id,
            managed=managed,
            launched=read_or_gap(malformed, instant_or_none, item, "LaunchTime"),
            service=read_or_gap(malformed, find_operator, item),
        )


def read_state(item: Answer) -> str:
    return require_text(require_mapping(item, "State"), "Name")


def list_instances(aws: Reader) -> Listing:
    listing = aws.pages("ec2", "DescribeInstances", "Reservations", MaxResults=1000)
    held: list[Any] = []
    whole = True
    for reservation in listing.items:
        inside = reservation.get("Instances") if isinstance(reservation, dict) else None
        whole = whole and isinstance(inside, list) and all(has_id(item) for item in inside)
        held += inside if isinstance(inside, list) else []
    return Listing(held, listing.gap or (None if whole else make_malformed_gap(INSTANCES, aws.region)))


def has_id(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("InstanceId"), str) and bool(item["InstanceId"])


def iterate_by_id(listing: Listing) -> Iterator[tuple[str, Answer]]:
    return ((item["InstanceId"], item) for item in listing.items if has_id(item))


def is_instance_ended(item: Answer) -> bool:
    state = item.get("State")
    return isinstance(state, dict) and state.get("Name") in ENDED_STATES


def parse_metadata_options(item: Answer) -> dict[str, str]:
    options = require_mapping(item, "MetadataOptions")
    return {"tokens": require_text(options, "HttpTokens"), "endpoint": require_text(options, "HttpEndpoint")}


def list_volumes(item: Answer) -> list[str]:
    return sorted(
        require_text(require_mapping(device, "Ebs"), "VolumeId") for device in require_list(item, "BlockDeviceMappings")
    )


def find_operator(item: Answer) -> str | None:
    """The AWS service that operates an instance for the customer, who can't configure it; None for all others."""
    operator = mapping_or_empty(item, "Operator")
    return require_text(operator, "Principal") if require_flag(operator, "Managed", default=False) else None


def transit_encryption(aws: Reader, kinds: list[str]) -> dict[str, bool | Gap | None]:
    """Instance type -> EncryptionInTransitSupported; None if AWS doesn't return it, or no longer lists the type."""
    place = (aws.partition, aws.region)
    known: dict[str, bool | Gap | None] = {}
    wanted = [kind for kind in kinds if (*place, kind) not in _encrypting]
    if wanted:
        known = read_types(aws, wanted)
    return known | {kind: _encrypting[(*place, kind)] for kind in kinds if (*place, kind) in _encrypting}


def read_types(aws: Reader, kinds: list[str]) -> dict[str, bool | Gap | None]:
    answer = read_batch(aws, TYPES_BY_NAME, kinds, MaxResults=100)
    gap = make_malformed_gap(TYPES, aws.region)
    named = {
        item["InstanceType"]: item
        for item in answer.items
        if isinstance(item, dict) and isinstance(item.get("InstanceType"), str)
    }
    # An item without a name may be any of the types.
    missing = gap if len(named) < len(answer.items) else None
    found: dict[str, bool | Gap | None] = {kind: answer.gaps.get(kind, missing) for kind in kinds}
    for kind in named.keys() & found.keys():
        value = found[kind] = read_or_gap(gap, read_encryption_support, named[kind])
        # A gap is this account's alone: another account may be allowed to read the type.
        if not isinstance(value, Gap):
            _encrypting[(aws.partition, aws.region, kind)] = value
    return found


def read_encryption_support(item: Answer) -> bool | None:
    value = mapping_or_empty(item, "NetworkInfo").get("EncryptionInTransitSupported")
    if value is not None and not isinstance(value, bool):
        raise ShapeError("EncryptionInTransitSupported")
    return value
