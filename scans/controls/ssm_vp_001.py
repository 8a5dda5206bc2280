"""Every VPC with managed nodes must have the endpoints that Systems Manager needs.

With interface endpoints, the traffic between nodes and Systems Manager stays inside AWS's network, and nodes need no
route to the internet. Without one, the traffic leaves the VPC, or its nodes lose their connection.

**What is judged.** For each VPC with managed nodes: whether it has an endpoint in the state *available*
for each of `ssm` and `ssmmessages` (`ec2.DescribeVpcEndpoints`). Endpoints of their FIPS twins
(`ssm-fips`, `ssmmessages-fips`) count, as do dual-stack ones. The reason also names those of `s3`, `logs`, `kms` and `ec2`
that are missing, which some features need.

`ec2messages` is needed only where a node's agent is older than 3.3.40.0 (`ssm.DescribeInstanceInformation`) and the
region offers the service (`ec2.DescribeVpcEndpointServices`): newer agents use `ssmmessages` in its place, and regions
that were launched in 2024 or later don't have it.

**Not applicable** where no VPC of the region has managed nodes.

**Unknown** when the VPCs or the endpoints could not be listed, when AWS doesn't say in which VPC a node is
(the node may be in any), or when a needed endpoint is in a state that this version doesn't know. Where an endpoint is
missing, it is unknown also if endpoints elsewhere may serve the nodes:

* another account shares the VPC: only its owner can create and see its endpoints;
* routes of the VPC lead to other private networks (a transit gateway, a peering connection, Cloud WAN, a VPN,
  an appliance; `ec2.DescribeRouteTables`);
* the VPC uses a private DNS zone for the service's name (`route53.ListHostedZonesByVPC`).

And where `ec2messages` is missing, if the version of a node's agent isn't known.

**Limits.** Whether endpoints in another VPC really serve the nodes is not judged.

**Source of the facts.** Systems Manager user guide, VPC endpoints
(https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html) and message APIs
(https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html); VPC user
guide, owners and participants of a shared VPC
(https://docs.aws.amazon.com/vpc/latest/userguide/vpc-share-limitations.html); EC2 API reference, DescribeVpcEndpoints
and Instance (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import make_unrecognized_outcome, read_fact_or_gaps
from scans.controls.lib.networks import (
    AVAILABLE,
    INACTIVE_STATES,
    PENDING_STATES,
    find_covering_zone,
    find_endpoint_service,
    find_vpc_paths,
    list_service_hosts,
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
    passed,
    unknown,
)

STATES = {AVAILABLE, *PENDING_STATES, *INACTIVE_STATES}
NEEDED = ("ssm", "ssmmessages")
# Needed by agents before this version, where the region offers it: the page on message APIs that is named above.
OPTIONAL, OPTIONAL_SINCE = "ec2messages", (3, 3, 40, 0)
USEFUL = ("s3", "logs", "kms", "ec2")

CONTROL = Control(
    id="SSM-VP-001",
    file="ssm_vp_001",
    title="VPCs with nodes have their endpoints",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    # 2: an endpoint in a state that this version doesn't know is neither present nor missing. 3: ec2messages is needed by
    # old agents only; FIPS twins count; shared VPCs and those that may use endpoints elsewhere don't fail.
    version=3,
    facts={"ec2.vpc": ("id", "has_nodes")},
    related={
        "ec2.vpc": ("owner", "agents"),
        "ec2.vpc_endpoint": ("service", "state", "vpc"),
        "ec2.vpc_paths": ("routes", "zones"),
        "ec2.endpoint_service": ("id",),
    },
    container="arn:{p}:ec2:{r}:{a}:vpc/*",
    statements=("S25",),
    quote="create boundaries between resources in your managed nodes and control traffic between them",
    frameworks=security_hub.map_requirements("EC2.57"),
    empty_reason="No VPC in this region has managed nodes.",
    remediation=Remediation(
        summary="Create an interface endpoint for each service that is missing, in the nodes' subnets, with a security "
        "group that lets the VPC reach port 443. (In China the service names begin with cn.com.amazonaws.) Update agents older than "
        "3.3.40.0, which also need ec2messages.",
        cli="for service in ssm ssmmessages; do\n"
        "  aws ec2 create-vpc-endpoint --region {region} --vpc-id {id} --vpc-endpoint-type Interface "
        '--service-name "com.amazonaws.{region}.$service" --subnet-ids SUBNET_IDS --security-group-ids GROUP_ID '
        "--private-dns-enabled\ndone",
        code='resource "aws_vpc_endpoint" "ssm" {\n  for_each            = toset(["ssm", "ssmmessages"])\n'
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
    there = {strip_fips(each["service"]) for each in endpoints if each["state"] == AVAILABLE}
    useful = [service for service in USEFUL if service not in there]
    note = f" Some features also need: {', '.join(useful)}." if useful else ""
    missing = [service for service in NEEDED if service not in there]
    own = resource.look_up("ec2.vpc", resource.arn) or resource
    untold = False
    if not missing and OPTIONAL not in there:
        old, untold = _needs_optional(own)
        missing = [OPTIONAL] if old else []
    if missing:
        return _judge_missing(resource, own, endpoints, missing, note)
    if untold:
        return unknown(
            f"The VPC has no available endpoint for {OPTIONAL}, which agents before 3.3.40.0 need, and the version of "
            "a node's agent isn't known."
        )
    return passed(f"The VPC has available endpoints for {', '.join(NEEDED)}, which is all that its nodes need.{note}")


def _needs_optional(own: ResourceView) -> tuple[bool, bool]:
    """Whether a node needs ec2messages, and whether that isn't known. GapError if the region's services aren't known."""
    versions = {agent: _parse_version(agent) for agent in own["agents"]}
    old = any(version is not None and version < OPTIONAL_SINCE for version in versions.values())
    untold = None in versions.values()
    if not (old or untold) or find_endpoint_service(own, OPTIONAL) is None:
        return False, False
    return old, untold


