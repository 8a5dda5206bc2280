"""Every VPC with managed nodes must have the endpoints that Systems Manager needs.

With interface endpoints, the traffic between nodes and Systems Manager stays inside AWS's network, and nodes need no
route to the internet. Without one, the traffic leaves the VPC, or its nodes lose their connection.

**What is judged.** For each VPC with managed nodes: whether it has an endpoint in the state *available*
for each of `ssm`, `ssmmessages` and `ec2messages` (`ec2.DescribeVpcEndpoints`), by the exact name of the
service. The reason also names those of `s3`, `logs`, `kms` and `ec2` that are missing, which some
features need.

**Not applicable** where no VPC of the region has managed nodes.

**Unknown** when the VPCs or the endpoints could not be listed, when AWS doesn't say in which VPC a node is
(the node may be in any), or when a needed endpoint is in a state that this version doesn't know.

**Limits.** Endpoints in another VPC that this one reaches by a transit gateway or peering are not
counted; nor are those of a VPC that another account shares. Agents since 3.3.40.0 use `ssmmessages` in
place of `ec2messages` where they can; this control still requires both.

**Source of the facts.** Systems Manager user guide, VPC endpoints; EC2 API reference,
DescribeVpcEndpoints and Instance (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.judgements import make_unrecognized_outcome
from scans.controls.lib.networks import AVAILABLE, INACTIVE_STATES, PENDING_STATES
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
    passed,
)

STATES = {AVAILABLE, *PENDING_STATES, *INACTIVE_STATES}
NEEDED = ("ssm", "ssmmessages", "ec2messages")
USEFUL = ("s3", "logs", "kms", "ec2")

CONTROL = Control(
    id="SSM-VP-001",
    file="ssm_vp_001",
    title="VPCs with nodes have their endpoints",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    version=2,  # 2: an endpoint in a state that this version doesn't know is neither present nor missing
    facts={"ec2.vpc": ("id", "has_nodes")},
    related={"ec2.vpc_endpoint": ("service", "state", "vpc")},
    container="arn:{p}:ec2:{r}:{a}:vpc/*",
    statements=("S25",),
    quote="create boundaries between resources in your managed nodes and control traffic between them",
    frameworks={"FSBP": ("EC2.57",)},
    empty_reason="No VPC in this region has managed nodes.",
    remediation=Remediation(
        summary="Create an interface endpoint for each service that is missing, in the nodes' subnets, with a security "
        "group that lets the VPC reach port 443. (In China the service names begin with cn.com.amazonaws.)",
        cli="for service in ssm ssmmessages ec2messages; do\n"
        "  aws ec2 create-vpc-endpoint --region {region} --vpc-id {id} --vpc-endpoint-type Interface "
        '--service-name "com.amazonaws.{region}.$service" --subnet-ids SUBNET_IDS --security-group-ids GROUP_ID '
        "--private-dns-enabled\ndone",
        code='resource "aws_vpc_endpoint" "ssm" {\n  for_each            = toset(["ssm", "ssmmessages", "ec2messages"])\n'
        '  vpc_id              = "{id}"\n  vpc_endpoint_type   = "Interface"\n'
        '  service_name        = "com.amazonaws.{region}.${each.key}"\n'
        "  subnet_ids          = var.subnets\n  security_group_ids  = [aws_security_group.endpoints.id]\n"
        "  private_dns_enabled = true\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if not resource["has_nodes"]:
        return None
    endpoints = [each for each in resource.all("ec2.vpc_endpoint") if each["vpc"] == resource["id"]]
    there = {each["service"] for each in endpoints if each["state"] == AVAILABLE}
    missing = [service for service in NEEDED if service not in there]
    useful = [service for service in USEFUL if service not in there]
    note = f" Some features also need: {', '.join(useful)}." if useful else ""
    doubtful = [each for each in endpoints if each["service"] in missing and each["state"] not in STATES]
    # An endpoint in an unknown state may serve. The VPC still fails if another needed service is certainly missing.
    if doubtful and not set(missing) - {each["service"] for each in doubtful}:
        return make_unrecognized_outcome(
            f"The endpoint for {doubtful[0]['service']} is in the state {doubtful[0]['state']}"
        )
    if missing:
        return failed(f"The VPC has managed nodes and lacks available endpoints for {', '.join(missing)}.{note}")
    return passed(f"The VPC has available endpoints for {', '.join(NEEDED)}.{note}")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Endpoints as the remediation's command creates them: with AWS's default policy."""
    there = [e["service"] for e in resource.all("ec2.vpc_endpoint") if e["vpc"] == resource["id"]]
    return tuple(_new_endpoint(resource, service) for service in NEEDED if service not in there) + tuple(
        fixes.set_facts(endpoint, state="available")
        for endpoint in resource.all("ec2.vpc_endpoint")
        if endpoint["vpc"] == resource["id"] and endpoint["service"] in NEEDED
    )


