"""Reads address ranges, endpoints and their VPCs for the controls on VPC endpoints. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapError, GapKind
from scans.domain.control import ResourceView

Network = IPv4Network | IPv6Network

# The widest private ranges are 10.0.0.0/8 and fc00::/7: anything wider contains public addresses.
WIDEST_PRIVATE = {4: 8, 6: 7}


def parse_network(text: str) -> Network | None:
    """The address range in a text; None for other texts, such as the id of a security group."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def is_everywhere(text: str) -> bool:
    """Whether a range is 0.0.0.0/0, ::/0, or wider than any private network (half of the internet, for example)."""
    found = parse_network(text)
    return found is not None and found.prefixlen < WIDEST_PRIVATE[found.version]


def overlaps_any(text: str, ranges: Iterable[str]) -> bool:
    one = parse_network(text)
    return any(
        one is not None and other is not None and _networks_overlap(one, other) for other in map(parse_network, ranges)
    )


def _networks_overlap(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)


# EC2 API reference, VpcEndpoint, State. "partial" is missing on purpose: AWS doesn't say whether such an
# endpoint works.
AVAILABLE, PENDING_STATES = "available", frozenset({"pendingacceptance", "pending"})
INACTIVE_STATES = frozenset({"deleting", "deleted", "rejected", "failed", "expired"})


# The guide's name for the FIPS endpoint of a service: https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
FIPS_TWIN = "-fips"


# Of these it is certain that their endpoints take a policy and have a private name, whether or not AWS could be asked:
# the same page, and https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
CORE_SERVICES = frozenset({"ssm", "ssmmessages", "ec2messages", "s3", "logs", "kms", "ec2"})


def strip_fips(service: str | None) -> str:
    """A service's name without what tells its FIPS twin apart: kms-fips is kms by validated modules."""
    return (service or "").removesuffix(FIPS_TWIN)


def list_service_hosts(service: str, region: str) -> list[str]:
    """The names by which clients call a service of Systems Manager in a region, FIPS and dual-stack ones too."""
    ends = ("amazonaws.com", "amazonaws.com.cn", "api.aws")
    return [f"{name}.{region}.{end}" for name in (service, service + FIPS_TWIN) for end in ends]


def find_covering_zone(zones: Any, hosts: Iterable[str]) -> str:
    """A private DNS zone that decides where one of these hosts leads: its own, or of a domain above. Empty if none."""
    names = [host.removeprefix("*.").rstrip(".").lower() for host in hosts]
    covers = (zone for zone in zones if any(name == zone or name.endswith(f".{zone}") for name in names))
    return next(covers, "")


def find_endpoint_service(resource: ResourceView, service: str) -> ResourceView | None:
    """What AWS says of the service of an endpoint; None if it doesn't list it. GapError if that is unknown."""
    return resource.look_up("ec2.endpoint_service", build_sibling_arn(resource, f"vpc-endpoint-service/{service}"))


def read_service_fact(resource: ResourceView, name: str, core: Any) -> Any:
    """A fact of an endpoint's service: `core` for a core service. None: AWS doesn't list it. GapError if unknown."""
    service = resource["service"]
    if strip_fips(service) in CORE_SERVICES:
        return core
    found = find_endpoint_service(resource, service)
    return None if found is None else found[name]


def find_vpc_paths(resource: ResourceView, vpc: str) -> ResourceView:
    """Where a VPC's routes lead and its private DNS zones. GapError if they were not read."""
    found = resource.look_up("ec2.vpc_paths", build_sibling_arn(resource, f"vpc/{vpc}"))
    if found is None:
        api, action = "ec2.DescribeRouteTables", "ec2:DescribeRouteTables"
        raise GapError(Gap(GapKind.NOT_READ, api, action, resource.region, NOT_COLLECTED))
    return found


def build_sibling_arn(resource: ResourceView, rest: str) -> str:
    """The ARN of something in EC2, in the account and region of another resource of EC2."""
    return f"{resource.arn.rpartition(':')[0]}:{rest}"


def explain_excluded_endpoint(resource: ResourceView, *types: str) -> str:
    """Why an endpoint is not judged: it has another type, or carries no traffic. Empty if it is judged."""
    if resource["endpoint_type"] not in types:
        return f"The endpoint is of the type {resource['endpoint_type']}."
    if resource["state"] in INACTIVE_STATES:
        return f"The endpoint carries no traffic: its state is {resource['state']}."
    return ""


def find_endpoint_vpc(endpoint: ResourceView) -> ResourceView:
    """The VPC of an endpoint. GapError if it was not read."""
    found = endpoint.look_up("ec2.vpc", build_sibling_arn(endpoint, f"vpc/{endpoint['vpc']}"))
    if found is None:
        raise GapError(Gap(GapKind.NOT_READ, "ec2.DescribeVpcs", "ec2:DescribeVpcs", endpoint.region, NOT_COLLECTED))
    return found
