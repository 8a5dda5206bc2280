"""Reads VPC endpoints, and the VPCs that have nodes or interface endpoints: one call in a region without either.

A VPC whose nodes lack an endpoint may use one that is placed in another VPC, so its routes and private DNS zones are
read. So are the zones of a VPC with an interface endpoint that has no private name.

Peering connections are read only where a VPC has a single node: whether the node is alone depends on the VPC's
neighbors, and on whether another account shares the VPC."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from accounts.aws.gaps import NOT_LISTED, Gap
from scans.collectors.lib import ec2_shape
from scans.collectors.lib.batches import Batch, make_not_listed_gap, read_batch
from scans.collectors.lib.ec2_surroundings import (
    OPTIONAL_SERVICE,
    SURROUNDING_CALLS,
    SURROUNDING_FACTS,
    read_encryption_controls,
    read_paths,
    read_services,
)
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
        "ec2.vpc": ("id", "has_nodes", "nodes", "agents", "peers", "cidrs", "owner", "dns_support", "dns_hostnames"),
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
        **SURROUNDING_FACTS,
    },
    calls=(ENDPOINTS, ATTRIBUTE, GROUPS, PEERINGS, VPCS, *SURROUNDING_CALLS),
    stage=1,
    version=2,  # 2: the owner and ranges of every VPC that is read
)
VPCS_BY_ID = Batch(VPCS, "Vpcs", filter="vpc-id")
GROUPS_BY_ID = Batch(GROUPS, "SecurityGroups", filter="group-id")
NEEDED_SERVICES = ("ssm", "ssmmessages", OPTIONAL_SERVICE)
ATTRIBUTES = {"dns_support": "EnableDnsSupport", "dns_hostnames": "EnableDnsHostnames"}
SourcesByGroup = dict[str, list[str] | Gap]  # security group -> sources of its rules
T = TypeVar("T")


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("ec2_network", aws.region, types=COLLECTOR.types)
    endpoints = read_endpoints(aws, evidence)
    resolve_ingress(aws, endpoints)
    services = {name for facts in endpoints.values() if (name := facts.pop("service_name"))}
    for id, facts in sorted(endpoints.items()):
        evidence.add("ec2.vpc_endpoint", build_ec2_arn(aws, "vpc-endpoint", id), **facts)
    with_nodes, node_gaps = count_nodes_by_vpc(seen)
    agents = list_agents_by_vpc(seen)
    record_gaps(evidence, ["ec2.vpc"], *node_gaps, *evidence.gaps.get("ec2.vpc_endpoint", ()))
    vpcs = with_nodes.keys() | {e["vpc"] for e in endpoints.values() if e["endpoint_type"] == "Interface"}
    if vpcs or endpoints:
        read_services(aws, evidence, services)
    if with_nodes:
        read_encryption_controls(aws, evidence)
    read_paths(aws, evidence, select_vpcs_with_paths(endpoints, with_nodes))
    # A second node is a neighbor already, so only a VPC with a single node needs its peers.
    around = read_peers(aws, {vpc for vpc, nodes in with_nodes.items() if nodes == 1})
    described = describe_by_filter(aws, VPCS_BY_ID, vpcs, ec2_shape.parse_vpc, "VpcId")
    for vpc in sorted(vpcs):
        dns, more = read_dns_attributes(aws, vpc), described[vpc]
        # A VPC that AWS still lists isn't gone: of another account's VPC, the attributes may be hidden.
        if dns is None and not (isinstance(more, Gap) and more.code == NOT_LISTED):
            dns = dict.fromkeys(ATTRIBUTES, make_not_listed_gap(ATTRIBUTE, aws.region))
        if dns is not None:
            # The agents of nodes that could not be listed aren't known: None.
            versions = sorted(agents[vpc] | ({None} if node_gaps else set()), key=str)
            facts = {**derive_node_facts(with_nodes[vpc], node_gaps), **dns, **around.get(vpc, {}), "agents": versions}
            facts |= dict.fromkeys(("cidrs", "owner"), more) if isinstance(more, Gap) else more
            evidence.add("ec2.vpc", build_ec2_arn(aws, "vpc", vpc), id=vpc, **facts)
    return evidence


def select_vpcs_with_paths(endpoints: dict[str, dict[str, Any]], with_nodes: Iterable[str]) -> set[str]:
    """The VPCs whose routes and zones matter: their nodes lack an endpoint, or an endpoint has no private name."""
    held = {(e["vpc"], e["service"].removesuffix("-fips")) for e in endpoints.values() if is_available_service(e)}
    lacking = {vpc for vpc in with_nodes if any((vpc, service) not in held for service in NEEDED_SERVICES)}
    interfaces = [e for e in endpoints.values() if e["endpoint_type"] == "Interface"]
    return lacking | {e["vpc"] for e in interfaces if not e["private_dns"]}


def is_available_service(facts: dict[str, Any]) -> bool:
    return facts["service"] is not None and facts["state"] == "available"


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
    sources = describe_by_filter(aws, GROUPS_BY_ID, wanted, ec2_shape.list_https_sources, "GroupId")
    for facts in endpoints.values():
        facts["ingress_443"] = merge_sources(sources, facts.pop("groups"))


def merge_sources(sources: SourcesByGroup, groups: list[str]) -> list[str] | Gap:
    """All sources of these groups. A group that can't be read, such as another account's, may admit anything."""
    found: set[str] = set()
    for group in groups:
        held = sources[group]
        if isinstance(held, Gap):
            return held
        found.update(held)
    return sorted(found)


def describe_by_filter(
    aws: Reader, batch: Batch, ids: Iterable[str], shape: Callable[[Any], T], id_key: str
) -> dict[str, T | Gap]:
    """Each id -> what is described, or why it isn't known. One that can't be read hides no other."""
    wanted = set(ids)
    answer = read_batch(aws, batch, wanted, MaxResults=1000)
    malformed = make_malformed_gap(batch.call, aws.region)
    found: dict[str, T | Gap] = dict(answer.gaps)
    missing = make_not_listed_gap(batch.call, aws.region)
    for item in answer.items:
        id = read_or_gap(malformed, require_text, item, id_key)
        if isinstance(id, Gap):
            missing = id  # it may be any that isn't listed
        else:
            found[id] = read_or_gap(malformed, shape, item)
    return {id: found.get(id, missing) for id in wanted}


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


def list_agents_by_vpc(seen: EarlierEvidence) -> dict[str, set[str | None]]:
    """VPC -> the versions of its nodes' agents; None for one that isn't known."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for node in seen.of("ssm.node"):
        vpc, agent = node.facts.get("vpc"), node.facts.get("agent")
        if isinstance(vpc, str):
            found[vpc].add(agent if isinstance(agent, str) else None)
    return found


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
