"""Interface endpoints must be reachable by the services' own names.

Agents, SDKs and the CLI resolve the ordinary name of a service, such as `ssm.eu-west-1.amazonaws.com`. Only with
private DNS does that name lead to the endpoint inside the VPC; without it, the endpoint is unused and the traffic
takes the public route.

**What is judged.** For each interface endpoint, `PrivateDnsEnabled` (`ec2.DescribeVpcEndpoints`) and
whether its VPC has DNS support and DNS hostnames on (`ec2.DescribeVpcAttribute`), without which private
DNS has no effect. An endpoint without private DNS passes if another available endpoint of the same service and
VPC has it (AWS allows it for one only), or is a gateway endpoint with a route table: then routes lead the traffic
there.

**Not applicable** for gateway and other kinds of endpoints, for one that is being deleted, for one of a
service that isn't AWS's (`vpce-svc-…`): its provider decides whether it has a private name, and for one of a service
that has none (`ec2.DescribeVpcEndpointServices`).

**Unknown** when the endpoint or its VPC could not be read. Also where the endpoint has no private DNS, and its VPC uses
a private hosted zone of this or another account for the service's name (`route53.ListHostedZonesByVPC`), as endpoints
that serve several VPCs do: where the zone's records lead is not read.

**Limits.** Resolver rules, Route 53 profiles and DNS servers of one's own are not seen, nor which subnets use
the route tables of a gateway endpoint.

**Source of the facts.** VPC PrivateLink guide, private DNS
(https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html); Route 53 API reference, ListHostedZonesByVPC
(https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByVPC.html); EC2 API reference,
[DescribeVpcEndpoints](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html) and
[DescribeVpcEndpointServices](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServices.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.networks import (
    explain_excluded_endpoint,
    find_covering_zone,
    find_endpoint_vpc,
    find_vpc_paths,
    list_service_hosts,
    read_service_fact,
    strip_fips,
)
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    not_applicable,
    passed,
    unknown,
)

# In the names of services that AWS's customers and partners offer: VPC PrivateLink guide, manage DNS names.
CUSTOM = ".vpce-svc-"

CONTROL = Control(
    id="SSM-VP-002",
    file="ssm_vp_002",
    title="Endpoints answer to the services' names",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    # 2: services of other providers are not judged. 3: a gateway endpoint counts if a route table uses it.
    # 4: services without a private name are not judged; a private hosted zone may lead to the endpoint.
    version=4,
    facts={"ec2.vpc_endpoint": ("service", "endpoint_type", "state", "vpc", "private_dns")},
    related={
        "ec2.vpc": ("dns_support", "dns_hostnames"),
        "ec2.vpc_endpoint": ("service", "endpoint_type", "state", "vpc", "private_dns", "route_tables"),
        "ec2.vpc_paths": ("zones",),
        "ec2.endpoint_service": ("private_names",),
    },
    container="arn:{p}:ec2:{r}:{a}:vpc-endpoint/*",
    statements=("S25",),
    quote="create boundaries between resources in your managed nodes and control traffic between them",
    empty_reason="The region has no VPC endpoints.",
    remediation=Remediation(
        summary="Turn on both DNS attributes of the VPC, then private DNS of the endpoint. From then on the service's "
        "name leads to the endpoint, so let its security group admit all of the VPC's clients first.",
        cli="aws ec2 modify-vpc-attribute --region {region} --vpc-id {vpc} --enable-dns-support Value=true\n"
        "aws ec2 modify-vpc-attribute --region {region} --vpc-id {vpc} --enable-dns-hostnames Value=true\n"
        "aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {name} --private-dns-enabled",
        code='resource "aws_vpc" "this" {\n  enable_dns_support   = true\n  enable_dns_hostnames = true\n}\n\n'
        'resource "aws_vpc_endpoint" "this" {\n  vpc_id              = "{vpc}"\n  private_dns_enabled = true\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    outside = explain_excluded_endpoint(resource, "Interface")
    if outside:
        return not_applicable(outside)
    service = resource["service"]
    if CUSTOM in service:
        return not_applicable(f"The endpoint is one of the service {service}, which isn't AWS's.")
    others = [] if resource["private_dns"] else _list_other_endpoints(resource)
    # Routes work by address, so neither private DNS nor the VPC's DNS attributes matter here.
    if any(other["endpoint_type"] == "Gateway" and other["route_tables"] for other in others):
        return passed(f"Inside the VPC, routes lead to a gateway endpoint of {service}.")
    if not resource["private_dns"] and not any(other["private_dns"] for other in others):
        return _judge_without_private_dns(resource)
    vpc = find_endpoint_vpc(resource)
    off = [said for name, said in (("dns_support", "DNS support"), ("dns_hostnames", "DNS hostnames")) if not vpc[name]]
    if off:
        return failed(f"The endpoint's VPC has {' and '.join(off)} turned off, so private DNS does nothing.")
    return passed(f"Inside the VPC, the name of {service} leads to an endpoint.")


def _judge_without_private_dns(resource: ResourceView) -> Outcome:
    service = resource["service"]
    guessed = list_service_hosts(strip_fips(service), resource.region)
    names = read_service_fact(resource, "private_names", guessed)
    if names == []:
        return not_applicable(f"AWS gives endpoints of {service} no private name.")
    zone = find_covering_zone(find_vpc_paths(resource, resource["vpc"])["zones"], names or guessed)
    if zone:
        return unknown(
            f"The endpoint has no private DNS, and its VPC uses the private hosted zone {zone}: whether its records lead "
            "to the endpoint isn't known."
        )
    if names is None:
        return unknown(f"The endpoint has no private DNS, and whether AWS offers it for {service} isn't known.")
    return failed(f"The endpoint has no private DNS, so the name of {service} doesn't lead to it.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (
        fixes.set_facts(find_endpoint_vpc(resource), dns_support=True, dns_hostnames=True),
        fixes.set_facts(resource, private_dns=True),
    )


def _list_other_endpoints(resource: ResourceView) -> list[ResourceView]:
    """The other endpoints of the same service and VPC that carry traffic."""
    place = (resource["vpc"], resource["service"], "available")
    return [
        other
        for other in resource.all("ec2.vpc_endpoint")
        if other.arn != resource.arn and (other["vpc"], other["service"], other["state"]) == place
    ]


OTHERS = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
ARN = "arn:aws:ec2:eu-west-1:111122223333:"
ENDPOINT = {
    "service": "ssm",
    "endpoint_type": "Interface",
    "state": "available",
    "vpc": "vpc-1",
    "private_dns": True,
    "route_tables": [],
}
GATEWAY = {"service": "s3", "endpoint_type": "Gateway", "private_dns": False, "route_tables": ["rtb-1"]}

PRIVATE_NAMES = {"bare": [], "monitoring": ["monitoring.eu-west-1.amazonaws.com"], "unread": GAP}


def _case(name: str, verdict: Verdict, *, vpc: Any = (True, True), other: Any = None, **changed: Any) -> Case:
    """vpc: its DNS support and hostnames. other: what another endpoint has that this one hasn't."""
    gaps, zones = changed.pop("refused", ()), changed.pop("zones", [])
    names = {f"{ARN}vpc-endpoint-service/{n}": {"private_names": each} for n, each in PRIVATE_NAMES.items()}
    attributes = {f"{ARN}vpc/vpc-1": {"dns_support": vpc[0], "dns_hostnames": vpc[1]}} if vpc else {}
    others: Mapping[str, Any] = {f"{ARN}vpc-endpoint/vpce-2": ENDPOINT | other} if other is not None else {}
    return Case(
        name,
        verdict,
        ENDPOINT | changed,
        related={
            "ec2.vpc": attributes,
            "ec2.vpc_endpoint": others,
            "ec2.vpc_paths": {f"{ARN}vpc/vpc-1": {"zones": zones}},
            "ec2.endpoint_service": {} if "ec2.endpoint_service" in gaps else names,
        },
        related_gaps=gaps,
        arn=f"{ARN}vpc-endpoint/vpce-1",
    )


