"""EC2's answers about endpoints, security groups and VPCs, as facts. Pure."""

from __future__ import annotations

from typing import Any

from scans.collectors.lib.strict_answers import document, flag, listed, mapping, number, text, text_or_none, texts

HTTPS = 443
# Protocols by name or number; -1 is every protocol, and then no ports are given.
TCP = frozenset({"tcp", "6"})
# Endpoints of the other types (Resource, ServiceNetwork, GatewayLoadBalancer, Tunnel) may lead to something without a
# service's name: EC2 API reference, VpcEndpoint, ResourceConfigurationArn and ServiceNetworkArn.
OF_SERVICES = frozenset({"Interface", "Gateway"})


def endpoint(item: Any, region: str) -> dict[str, Any]:
    kind = text(item, "VpcEndpointType")
    groups = listed(item, "Groups", []) if kind == "Interface" else []
    service = text(item, "ServiceName") if kind in OF_SERVICES else text_or_none(item, "ServiceName")
    return {
        "id": text(item, "VpcEndpointId"),
        "service": None if service is None else short_name(service, region),
        "endpoint_type": kind,
        "state": text(item, "State").lower(),
        "vpc": text(item, "VpcId"),
        "private_dns": flag(item, "PrivateDnsEnabled", default=False),
        "groups": [text(group, "GroupId") for group in groups],
        "route_tables": texts(item, "RouteTableIds", []) if kind == "Gateway" else [],
    }


def short_name(service: str, region: str) -> str:
    """com.amazonaws.eu-west-1.ssm -> ssm, cn.com.amazonaws.cn-north-1.ssm too; other names stay whole."""
    _, found, rest = service.partition(f".{region}.")
    return rest if found and "vpce-svc" not in service else service


def policy(item: Any) -> dict[str, Any] | None:
    """None: this type of endpoint takes no policy."""
    return None if item.get("PolicyDocument") in (None, "") else document(item["PolicyDocument"])


def peers(connections: list[Any], vpc: str) -> list[dict[str, str | None]]:
    """The other ends of a VPC's active peering connections."""
    found: list[dict[str, str | None]] = []
    for connection in connections:
        if text(mapping(connection, "Status"), "Code") == "active":
            ends = [end(connection, side) for side in ("RequesterVpcInfo", "AccepterVpcInfo")]
            found += [one for one in ends if one["vpc"] != vpc] if vpc in {one["vpc"] for one in ends} else []
    return sorted(found, key=lambda one: (str(one["account"]), str(one["vpc"])))


def end(connection: Any, side: str) -> dict[str, str | None]:
    info = mapping(connection, side)
    return {"vpc": text(info, "VpcId"), "account": text(info, "OwnerId"), "region": text_or_none(info, "Region")}


def sources_443(group: Any) -> list[str]:
    return [source for rule in listed(group, "IpPermissions", []) if admits_https(rule) for source in sources(rule)]


def admits_https(rule: Any) -> bool:
    protocol = text(rule, "IpProtocol")
    if protocol == "-1":
        return True
    return protocol in TCP and number(rule, "FromPort") <= HTTPS <= number(rule, "ToPort")


def sources(rule: Any) -> list[str]:
    lists = {
        "IpRanges": "CidrIp",
        "Ipv6Ranges": "CidrIpv6",
        "UserIdGroupPairs": "GroupId",
        "PrefixListIds": "PrefixListId",
    }
    return [text(one, name) for key, name in lists.items() for one in listed(rule, key, [])]


def vpc(item: Any) -> dict[str, Any]:
    return {"cidrs": cidrs(item), "owner": text(item, "OwnerId")}


def cidrs(vpc: Any) -> list[str]:
    """Every range of a VPC, later ones too; ranges that were taken away are still listed for a while."""
    found = {text(vpc, "CidrBlock")}
    for key, block, state in (
        ("CidrBlockAssociationSet", "CidrBlock", "CidrBlockState"),
        ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState"),
    ):
        for one in listed(vpc, key, []):
            if text(mapping(one, state), "State") == "associated":
                found.add(text(one, block))
    return sorted(found)
