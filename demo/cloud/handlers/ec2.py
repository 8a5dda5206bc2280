"""EC2: the enabled regions, only the asked instance types, endpoints as AWS describes them."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES

from demo.cloud.handlers._pages import page
from demo.cloud.protocol import AwsError, Request
from demo.cloud.regions import OPT_IN, statuses


def describe_regions(request: Request) -> dict[str, Any]:
    """Those that the account has enabled; all of them only if asked."""
    asked = request.params.get("RegionName", [])
    everything = str(request.params.get("AllRegions", "false")).lower() == "true"
    found = [
        {"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": opted(name, status)}
        for name, status in sorted(statuses(request.account).items())
        if (everything or status != "DISABLED" or name in asked) and (not asked or name in asked)
    ]
    missing = sorted(set(asked) - {region["RegionName"] for region in found})
    if missing:
        raise AwsError("InvalidParameterValue", f"Invalid region name: {', '.join(missing)}")
    return {"Regions": found}


def opted(name: str, status: str) -> str:
    if name not in OPT_IN and status != "DISABLED":
        return "opt-in-not-required"
    return "not-opted-in" if status == "DISABLED" else "opted-in"


# Instances of these types run, but AWS no longer lists the type.
RETIRED_TYPES = {"m1.small"}


def describe_instance_types(request: Request) -> dict[str, Any]:
    """By name, one type that isn't offered makes the whole call fail; a filter leaves it out."""
    offered = INSTANCE_TYPES.keys() - RETIRED_TYPES
    wanted = [str(name) for name in request.params.get("InstanceType", [])]
    unknown = [name for name in wanted if name not in offered]
    if unknown:
        raise AwsError("InvalidInstanceType", f"The following supplied instance types do not exist: {unknown}")
    filtered = asked_for(request, "instance-type")
    found = sorted(offered & filtered) if filtered else wanted or sorted(offered)
    return page(request, found, "InstanceTypes", instance_type, default=100, most=100)


def asked_for(request: Request, name: str) -> set[str]:
    """The values of one filter; empty if the request has no such filter."""
    number = 1
    while given := request.params.get(f"Filter.{number}.Name"):
        if given == name:
            prefix = f"Filter.{number}.Value."
            return {str(value) for key, value in request.params.items() if key.startswith(prefix)}
        number += 1
    return set()


def instance_type(name: str) -> dict[str, Any]:
    known = INSTANCE_TYPES[name]
    return {
        "InstanceType": name,
        "Hypervisor": known.get("Hypervisor", "xen"),
        "NetworkInfo": {"EncryptionInTransitSupported": known["NetworkInfo"]["EncryptionInTransitSupported"]},
    }


def describe_vpc_endpoints(request: Request) -> dict[str, Any]:
    wanted = filters(request)
    ids = set(request.params.get("VpcEndpointId", []))
    held = [
        shaped
        for found in ec2_backends[request.account][request.region].vpc_end_points.values()
        if (not ids or found.id in ids) and fits(shaped := endpoint(request, found), wanted)
    ]
    return page(request, held, "VpcEndpoints", default=1000, most=1000)


FIELDS = {
    "vpc-id": "VpcId",
    "service-name": "ServiceName",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-type": "VpcEndpointType",
    "vpc-endpoint-state": "State",
}


def filters(request: Request) -> dict[str, set[str]]:
    """Field -> the values that Filter.n.Name and Filter.n.Value.m ask for."""
    found: dict[str, set[str]] = {}
    number = 1
    while name := request.params.get(f"Filter.{number}.Name"):
        if name not in FIELDS:
            raise AwsError("InvalidFilter", f"The filter '{name}' is invalid")
        prefix = f"Filter.{number}.Value."
        found[FIELDS[name]] = {str(v) for key, v in request.params.items() if key.startswith(prefix)}
        number += 1
    return found


def fits(shaped: dict[str, Any], wanted: dict[str, set[str]]) -> bool:
    return all(str(shaped[field]) in values for field, values in wanted.items())


def endpoint(request: Request, held: Any) -> dict[str, Any]:
    interface = held.vpc_endpoint_type == "Interface"
    return {
        "VpcEndpointId": held.id,
        "VpcEndpointType": held.vpc_endpoint_type,
        "VpcId": held.vpc_id,
        "ServiceName": held.service_name,
        "State": held.state,
        "PolicyDocument": held.policy_document,
        "PrivateDnsEnabled": bool(held.private_dns_enabled) if interface else False,
        "Groups": [{"GroupId": id, "GroupName": id} for id in held.security_group_ids] if interface else [],
        "OwnerId": request.account,
    }


def get_ebs_encryption_by_default(request: Request) -> dict[str, Any]:
    return {"EbsEncryptionByDefault": bool(ec2_backends[request.account][request.region].ebs_encryption_by_default)}


HANDLERS = {
    "ec2.DescribeRegions": describe_regions,
    "ec2.DescribeInstanceTypes": describe_instance_types,
    "ec2.DescribeVpcEndpoints": describe_vpc_endpoints,
    "ec2.GetEbsEncryptionByDefault": get_ebs_encryption_by_default,
}
