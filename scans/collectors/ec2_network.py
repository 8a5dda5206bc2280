"""Reads VPC endpoints, and the VPCs that have nodes or interface endpoints: one call in a region without either.

Peering connections are read only where a VPC has a single node: whether the node is alone depends on the VPC's
neighbors, and on whether another account shares the VPC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib import ec2_shape
from scans.collectors.lib.strict_answers import (
    add_each_item,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_flag,
    require_mapping,
    require_text,
)
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

ENDPOINTS = Call("ec2", "DescribeVpcEndpoints", "ec2:DescribeVpcEndpoints")
ATTRIBUTE = Call("ec2", "DescribeVpcAttribute", "ec2:DescribeVpcAttribute")
GROUPS = Call("ec2", "DescribeSecurityGroups", "ec2:DescribeSecurityGroups")
PEERINGS = Call("ec2", "DescribeVpcPeeringConnections", "ec2:DescribeVpcPeeringConnections")
VPCS = Call("ec2", "DescribeVpcs", "ec2:DescribeVpcs")

COLLECTOR = Collector(
    name="ec2_network",
    scope="region",
    facts={
        "ec2.vpc": ("id", "has_nodes", "nodes", "peers", "cidrs", "owner", "dns_support", "dns_hostnames"),
        "ec2.vpc_endpoint": (
            "id",
            "service",
            "endpoint_type",
            "state",
            "vpc",
            "private_dns",
            "route_tables",
            "policy",
            "ingress_443",
        ),
    },
    calls=(ENDPOINTS, ATTRIBUTE, GROUPS, PEERINGS, VPCS),
    stage=1,
)
ATTRIBUTES = {"dns_support": "EnableDnsSupport", "dns_hostnames": "EnableDnsHostnames"}
FILTER_VALUES = 200  # EC2's maximum in one filter
SourcesByGroup = dict[str, list[str]]  # security group -> sources of its rules
T = TypeVar("T")


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("ec2_network", aws.region)
    endpoints = read_endpoints(aws, evidence)
    with_interface = {e["vpc"] for e in endpoints.values() if e["endpoint_type"] == "Interface"}
    resolve_ingress(aws, endpoints)
    for id, facts in sorted(endpoints.items()):
        evidence.add("ec2.vpc_endpoint", build_ec2_arn(aws, "vpc-endpoint", id), **facts)
    with_nodes, node_gaps = count_nodes_by_vpc(seen)
    record_gaps(evidence, ["ec2.vpc"], *node_gaps, *evidence.gaps.get("ec2.vpc_endpoint", ()))
    vpcs = with_nodes.keys() | with_interface
    # A second node is a neighbor already, so only a VPC with a single node needs its peers and owner.
    lone = {vpc for vpc, nodes in with_nodes.items() if nodes == 1}
    described_ones = describe_by_filter(
        aws, VPCS, "Vpcs", "vpc-id", vpcs if with_interface else lone, ec2_shape.parse_vpc, "VpcId"
    )
    around = read_peers(aws, lone)
    for vpc in sorted(vpcs):
        dns = read_dns_attributes(aws, vpc)
        if dns is not None:
            more = select_vpc_facts(aws, described_ones, vpc) if with_interface or vpc in lone else {}
            facts = {**derive_node_facts(with_nodes[vpc], node_gaps), **dns, **more, **around.get(vpc, {})}
            evidence.add("ec2.vpc", build_ec2_arn(aws, "vpc", vpc), id=vpc, **facts)
    return evidence


def derive_node_facts(count: int, gaps: list[Gap]) -> dict[str, Any]:
    """The facts about a VPC's nodes. A node whose VPC is unknown may be in any, so a count below two may be too low."""
    return {
        "has_nodes": True if count else next(iter(gaps), False),
        "nodes": count if count > 1 else next(iter(gaps), count),
    }


def read_peers(aws: Reader, vpcs: Iterable[str]) -> dict[str, dict[str, Any]]:
    """VPC -> its fact `peers`; no call if no VPC needs it."""
    if not vpcs:
        return {}
    listing = aws.pages("ec2", "DescribeVpcPeeringConnections", "VpcPeeringConnections", MaxResults=1000)

    def ends(vpc: str) -> list[dict[str, Any]] | Gap:
        found = read_or_gap(make_malformed_gap(PEERINGS, aws.region), ec2_shape.list_active_peers, listing.items, vpc)
        return listing.gap or found

    return {vpc: {"peers": ends(vpc)} for vpc in vpcs}


