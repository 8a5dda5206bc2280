"""Reads what is around VPCs with nodes: the services that endpoints lead to, routes to other networks, private DNS zones.

Routes and zones tell whether a VPC may use endpoints that are placed in another VPC."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib import ec2_shape
from scans.collectors.lib.batches import Batch, read_batch
from scans.collectors.lib.ssm_calls import build_regional_arn
from scans.collectors.lib.strict_answers import make_malformed_gap, read_or_gap, record_gaps, require_text
from scans.domain.collector import Call, Reader
from scans.domain.evidence import Evidence

SERVICES = Call("ec2", "DescribeVpcEndpointServices", "ec2:DescribeVpcEndpointServices")
ROUTES = Call("ec2", "DescribeRouteTables", "ec2:DescribeRouteTables")
ENCRYPTION = Call("ec2", "DescribeVpcEncryptionControls", "ec2:DescribeVpcEncryptionControls")
# Route 53 takes five calls a second of a whole account, its own programs included:
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests-route-53
ZONES = Call("route53", "ListHostedZonesByVPC", "route53:ListHostedZonesByVPC", per_second=2)
SURROUNDING_CALLS = (SERVICES, ROUTES, ENCRYPTION, ZONES)
SURROUNDING_FACTS = {
    "ec2.endpoint_service": ("id", "policies", "private_names"),
    "ec2.vpc_paths": ("routes", "zones"),
    "ec2.vpc_encryption": ("mode", "state", "peering_excluded"),
}
# By ServiceNames, one name that AWS doesn't know makes the whole call fail; a filter leaves it out.
SERVICES_BY_NAME = Batch(SERVICES, "ServiceDetails", filter="service-name")
TABLES_BY_VPC = Batch(ROUTES, "RouteTables", filter="vpc-id")
# Regions that were launched in 2024 or later don't offer it.
OPTIONAL_SERVICE = "ec2messages"
# Where the region or its API is older than VPC Encryption Controls, no VPC can have them.
LACKING_CODES = frozenset({"UnsupportedOperation", "InvalidAction"})


def read_services(aws: Reader, evidence: Evidence, names: Iterable[str]) -> None:
    """The services with these names, and ec2messages if the region offers it."""
    optional = [f"{prefix}com.amazonaws.{aws.region}.{OPTIONAL_SERVICE}" for prefix in ("", "cn.")]
    answer = read_batch(aws, SERVICES_BY_NAME, {*names, *optional}, MaxResults=1000)
    record_gaps(evidence, ["ec2.endpoint_service"], *answer.gaps.values())
    malformed = make_malformed_gap(SERVICES, aws.region)
    found: dict[str, list[dict[str, Any] | Gap]] = {}
    for item in answer.items:
        named = read_or_gap(malformed, require_text, item, "ServiceName")
        if isinstance(named, Gap):
            record_gaps(evidence, ["ec2.endpoint_service"], named)
            continue
        parsed = read_or_gap(malformed, ec2_shape.parse_service, item, aws.region)
        short = ec2_shape.short_name(named, aws.region)
        found.setdefault(short, []).append(parsed if isinstance(parsed, Gap) else parsed[1])
    for short, kinds in sorted(found.items()):
        place = build_regional_arn(aws, f"vpc-endpoint-service/{short}", service="ec2")
        evidence.add("ec2.endpoint_service", place, id=short, **merge_kinds(kinds))


def merge_kinds(kinds: list[dict[str, Any] | Gap]) -> dict[str, Any]:
    """A service's facts. S3 is listed twice by one name: for gateway and for interface endpoints."""
    known = [one for one in kinds if not isinstance(one, Gap)]
    gap = next((one for one in kinds if isinstance(one, Gap)), None)
    if gap is not None:
        return {"policies": gap, "private_names": gap}
    return {
        "policies": any(one["policies"] for one in known),
        "private_names": sorted({name for one in known for name in one["private_names"]}),
    }


def read_paths(aws: Reader, evidence: Evidence, vpcs: Iterable[str]) -> None:
    """Where these VPCs' routes lead, and the private DNS zones that they use."""
    wanted = sorted(vpcs)
    routes = read_private_routes(aws, wanted)
    for vpc in wanted:
        place = build_regional_arn(aws, f"vpc/{vpc}", service="ec2")
        evidence.add("ec2.vpc_paths", place, routes=routes[vpc], zones=read_zones(aws, vpc))


def read_private_routes(aws: Reader, vpcs: list[str]) -> dict[str, list[str] | Gap]:
    """VPC -> what its route tables lead to that may be another private network."""
    answer = read_batch(aws, TABLES_BY_VPC, vpcs, MaxResults=100)
    malformed = make_malformed_gap(ROUTES, aws.region)
    gaps, known = dict(answer.gaps), {vpc: set[str]() for vpc in vpcs}
    for table in answer.items:
        vpc = read_or_gap(malformed, require_text, table, "VpcId")
        routes = read_or_gap(malformed, ec2_shape.list_private_routes, table)
        if isinstance(vpc, Gap):  # it may be any VPC's
            gaps = dict.fromkeys(vpcs, vpc) | gaps
        elif isinstance(routes, Gap):
            gaps.setdefault(vpc, routes)
        elif vpc in known:
            known[vpc].update(routes)
    # One route that leads out is enough to know, so it is kept although another table can't be read.
    return {vpc: sorted(known[vpc]) if known[vpc] else gaps.get(vpc, []) for vpc in vpcs}


def read_zones(aws: Reader, vpc: str) -> list[str] | Gap:
    """The names of the private hosted zones that a VPC uses, of whichever account."""
    listing = aws.pages(
        "route53", "ListHostedZonesByVPC", "HostedZoneSummaries", region="global", VPCId=vpc, VPCRegion=aws.region
    )
    found = read_or_gap(
        make_malformed_gap(ZONES, aws.region),
        lambda: sorted({require_text(zone, "Name").rstrip(".").lower() for zone in listing.items}),
    )
    # Asked of the whole account, so that all regions share one rate; what is unknown is this region's.
    return replace(listing.gap, region=aws.region) if listing.gap else found


def read_encryption_controls(aws: Reader, evidence: Evidence) -> None:
    listing = aws.pages("ec2", "DescribeVpcEncryptionControls", "VpcEncryptionControls", MaxResults=1000)
    gap = listing.gap
    if gap is not None and (gap.kind is GapKind.UNSUPPORTED or gap.code in LACKING_CODES):
        return
    record_gaps(evidence, ["ec2.vpc_encryption"], gap)
    malformed = make_malformed_gap(ENCRYPTION, aws.region)
    for item in listing.items:
        vpc = read_or_gap(malformed, require_text, item, "VpcId")
        if isinstance(vpc, Gap):
            record_gaps(evidence, ["ec2.vpc_encryption"], vpc)
            continue
        facts = read_or_gap(malformed, ec2_shape.parse_encryption_control, item)
        names = SURROUNDING_FACTS["ec2.vpc_encryption"]
        place = build_regional_arn(aws, f"vpc/{vpc}", service="ec2")
        evidence.add("ec2.vpc_encryption", place, **(dict.fromkeys(names, facts) if isinstance(facts, Gap) else facts))