CASES = [
    _case("private DNS, in a VPC with DNS", Verdict.PASS),
    _case("no private DNS", Verdict.FAIL, private_dns=False),
    _case("another endpoint of the service has it", Verdict.PASS, private_dns=False, other={}),
    _case("another service's endpoint has it", Verdict.FAIL, private_dns=False, other={"service": "ssmmessages"}),
    _case("another VPC's endpoint has it", Verdict.FAIL, private_dns=False, other={"vpc": "vpc-2"}),
    _case("another endpoint has it and isn't available", Verdict.FAIL, private_dns=False, other={"state": "pending"}),
    _case(
        "a gateway endpoint of the service",
        Verdict.PASS,
        service="s3",
        private_dns=False,
        other=GATEWAY,
        vpc=(True, False),
    ),
    _case(
        "a gateway endpoint that no route table has",
        Verdict.FAIL,
        service="s3",
        private_dns=False,
        other=GATEWAY | {"route_tables": []},
    ),
    _case(
        "a gateway endpoint whose route tables weren't read",
        Verdict.UNKNOWN,
        service="s3",
        private_dns=False,
        other=GATEWAY | {"route_tables": GAP},
    ),
    _case(
        "a gateway endpoint of another service",
        Verdict.FAIL,
        service="s3",
        private_dns=False,
        other=GATEWAY | {"service": "dynamodb"},
    ),
    _case("a service of others", Verdict.NOT_APPLICABLE, service=OTHERS, private_dns=False),
    _case("a private zone of its name", Verdict.UNKNOWN, private_dns=False, zones=["x", "ssm.eu-west-1.amazonaws.com"]),
    _case("private zones of other names", Verdict.FAIL, private_dns=False, zones=["corp.example"]),
    _case("the zones were refused", Verdict.UNKNOWN, private_dns=False, zones=GAP),
    _case("a FIPS twin", Verdict.FAIL, private_dns=False, service="kms-fips"),
    _case("a service with a private name", Verdict.FAIL, private_dns=False, service="monitoring"),
    _case("a service without a private name", Verdict.NOT_APPLICABLE, private_dns=False, service="bare"),
    _case("a service that AWS doesn't list", Verdict.UNKNOWN, private_dns=False, service="later"),
    _case("a service that wasn't read", Verdict.UNKNOWN, private_dns=False, service="unread"),
    _case(
        "the services were refused",
        Verdict.UNKNOWN,
        private_dns=False,
        service="monitoring",
        refused=("ec2.endpoint_service",),
    ),
    _case("the same, of Systems Manager", Verdict.FAIL, private_dns=False, refused=("ec2.endpoint_service",)),
    _case("the VPC has no DNS support", Verdict.FAIL, vpc=(False, True)),
    _case("the VPC has no DNS hostnames", Verdict.FAIL, vpc=(True, False)),
    _case("a gateway endpoint", Verdict.NOT_APPLICABLE, endpoint_type="Gateway", service="s3", private_dns=False),
    _case("an endpoint that is deleted", Verdict.NOT_APPLICABLE, state="deleted", private_dns=False),
    _case("the VPC's attributes were refused", Verdict.UNKNOWN, vpc=(True, GAP)),
    _case("the VPCs were refused", Verdict.UNKNOWN, vpc=None, refused=("ec2.vpc",)),
    _case("the VPC was not read", Verdict.UNKNOWN, vpc=None),
    _case("other endpoints were refused", Verdict.UNKNOWN, private_dns=False, refused=("ec2.vpc_endpoint",)),
    _case("the endpoint was not read", Verdict.UNKNOWN, private_dns=GAP),
]