def read_endpoints(aws: Reader, evidence: Evidence) -> dict[str, dict[str, Any]]:
    listing = aws.pages("ec2", "DescribeVpcEndpoints", "VpcEndpoints", MaxResults=1000)
    record_gaps(evidence, ["ec2.vpc_endpoint"], listing.gap)
    found: dict[str, dict[str, Any]] = {}

    def endpoint(item: Any) -> None:
        facts = ec2_shape.parse_endpoint(item, aws.region)
        facts["policy"] = read_or_gap(make_malformed_gap(ENDPOINTS, aws.region), ec2_shape.parse_endpoint_policy, item)
        found[require_text(item, "VpcEndpointId")] = facts

    add_each_item(evidence, ["ec2.vpc_endpoint"], ENDPOINTS, aws.region, listing.items, endpoint)
    return found


def resolve_ingress(aws: Reader, endpoints: dict[str, dict[str, Any]]) -> None:
    """Replace each endpoint's security groups by the sources that they admit to port 443."""
    wanted = {group for facts in endpoints.values() for group in facts["groups"]}
    sources = describe_by_filter(
        aws, GROUPS, "SecurityGroups", "group-id", wanted, ec2_shape.list_https_sources, "GroupId"
    )
    for facts in endpoints.values():
        groups = facts.pop("groups")
        facts["ingress_443"] = merge_sources(aws, sources, groups)


def merge_sources(aws: Reader, sources: SourcesByGroup | Gap, groups: list[str]) -> list[str] | Gap:
    if not groups:
        return []
    if isinstance(sources, Gap):
        return sources
    # A group that is missing from the answer may admit anything.
    if any(group not in sources for group in groups):
        return not_listed_gap(GROUPS, aws)
    return sorted({source for group in groups for source in sources[group]})


def not_listed_gap(call: Call, aws: Reader) -> Gap:
    """The gap for something that another answer names and AWS didn't list: its parts are unknown, not empty."""
    return Gap(GapKind.NOT_READ, call.api, call.action, aws.region, "NotListed")


def describe_by_filter(
    aws: Reader, call: Call, key: str, filter: str, ids: Iterable[str], shape: Callable[[Any], T], id_key: str
) -> dict[str, T] | Gap:
    """Describe resources by filter, not by id: an id that was deleted meanwhile would make the whole call fail."""
    wanted = sorted(ids)
    found: dict[str, T] = {}
    for start in range(0, len(wanted), FILTER_VALUES):
        filters = [{"Name": filter, "Values": wanted[start : start + FILTER_VALUES]}]
        listing = aws.pages("ec2", call.operation, key, Filters=filters, MaxResults=1000)
        if listing.gap is not None:
            return listing.gap
        read = read_or_gap(make_malformed_gap(call, aws.region), parse_by_id, listing.items, id_key, shape)
        if isinstance(read, Gap):
            return read
        found.update(read)
    return found


def parse_by_id(items: list[Any], key: str, shape: Callable[[Any], T]) -> dict[str, T]:
    return {require_text(item, key): shape(item) for item in items}


def select_vpc_facts(aws: Reader, found: dict[str, dict[str, Any]] | Gap, vpc: str) -> dict[str, Any]:
    """The ranges and owner of a VPC. Ranges matter for interface endpoints, the owner for a single node."""
    held = found if isinstance(found, Gap) else found.get(vpc, not_listed_gap(VPCS, aws))
    return dict.fromkeys(("cidrs", "owner"), held) if isinstance(held, Gap) else held


def count_nodes_by_vpc(seen: EarlierEvidence) -> tuple[Counter[str], list[Gap]]:
    """How many nodes each VPC has, and why there may be more."""
    gaps = seen.gaps("ssm.node")
    vpcs: Counter[str] = Counter()
    for node in seen.of("ssm.node"):
        vpc = node.facts.get("vpc")
        if isinstance(vpc, Gap):
            gaps.append(vpc)
        elif vpc:
            vpcs[vpc] += 1
    return vpcs, list(dict.fromkeys(gaps))


def read_dns_attributes(aws: Reader, vpc: str) -> dict[str, Any] | None:
    """The DNS attributes of a VPC; None if the VPC was deleted."""
    facts: dict[str, Any] = {}
    for name, attribute in ATTRIBUTES.items():
        try:
            # EC2 takes one attribute a call, spelled with a small letter, and answers with a capital.
            answer = aws.call("ec2", "DescribeVpcAttribute", VpcId=vpc, Attribute=attribute[0].lower() + attribute[1:])
        except CallError as error:
            if error.code == "InvalidVpcID.NotFound":
                return None
            facts[name] = error.gap
            continue
        facts[name] = read_or_gap(make_malformed_gap(ATTRIBUTE, aws.region), read_attribute_value, answer, attribute)
    return facts


def read_attribute_value(answer: dict[str, Any], attribute: str) -> bool:
    return require_flag(require_mapping(answer, attribute), "Value")


def build_ec2_arn(aws: Reader, kind: str, id: str) -> str:
    return f"arn:{aws.partition}:ec2:{aws.region}:{aws.account}:{kind}/{id}"
