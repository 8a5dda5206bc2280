"""Interface endpoints must admit their VPC on port 443, and not the internet.

Any machine that can reach an endpoint can call the service through it, and so meets every policy that requires the
VPC or the endpoint. An endpoint whose security group doesn't admit the nodes is useless: their calls fail,
or take another route.

**What is judged.** What may reach TCP port 443 of each interface endpoint by its security groups
(`ec2.DescribeSecurityGroups`), and the address ranges of its VPC (`ec2.DescribeVpcs`). It fails if

* it admits every address: `0.0.0.0/0`, `::/0`, or a range wider than any private network (wider than /8, or
  /7 for IPv6); or
* it admits neither an address of the VPC nor a security group.

**Not applicable** for gateway and other kinds of endpoints, and for one that is being deleted.

**Unknown** when the rules or the VPC could not be read, such as those of a security group that another account shares,
or when prefix lists are admitted, whose addresses are not read and may be all.

**Limits.** Narrower ranges outside the VPC (peered networks, an office) are accepted. Network ACLs and routes are
not judged. A security group is assumed to contain clients of the VPC.

**Source of the facts.** VPC PrivateLink guide,
[security groups of interface endpoints](https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html);
EC2 API reference,
[DescribeSecurityGroups](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.networks import (
    explain_excluded_endpoint,
    find_endpoint_vpc,
    is_everywhere,
    overlaps_any,
    parse_network,
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

CONTROL = Control(
    id="SSM-VP-004",
    file="ssm_vp_004",
    title="Endpoints admit their VPC only",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    version=2,  # 2: a prefix list may hold every address, also beside other sources
    facts={"ec2.vpc_endpoint": ("endpoint_type", "state", "vpc", "ingress_443")},
    related={"ec2.vpc": ("cidrs",)},
    container="arn:{p}:ec2:{r}:{a}:vpc-endpoint/*",
    statements=("S25",),
    quote="control traffic between them, your on-premises network, and the internet",
    empty_reason="The region has no VPC endpoints.",
    remediation=Remediation(
        summary="In the endpoint's security group, allow port 443 from the VPC's range (or from the nodes' own "
        "group), then remove the rule that admits every address. The first command shows the group.",
        cli="aws ec2 describe-vpc-endpoints --region {region} --vpc-endpoint-ids {name} --query 'VpcEndpoints[].Groups'\n"
        "aws ec2 authorize-security-group-ingress --region {region} --group-id GROUP_ID --protocol tcp --port 443 "
        "--cidr VPC_CIDR\n"
        "aws ec2 revoke-security-group-ingress --region {region} --group-id GROUP_ID --protocol tcp --port 443 "
        "--cidr 0.0.0.0/0",
        code='resource "aws_vpc_security_group_ingress_rule" "https" {\n'
        "  security_group_id = aws_security_group.endpoints.id\n  cidr_ipv4         = aws_vpc.this.cidr_block\n"
        '  ip_protocol       = "tcp"\n  from_port         = 443\n  to_port           = 443\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    outside = explain_excluded_endpoint(resource, "Interface")
    if outside:
        return not_applicable(outside)
    sources = resource["ingress_443"]
    wide = [source for source in sources if is_everywhere(source)]
    if wide:
        return failed(f"The endpoint admits {', '.join(wide)} on port 443.")
    # A prefix list may hold every address, whatever else is admitted.
    lists = [source for source in sources if source.startswith("pl-")]
    if lists:
        return unknown(f"Which addresses {', '.join(lists)} admits on port 443 isn't known.")
    if any(source.startswith("sg-") for source in sources):
        return passed("The endpoint admits members of a security group on port 443, and not all addresses.")
    # Only now: verdicts that don't need the VPC's ranges stand even if the VPCs could not be read.
    cidrs = find_endpoint_vpc(resource)["cidrs"]
    if any(overlaps_any(source, cidrs) for source in sources):
        return passed("The endpoint admits its VPC on port 443, and not all addresses.")
    unread = [source for source in sources if parse_network(source) is None]
    if unread:
        return unknown(f"Whether {', '.join(unread)} holds addresses of the VPC isn't known.")
    return failed("The endpoint doesn't admit its own VPC on port 443.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, ingress_443=list(find_endpoint_vpc(resource)["cidrs"])),)


ARN = "arn:aws:ec2:eu-west-1:111122223333:"


def _case(name: str, verdict: Verdict, ingress: object, **more: Any) -> Case:
    """more: cidrs of the VPC (None: the VPC isn't there), refused types, type, state of the endpoint."""
    cidrs = more.get("cidrs", ["10.0.0.0/16"])
    facts = {
        "endpoint_type": more.get("type", "Interface"),
        "state": more.get("state", "available"),
        "vpc": "vpc-1",
        "ingress_443": ingress,
    }
    return Case(
        name,
        verdict,
        facts,
        related={"ec2.vpc": {f"{ARN}vpc/vpc-1": {"cidrs": cidrs}} if cidrs is not None else {}},
        related_gaps=more.get("refused", ()),
        arn=f"{ARN}vpc-endpoint/vpce-1",
    )


CASES = [
    _case("the VPC's range", Verdict.PASS, ["10.0.0.0/16"]),
    _case("one subnet of it", Verdict.PASS, ["10.0.4.0/24"]),
    _case("a wider private range", Verdict.PASS, ["10.0.0.0/8"]),
    _case("the VPC's second range", Verdict.PASS, ["100.64.0.0/16"], cidrs=["10.0.0.0/16", "100.64.0.0/16"]),
    _case("a security group", Verdict.PASS, ["sg-0123456789abcdef0"]),
    _case("the VPC's range and an office", Verdict.PASS, ["10.0.0.0/16", "192.0.2.0/24"]),
    _case("every address", Verdict.FAIL, ["10.0.0.0/16", "0.0.0.0/0"]),
    _case("every IPv6 address", Verdict.FAIL, ["10.0.0.0/16", "::/0"]),
    _case("every address in two halves", Verdict.FAIL, ["0.0.0.0/1", "128.0.0.0/1"]),
    _case("every address, the VPCs refused", Verdict.FAIL, ["0.0.0.0/0"], cidrs=None, refused=("ec2.vpc",)),
    _case("another VPC's range", Verdict.FAIL, ["10.9.0.0/16"]),
    _case("no address", Verdict.FAIL, []),
    _case("only a prefix list", Verdict.UNKNOWN, ["pl-0123456789abcdef0"]),
    _case("a prefix list beside a security group", Verdict.UNKNOWN, ["pl-0123456789abcdef0", "sg-0123456789abcdef0"]),
    _case("a prefix list beside every address", Verdict.FAIL, ["pl-0123456789abcdef0", "0.0.0.0/0"]),
    _case("a prefix list beside the VPC's range", Verdict.UNKNOWN, ["pl-0123456789abcdef0", "10.0.0.0/16"]),
    _case("a gateway endpoint", Verdict.NOT_APPLICABLE, [], type="Gateway"),
    _case("an endpoint that is deleted", Verdict.NOT_APPLICABLE, [], state="deleted"),
    _case("the security groups were refused", Verdict.UNKNOWN, GAP),
    _case("the VPC's ranges were refused", Verdict.UNKNOWN, ["10.0.0.0/16"], cidrs=GAP),
    _case("the VPC was not read", Verdict.UNKNOWN, ["10.0.0.0/16"], cidrs=None),
]
