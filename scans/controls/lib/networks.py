"""Reads address ranges, endpoints and their VPCs for the controls on VPC endpoints. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from accounts.aws.gaps import Gap, GapError, GapKind
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


def explain_excluded_endpoint(resource: ResourceView, *types: str) -> str:
    """Why an endpoint is not judged: it has another type, or carries no traffic. Empty if it is judged."""
    if resource["endpoint_type"] not in types:
        return f"The endpoint is of the type {resource['endpoint_type']}."
    if resource["state"] in INACTIVE_STATES:
        return f"The endpoint carries no traffic: its state is {resource['state']}."
    return ""


def find_endpoint_vpc(endpoint: ResourceView) -> ResourceView:
    """The VPC of an endpoint. GapError if it was not read."""
    found = endpoint.look_up("ec2.vpc", endpoint.arn.rpartition(":")[0] + f":vpc/{endpoint['vpc']}")
    if found is None:
        raise GapError(Gap(GapKind.NOT_READ, "ec2.DescribeVpcs", "ec2:DescribeVpcs", endpoint.region, "NotCollected"))
    return found
