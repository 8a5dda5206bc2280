"""Parses EC2's answers about endpoints, security groups and VPCs into facts. Pure."""

from __future__ import annotations

from typing import Any

from scans.collectors.lib.strict_answers import (
    mapping_or_empty,
    parse_policy_document,
    require_flag,
    require_list,
    require_mapping,
    require_number,
    require_text,
    require_texts,
    text_or_none,
)

HTTPS_PORT = 443
# Protocols by name or number; -1 is every protocol, and then no ports are given.
TCP_PROTOCOLS = frozenset({"tcp", "6"})
# Endpoints of other types (Resource, ServiceNetwork, GatewayLoadBalancer, Tunnel) may have a target without a service
# name: EC2 API reference, VpcEndpoint, ResourceConfigurationArn and ServiceNetworkArn.
SERVICE_ENDPOINT_TYPES = frozenset({"Interface", "Gateway"})


def parse_endpoint(item: Any, region: str) -> dict[str, Any]:
    kind = require_text(item, "VpcEndpointType")
    groups = require_list(item, "Groups", []) if kind == "Interface" else []
    service = require_text(item, "ServiceName") if kind in SERVICE_ENDPOINT_TYPES else text_or_none(item, "ServiceName")
    return {
        "id": require_text(item, "VpcEndpointId"),
        "service": None if service is None else short_name(service, region),
        "endpoint_type": kind,
        "state": require_text(item, "State").lower(),
        "vpc": require_text(item, "VpcId"),
        "service_name": service,
        "private_dns": require_flag(item, "PrivateDnsEnabled", default=False),
        "groups": [require_text(group, "GroupId") for group in groups],
        "route_tables": require_texts(item, "RouteTableIds", []) if kind == "Gateway" else [],
    }


def short_name(service: str, region: str) -> str:
    """com.amazonaws.eu-west-1.ssm -> ssm, cn.com.amazonaws.cn-north-1.ssm too; other names stay whole."""
    _, found, rest = service.partition(f".{region}.")
    return rest if found and "vpce-svc" not in service else service


def parse_service(item: Any, region: str) -> tuple[str, dict[str, Any]]:
    """A service's short name and facts. private_names: by which its endpoints can be reached inside a VPC."""
    single = text_or_none(item, "PrivateDnsName")
    names = require_list(item, "PrivateDnsNames", None if single is None else [])
    private = {require_text(one, "PrivateDnsName") for one in names} | ({single} if single else set())
    facts = {"policies": require_flag(item, "VpcEndpointPolicySupported"), "private_names": sorted(private)}
    return short_name(require_text(item, "ServiceName"), region), facts


def parse_endpoint_policy(item: Any) -> dict[str, Any] | None:
    """The endpoint's policy; None if this type of endpoint has none."""
    return None if item.get("PolicyDocument") in (None, "") else parse_policy_document(item["PolicyDocument"])


def list_active_peers(connections: list[Any], vpc: str) -> list[dict[str, str | None]]:
    """The other ends of a VPC's active peering connections."""
    found: list[dict[str, str | None]] = []
    for connection in connections:
        if require_text(require_mapping(connection, "Status"), "Code") == "active":
            ends = [parse_peering_end(connection, side) for side in ("RequesterVpcInfo", "AccepterVpcInfo")]
            found += [one for one in ends if one["vpc"] != vpc] if vpc in {one["vpc"] for one in ends} else []
    return sorted(found, key=lambda one: (str(one["account"]), str(one["vpc"])))


def parse_peering_end(connection: Any, side: str) -> dict[str, str | None]:
    info = require_mapping(connection, side)
    return {
        "vpc": require_text(info, "VpcId"),
        "account": require_text(info, "OwnerId"),
        "region": text_or_none(info, "Region"),
    }


def list_https_sources(group: Any) -> list[str]:
    return [
        source
        for rule in require_list(group, "IpPermissions", [])
        if admits_https(rule)
        for source in list_rule_sources(rule)
    ]


def admits_https(rule: Any) -> bool:
    protocol = require_text(rule, "IpProtocol")
    if protocol == "-1":
        return True
    return protocol in TCP_PROTOCOLS and require_number(rule, "FromPort") <= HTTPS_PORT <= require_number(
        rule, "ToPort"
    )


def list_rule_sources(rule: Any) -> list[str]:
    lists = {
        "IpRanges": "CidrIp",
        "Ipv6Ranges": "CidrIpv6",
        "UserIdGroupPairs": "GroupId",
        "PrefixListIds": "PrefixListId",
    }
    return [require_text(one, name) for key, name in lists.items() for one in require_list(rule, key, [])]


def parse_vpc(item: Any) -> dict[str, Any]:
    return {"cidrs": list_vpc_cidrs(item), "owner": require_text(item, "OwnerId")}


def list_vpc_cidrs(vpc: Any) -> list[str]:
    """Every associated range of a VPC. Removed ranges are still listed for a while, in another state."""
    found = {require_text(vpc, "CidrBlock")}
    for key, block, state in (
        ("CidrBlockAssociationSet", "CidrBlock", "CidrBlockState"),
        ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState"),
    ):
        for one in require_list(vpc, key, []):
            if require_text(require_mapping(one, state), "State") == "associated":
                found.add(require_text(one, block))
    return sorted(found)


# What a route may lead to without leaving for another private network: EC2 API reference, Route.
OPEN_TARGETS = ("NatGatewayId", "EgressOnlyInternetGatewayId", "CarrierGatewayId")
OPEN_GATEWAYS = ("local", "igw-", "eigw-", "VpcLattice")
# Other private networks, or appliances that may lead there.
PRIVATE_TARGETS = (
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "CoreNetworkArn",
    "LocalGatewayId",
    "OdbNetworkArn",
    "NetworkInterfaceId",
    "InstanceId",
)


def list_private_routes(table: Any) -> list[str]:
    """What the routes of a table lead to that may be another private network. Routes to nothing don't count."""
    targets = [find_private_target(route) for route in require_list(table, "Routes")]
    learned = [require_text(one, "GatewayId") for one in require_list(table, "PropagatingVgws", [])]
    return sorted({target for target in targets if target} | set(learned))


def find_private_target(route: Any) -> str | None:
    """None for a route inside the VPC, to the internet, to a gateway endpoint, or to what is no longer there."""
    if require_text(route, "State") == "blackhole":
        return None
    private = [found for key in PRIVATE_TARGETS if (found := text_or_none(route, key))]
    if private:
        return private[0]
    if any(text_or_none(route, key) for key in OPEN_TARGETS):
        return None
    gateway = require_text(route, "GatewayId")  # a route to a target that isn't known here can't be read
    to_service = gateway.startswith("vpce-") and text_or_none(route, "DestinationPrefixListId")
    return None if gateway.startswith(OPEN_GATEWAYS) or to_service else gateway


def parse_encryption_control(item: Any) -> dict[str, Any]:
    peering = mapping_or_empty(mapping_or_empty(item, "ResourceExclusions"), "VpcPeering")
    return {
        "mode": require_text(item, "Mode"),
        "state": require_text(item, "State"),
        "peering_excluded": text_or_none(peering, "State") not in (None, "disabled"),
    }
