"""EC2's networks and regional settings: VPCs as AWS lists them, services of endpoints, routes, encryption, snapshots."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends

from demo.cloud.handlers._pages import page
from demo.cloud.handlers.ec2 import asked_for
from demo.cloud.protocol import AwsError, Request
from demo.cloud.regions import WITHOUT_EC2MESSAGES
from demo.cloud.state import extra

# Whether endpoints of a service take a policy. AWS offers many more.
SERVICES = {
    **dict.fromkeys(("ssm", "ssmmessages", "ec2messages", "kms", "logs", "s3", "ec2", "sts", "kms-fips"), True),
    **dict.fromkeys(("ssm-fips", "ssmmessages-fips"), True),
    **dict.fromkeys(("email-smtp", "transfer.server"), False),
}


def describe_vpc_endpoint_services(request: Request) -> dict[str, Any]:
    prefix = f"com.amazonaws.{request.region}."
    names = {prefix + service: policies for service, policies in SERVICES.items()}
    if request.region in WITHOUT_EC2MESSAGES:
        del names[f"{prefix}ec2messages"]
    asked = [str(name) for name in request.params.get("ServiceName", [])]
    if unknown := [name for name in asked if name not in names]:
        raise AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{unknown[0]}' does not exist")
    wanted = asked_for(request, "service-name") or set(asked) or names.keys()
    found = [service_detail(request, name, policies) for name, policies in sorted(names.items()) if name in wanted]
    answer = page(request, found, "ServiceDetails", default=1000, most=1000)
    return answer | {"ServiceNames": [each["ServiceName"] for each in answer["ServiceDetails"]]}


def service_detail(request: Request, name: str, policies: bool) -> dict[str, Any]:
    private = f"{name.partition(f'.{request.region}.')[2]}.{request.region}.amazonaws.com"
    return {
        "ServiceName": name,
        "ServiceType": [{"ServiceType": "Interface"}],
        "Owner": "amazon",
        "PrivateDnsName": private,
        "PrivateDnsNames": [{"PrivateDnsName": private}],
        "VpcEndpointPolicySupported": policies,
        "AcceptanceRequired": False,
    }


def describe_vpcs(request: Request) -> dict[str, Any]:
    wanted = asked_for(request, "vpc-id")
    held = ec2_backends[request.account][request.region].vpcs.values()
    return page(
        request,
        [vpc for vpc in held if not wanted or vpc.id in wanted],
        "Vpcs",
        lambda vpc: describe_vpc(request, vpc),
        default=1000,
        most=1000,
    )


def describe_vpc(request: Request, vpc: Any) -> dict[str, Any]:
    return {
        "VpcId": vpc.id,
        "State": "available",
        "CidrBlock": vpc.cidr_block,
        "OwnerId": extra(request.account, request.region).vpc_owners.get(vpc.id, request.account),
        "IsDefault": False,
        "CidrBlockAssociationSet": [
            {"AssociationId": f"a-{vpc.id}", "CidrBlock": vpc.cidr_block, "CidrBlockState": {"State": "associated"}}
        ],
    }


def describe_route_tables(request: Request) -> dict[str, Any]:
    """Every VPC has its main table: a route inside the VPC, and those that lead out of it."""
    held, wanted = extra(request.account, request.region), asked_for(request, "vpc-id")
    tables = [
        {
            "RouteTableId": f"rtb-{vpc.id[4:]}",
            "VpcId": vpc.id,
            "OwnerId": request.account,
            "Routes": [
                {"DestinationCidrBlock": vpc.cidr_block, "GatewayId": "local", "State": "active"},
                {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": f"nat-{vpc.id[4:]}", "State": "active"},
                *(
                    {"DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": gateway, "State": "active"}
                    for gateway in held.vpc_routes.get(vpc.id, ())
                ),
            ],
        }
        for vpc in ec2_backends[request.account][request.region].vpcs.values()
        if (not wanted or vpc.id in wanted) and vpc.id not in held.vpc_owners
    ]
    return page(request, tables, "RouteTables", default=100, most=100)


def describe_vpc_encryption_controls(request: Request) -> dict[str, Any]:
    controls = [
        {
            "VpcId": vpc,
            "VpcEncryptionControlId": f"vpcec-{vpc[4:]}",
            "Mode": mode,
            "State": "available",
            "ResourceExclusions": {"VpcPeering": {"State": "disabled"}},
        }
        for vpc, mode in extra(request.account, request.region).vpc_encryption.items()
    ]
    return page(request, controls, "VpcEncryptionControls", default=1000, most=1000)


def list_hosted_zones_by_vpc(request: Request) -> dict[str, Any]:
    zones = extra(request.account, request.params["vpcregion"]).vpc_zones.get(request.params["vpcid"], ())
    found = [
        {"HostedZoneId": f"Z{number}", "Name": f"{name}.", "Owner": {"OwningAccount": request.account}}
        for number, name in enumerate(zones)
    ]
    return {"HostedZoneSummaries": found, "MaxItems": "100"}


def get_snapshot_block_public_access_state(request: Request) -> dict[str, Any]:
    return {"State": extra(request.account, request.region).snapshot_access, "ManagedBy": "account"}


def get_instance_metadata_defaults(request: Request) -> dict[str, Any]:
    """An account without a preference gets an empty AccountLevel."""
    tokens = extra(request.account, request.region).metadata_tokens
    return {"AccountLevel": {"HttpTokens": tokens, "ManagedBy": "account"} if tokens else {}}


def describe_snapshots(request: Request) -> dict[str, Any]:
    """Only the own ones that are public are in the demo."""
    ids = extra(request.account, request.region).public_snapshots
    found = [{"SnapshotId": id, "OwnerId": request.account, "State": "completed", "Encrypted": False} for id in ids]
    return page(request, found, "Snapshots", default=1000, most=1000)


HANDLERS = {
    "ec2.DescribeVpcEndpointServices": describe_vpc_endpoint_services,
    "ec2.DescribeVpcs": describe_vpcs,
    "ec2.DescribeRouteTables": describe_route_tables,
    "ec2.DescribeVpcEncryptionControls": describe_vpc_encryption_controls,
    "ec2.GetSnapshotBlockPublicAccessState": get_snapshot_block_public_access_state,
    "ec2.GetInstanceMetadataDefaults": get_instance_metadata_defaults,
    "ec2.DescribeSnapshots": describe_snapshots,
    "route53.ListHostedZonesByVPC": list_hosted_zones_by_vpc,
}