def _parse_version(agent: str | None) -> tuple[int, ...] | None:
    """3.3.987.0 as numbers; None if it isn't known or is no such version."""
    parts = (agent or "").split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else None


def _judge_missing(
    resource: ResourceView, own: ResourceView, endpoints: list[ResourceView], missing: list[str], note: str
) -> Outcome:
    names = ", ".join(missing)
    if own["owner"] != resource.account:
        return unknown(
            f"The VPC has managed nodes, and the account {own['owner']} shares it: only that account can see whether it "
            f"has endpoints for {names}."
        )
    doubtful = [each for each in endpoints if strip_fips(each["service"]) in missing and each["state"] not in STATES]
    # An endpoint in an unknown state may serve. The VPC still fails if another needed service is certainly missing.
    if doubtful and not set(missing) - {strip_fips(each["service"]) for each in doubtful}:
        return make_unrecognized_outcome(
            f"The endpoint for {doubtful[0]['service']} is in the state {doubtful[0]['state']}"
        )
    paths = find_vpc_paths(resource, resource["id"])
    if paths["routes"]:
        return unknown(
            f"The VPC has no available endpoints for {names}, and its routes lead to {', '.join(paths['routes'])}: "
            "whether its nodes use endpoints there isn't known."
        )
    hosts = [host for service in missing for host in list_service_hosts(service, resource.region)]
    # Where no route leads out of the VPC, zones that could not be read don't matter.
    zone = find_covering_zone(read_fact_or_gaps(paths, "zones")[0] or (), hosts)
    if zone:
        return unknown(
            f"The VPC has no available endpoints for {names}, and uses the private DNS zone {zone}: whether its records "
            "lead to endpoints elsewhere isn't known."
        )
    return failed(f"The VPC has managed nodes and lacks available endpoints for {names}.{note}")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Agents of today, and endpoints as the remediation's command creates them: with AWS's default policy."""
    there = [e["service"] for e in resource.all("ec2.vpc_endpoint") if e["vpc"] == resource["id"]]
    return (
        fixes.set_facts(resource, agents=["3.3.40.0"]),
        *(_new_endpoint(resource, service) for service in NEEDED if service not in there),
        *(
            fixes.set_facts(endpoint, state="available")
            for endpoint in resource.all("ec2.vpc_endpoint")
            if endpoint["vpc"] == resource["id"] and endpoint["service"] in NEEDED
        ),
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
NEW_AGENT, OLD_AGENT = "3.3.987.0", "3.2.2222.0"


def _case(name: str, verdict: Verdict | None, *services: str, **more: Any) -> Case:
    """services: of the VPC's available endpoints. more: odd (one more endpoint), refused types, nodes, agents, owner,
    routes, zones, offered (whether the region has ec2messages)."""
    endpoints: list[Any] = [{"service": each, "state": "available", "vpc": "vpc-1"} for each in services]
    endpoints += [more["odd"]] if "odd" in more else []
    about = {"owner": more.get("owner", "111122223333"), "agents": more.get("agents", [NEW_AGENT])}
    paths = {"routes": more.get("routes", []), "zones": more.get("zones", [])}
    offered = {f"{ARN}vpc-endpoint-service/{OPTIONAL}": {"id": OPTIONAL}} if more.get("offered", True) else {}
    return Case(
        name,
        verdict,
        {"id": "vpc-1", "has_nodes": more.get("nodes", True)},
        related={
            "ec2.vpc": {f"{ARN}vpc/vpc-1": about},
            "ec2.vpc_endpoint": {f"{ARN}vpc-endpoint/vpce-{n}": each for n, each in enumerate(endpoints)},
            "ec2.vpc_paths": {f"{ARN}vpc/vpc-1": paths},
            "ec2.endpoint_service": offered,
        },
        related_gaps=more.get("refused", ()),
        arn=f"{ARN}vpc/vpc-1",
        reason_has=str(more.get("reason_has", "")),
    )


def _endpoint(service: object, state: object = "available", vpc: object = "vpc-1") -> dict[str, object]:
    return {"service": service, "state": state, "vpc": vpc}


OTHERS = "444455556666"
BLIND: dict[str, Any] = {"offered": False, "refused": ("ec2.endpoint_service",)}
CASES = [
    _case("both, new agents", Verdict.PASS, *NEEDED),
    _case("both and all others", Verdict.PASS, *NEEDED, OPTIONAL, *USEFUL),
    _case("both, others named", Verdict.PASS, *NEEDED, "s3", reason_has="logs, kms, ec2"),
    _case("the FIPS twins", Verdict.PASS, "ssm-fips", "ssmmessages-fips"),
    _case("another service that ends like a twin", Verdict.FAIL, "ssm-contacts-fips", "ssmmessages"),
    _case("none", Verdict.FAIL),
    _case("one is missing", Verdict.FAIL, "ssm", OPTIONAL, reason_has="for ssmmessages."),
    _case("ssmmessages is not ssm", Verdict.FAIL, "ssmmessages", OPTIONAL, reason_has="for ssm."),
    _case("ec2messages is not ec2", Verdict.PASS, *NEEDED, OPTIONAL, "s3", "logs", "kms", reason_has="need: ec2."),
    _case("an old agent", Verdict.FAIL, *NEEDED, agents=[NEW_AGENT, OLD_AGENT], reason_has="for ec2messages."),
    _case("the last agent of old", Verdict.FAIL, *NEEDED, agents=["3.3.39.999"]),
    _case("the first new agent", Verdict.PASS, *NEEDED, agents=["3.3.40.0"]),
    _case("an old agent, with ec2messages", Verdict.PASS, *NEEDED, OPTIONAL, agents=[OLD_AGENT]),
    _case("an old agent in a region without it", Verdict.PASS, *NEEDED, agents=[OLD_AGENT], offered=False),
    _case("an old agent and nothing there", Verdict.FAIL, agents=[OLD_AGENT], reason_has="for ssm, ssmmessages."),
    _case("an agent of an unknown version", Verdict.UNKNOWN, *NEEDED, agents=[NEW_AGENT, None]),
    _case("the same in a region without ec2messages", Verdict.PASS, *NEEDED, agents=[None], offered=False),
    _case("an unknown and an old one", Verdict.FAIL, *NEEDED, agents=[None, OLD_AGENT]),
    _case("an old agent, the services refused", Verdict.UNKNOWN, *NEEDED, agents=[OLD_AGENT], **BLIND),
    _case("a new agent, the services refused", Verdict.PASS, *NEEDED, **BLIND),
    _case("the agents weren't read", Verdict.UNKNOWN, *NEEDED, agents=GAP),
    _case("the agents weren't read, with all endpoints", Verdict.PASS, *NEEDED, OPTIONAL, agents=GAP, owner=GAP),
    _case("a shared VPC without any", Verdict.UNKNOWN, owner=OTHERS, reason_has=f"the account {OTHERS} shares it"),
    _case("a shared VPC with both", Verdict.PASS, *NEEDED, owner=OTHERS),
    _case("a route to a transit gateway", Verdict.UNKNOWN, routes=["tgw-1"], reason_has="to tgw-1"),
    _case("the routes were refused", Verdict.UNKNOWN, routes=GAP),
    _case("a private zone of the service", Verdict.UNKNOWN, "ssmmessages", zones=["ssm.eu-west-1.amazonaws.com"]),
    _case("a private zone above it", Verdict.UNKNOWN, zones=["eu-west-1.amazonaws.com"]),
    _case("a private zone of a dual-stack name", Verdict.UNKNOWN, zones=["ssm.eu-west-1.api.aws"]),
    _case("private zones of others", Verdict.FAIL, zones=["corp.example", "xssm.eu-west-1.amazonaws.com"]),
    _case("the zones were refused, and no route leads out", Verdict.FAIL, zones=GAP),
    _case("what is around was refused", Verdict.UNKNOWN, refused=("ec2.vpc_paths",), routes=GAP, zones=GAP),
    *(
        _case(f"one is {state}", Verdict.FAIL, "ssmmessages", OPTIONAL, odd=_endpoint("ssm", state))
        for state in sorted(PENDING_STATES | INACTIVE_STATES)
    ),
    _case(
        "one is in a state that this version doesn't know",
        Verdict.UNKNOWN,
        "ssmmessages",
        odd=_endpoint("ssm", "halfway"),
        reason_has="half",
    ),
    _case("a twin is in such a state", Verdict.UNKNOWN, "ssmmessages", odd=_endpoint("ssm-fips", "partial")),
    _case("one more of the service is in such a state", Verdict.PASS, *NEEDED, odd=_endpoint("ssm", "halfway")),
    _case("one is another VPC's", Verdict.FAIL, "ssmmessages", odd=_endpoint("ssm", vpc="vpc-2")),
    _case("a resource's endpoint, which has no service", Verdict.PASS, *NEEDED, odd=_endpoint(None)),
    _case("a VPC without nodes", None, nodes=False),
    _case("the endpoints were refused", Verdict.UNKNOWN, refused=("ec2.vpc_endpoint",)),
    _case("an endpoint was not read", Verdict.UNKNOWN, "ssm", odd=_endpoint(GAP, GAP, GAP)),
    _case("nodes not known", Verdict.UNKNOWN, *NEEDED, nodes=GAP),
]