def _new_endpoint(resource: ResourceView, service: str) -> fixes.FixEffect:
    full = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
    facts = {
        "id": f"NEW_{service}",
        "service": service,
        "endpoint_type": "Interface",
        "state": "available",
        "vpc": resource["id"],
        "private_dns": True,
        "policy": full,
        "ingress_443": ["sg-GROUP_ID"],
    }
    arn = fixes.build_arn(resource, "ec2", f"vpc-endpoint/NEW_{service}")
    return fixes.FixEffect("ec2.vpc_endpoint", resource.region, arn, facts)


ARN = "arn:aws:ec2:eu-west-1:111122223333:"


def _case(name: str, verdict: Verdict | None, *services: str, **more: Any) -> Case:
    """services: of the VPC's available endpoints. more: odd (one more endpoint), refused, nodes."""
    endpoints: list[Any] = [{"service": each, "state": "available", "vpc": "vpc-1"} for each in services]
    endpoints += [more["odd"]] if "odd" in more else []
    return Case(
        name,
        verdict,
        {"id": "vpc-1", "has_nodes": more.get("nodes", True)},
        related={"ec2.vpc_endpoint": {f"{ARN}vpc-endpoint/vpce-{n}": each for n, each in enumerate(endpoints)}},
        related_gaps=("ec2.vpc_endpoint",) if more.get("refused") else (),
        arn=f"{ARN}vpc/vpc-1",
        reason_has=str(more.get("reason_has", "")),
    )


PENDING = {"service": "ssm", "state": "pendingacceptance", "vpc": "vpc-1"}
NEW = {"service": "ssm", "state": "halfway", "vpc": "vpc-1"}
ELSEWHERE = {"service": "ssm", "state": "available", "vpc": "vpc-2"}
RESOURCE = {"service": None, "state": "available", "vpc": "vpc-1"}
UNREAD = {"service": GAP, "state": GAP, "vpc": GAP}
CASES = [
    _case("all three", Verdict.PASS, *NEEDED),
    _case("all", Verdict.PASS, *NEEDED, *USEFUL),
    _case("all three, others named", Verdict.PASS, *NEEDED, "s3", reason_has="logs, kms, ec2"),
    _case("none", Verdict.FAIL),
    _case("one is missing", Verdict.FAIL, "ssm", "ec2messages", reason_has="for ssmmessages."),
    _case("ssmmessages is not ssm", Verdict.FAIL, "ssmmessages", "ec2messages", reason_has="for ssm."),
    _case("ec2messages is not ec2", Verdict.PASS, *NEEDED, "s3", "logs", "kms", reason_has="also need: ec2."),
    _case("one isn't available yet", Verdict.FAIL, "ssmmessages", "ec2messages", odd=PENDING),
    _case(
        "one is in a state that this version doesn't know",
        Verdict.UNKNOWN,
        "ssmmessages",
        "ec2messages",
        odd=NEW,
        reason_has="half",
    ),
    _case("one is in such a state, another is missing", Verdict.FAIL, "ssmmessages", odd=NEW),
    _case("one more of the service is in such a state", Verdict.PASS, *NEEDED, odd=NEW),
    _case("one is another VPC's", Verdict.FAIL, "ssmmessages", "ec2messages", odd=ELSEWHERE),
    _case("a resource's endpoint, which has no service", Verdict.PASS, *NEEDED, odd=RESOURCE),
    _case("a VPC without nodes", None, nodes=False),
    _case("the endpoints were refused", Verdict.UNKNOWN, refused=True),
    _case("an endpoint was not read", Verdict.UNKNOWN, "ssm", odd=UNREAD),
    _case("nodes not known", Verdict.UNKNOWN, *NEEDED, nodes=GAP),
]
