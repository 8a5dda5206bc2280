"""Managed nodes must be of instance types that encrypt the traffic between them.

Some EC2 instance types encrypt every packet to another such instance, in the network card and at no cost, as long
as both are in one VPC or in peered VPCs. Traffic to or from any other type crosses the network as the programs
send it.

**What is judged.** The instance type of each managed node (`ec2.DescribeInstances`), by
`EncryptionInTransitSupported` from `ec2.DescribeInstanceTypes`. If AWS returns no such field for a
type, the list in [AWS's guide](https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html#encryption-in-transit)
decides: C5n, G4 (G4dn), I3en, M5dn, M5n, P3dn, R5dn, R5n. Being built on
Nitro is not enough: t3, m5 and c5 are, and don't encrypt.

A node of another type passes in a VPC where VPC Encryption Controls enforce encryption: mode `enforce`, state
`available`, and no exclusion of peering (`ec2.DescribeVpcEncryptionControls`). Mode `monitor` only reports, so there the type
decides.

**Not applicable** for hybrid nodes (`mi-…`), which are not EC2 instances, and for a node that is alone: no
other managed node is in its VPC, nor in a VPC of the region that is peered with it
(`ec2.DescribeVpcPeeringConnections`).

**Unknown** when the instance, its type or its neighbors could not be read, or the field is missing and the
family is not in that list. For a node of another type also when the VPC's encryption controls could not be read, and where a node of another type is alone in its VPC, and the VPC is shared by another
account or peered with another account's VPC: the nodes of that account aren't read here.

**Limits.** Both ends must be of such a type, in the same VPC or in peered VPCs of one region, with no
load balancer or gateway in between: a pass applies to this node only. Encryption by the programs themselves
(TLS) isn't seen. Instances that aren't managed don't count as neighbors, nor do nodes of accounts with which this
account shares its VPC.

**Source of the facts.** EC2 user guide,
[encryption in transit](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/data-protection.html#encryption-transit);
VPC user guide, enforce encryption in transit
(https://docs.aws.amazon.com/vpc/latest/userguide/vpc-encryption-controls.html); EC2 API reference,
[DescribeInstanceTypes](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html),
[DescribeVpcPeeringConnections](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html)
and [DescribeVpcs](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html) (OwnerId); VPC user
guide, [share your VPC subnets](https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.networks import find_endpoint_vpc
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

# Used only where the API has no answer for a type: the source document's list. Its G4 means g4dn; g4ad doesn't encrypt.
LISTED = frozenset({"c5n", "g4dn", "i3en", "m5dn", "m5n", "p3dn", "r5dn", "r5n"})

CONTROL = Control(
    id="SSM-NT-001",
    file="ssm_nt_001",
    title="Managed nodes encrypt traffic between them",
    severity=Severity.INFORMATIONAL,
    scope=ControlScope.REGION,
    # 2: a node that is alone is not judged. 3: in a shared VPC it may not be alone. 4: VPC Encryption Controls count.
    version=4,
    facts={"ssm.node": ("hybrid", "instance_type", "vpc", "transit_encryption")},
    related={"ec2.vpc": ("nodes", "peers", "owner"), "ec2.vpc_encryption": ("mode", "state", "peering_excluded")},
    container="arn:{p}:ec2:{r}:{a}:instance/*",
    statements=("S22",),
    quote="automatically encrypt in-transit traffic between supported instances in the same virtual private cloud (VPC) "
    "or in peered VPCs",
    empty_reason="The region has no managed nodes.",
    remediation=Remediation(
        summary="Move the node to a type that encrypts in transit; the first command lists them. The instance must be "
        "stopped first. Where the type can't be changed, encrypt in the programs (TLS).",
        cli="aws ec2 describe-instance-types --region {region} --filters Name=network-info.encryption-in-transit-supported,Values=true "
        "--query 'InstanceTypes[].InstanceType'\n"
        "aws ec2 stop-instances --region {region} --instance-ids {name}\n"
        "aws ec2 modify-instance-attribute --region {region} --instance-id {name} --instance-type Value=NEW_TYPE\n"
        "aws ec2 start-instances --region {region} --instance-ids {name}",
        code='resource "aws_instance" "node" {\n  instance_type = "m6in.large" # was {instance_type}\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if resource["hybrid"]:
        return not_applicable("The node is not an EC2 instance.")
    type, encrypts = resource["instance_type"], resource["transit_encryption"]
    if not resource["vpc"]:
        return unknown("The node's VPC isn't known.")
    strangers = _list_foreign_vpcs(resource)
    if strangers == []:
        return not_applicable("No other managed node is in the node's VPC or in one that is peered with it.")
    if not encrypts and _has_enforced_encryption(resource):
        return passed(f"VPC Encryption Controls of {resource['vpc']} enforce encryption between its instances.")
    # It fails only if another node is certainly there: a node that is alone has no traffic to encrypt.
    if encrypts is False and strangers:
        return unknown(
            f"Instances of the type {type} don't encrypt the traffic between them, and whether there are other nodes "
            f"in {', '.join(strangers)} isn't known."
        )
    if encrypts is False:
        return failed(f"Instances of the type {type} don't encrypt the traffic between them.")
    if encrypts:
        return passed(
            f"Instances of the type {type} encrypt traffic to others of such a type in the same VPC or in peered VPCs."
        )
    # From here on AWS returned no EncryptionInTransitSupported, so the type's family decides.
    if not type:
        return unknown("The node's instance type isn't known.")
    if type.split(".")[0] in LISTED:
        return passed(
            f"Instances of the type {type} are in AWS's list of those that encrypt traffic to each other in the same "
            "VPC or in peered VPCs."
        )
    return unknown(f"AWS doesn't say whether the type {type} encrypts in transit, and its list doesn't name it.")


def _has_enforced_encryption(resource: ResourceView) -> bool:
    """GapError if the VPC's encryption controls could not be read."""
    arn = fixes.build_arn(resource, "ec2", f"vpc/{resource['vpc']}")
    found = resource.look_up("ec2.vpc_encryption", arn)
    if found is None:
        return False
    return (found["mode"], found["state"], found["peering_excluded"]) == ("enforce", "available", False)


def _list_foreign_vpcs(resource: ResourceView) -> list[str] | None:
    """None if another node is near. Otherwise the VPCs of other accounts that it is in or peered with: their nodes
    aren't read here."""
    vpc = find_endpoint_vpc(resource)
    if vpc["nodes"] > 1:
        return None
    own = vpc["owner"] == resource.account
    found = [] if own else [f"{resource['vpc']} of the account {vpc['owner']}"]
    for peer in vpc["peers"]:
        # Traffic to another region is not encrypted by the instances. A peer without a region may be in this one.
        if peer["region"] not in (None, resource.region):
            continue
        if peer["account"] != resource.account:
            found.append(f"{peer['vpc']} of the account {peer['account']}")
            continue
        other = resource.look_up("ec2.vpc", fixes.build_arn(resource, "ec2", f"vpc/{peer['vpc']}"))
        if other is not None and other["nodes"] > 0:
            return None
    return found


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, instance_type="NEW_TYPE", transit_encryption=True),)


HOME = "arn:aws:ec2:eu-west-1:111122223333:"
CONTROLS = ("mode", "state", "peering_excluded")
ENFORCED = ("enforce", "available", False)


def _case(name: str, verdict: Verdict, type: object, encrypts: object, **more: Any) -> Case:
    """more: hybrid; vpc (its id); nodes, peers and owner of the VPC; beside, the nodes of vpc-2; refused; controls (mode, state
    and exclusion of peering); says."""
    facts = {"hybrid": more.get("hybrid", False), "instance_type": type, "transit_encryption": encrypts}
    own = "111122223333"
    vpcs = {
        f"{HOME}vpc/vpc-1": {
            "nodes": more.get("nodes", 2),
            "peers": more.get("peers", []),
            "owner": more.get("owner", own),
        }
    }
    if "beside" in more:
        vpcs[f"{HOME}vpc/vpc-2"] = {"nodes": more["beside"], "peers": [], "owner": own}
    return Case(
        name,
        verdict,
        {**facts, "vpc": more.get("vpc", "vpc-1")},
        related={
            "ec2.vpc": {} if more.get("refused") else vpcs,
            "ec2.vpc_encryption": {f"{HOME}vpc/vpc-1": dict(zip(CONTROLS, more["controls"], strict=True))}
            if "controls" in more
            else {},
        },
        related_gaps=("ec2.vpc",) if more.get("refused") else more.get("blind", ()),
        arn=f"{HOME}instance/i-0123456789abcdef0",
        reason_has=more.get("says", ""),
    )


def _make_vpc_peer(account: str = "111122223333", region: object = "eu-west-1") -> dict[str, object]:
    return {"vpc": "vpc-2", "account": account, "region": region}


CASES = [
    _case("a type that encrypts", Verdict.PASS, "m6in.large", True),
    _case("a type that doesn't, though it is Nitro", Verdict.FAIL, "t3.micro", False),
    _case("a listed family, but the API says no", Verdict.FAIL, "m5n.large", False),
    _case("a listed family, the field is missing", Verdict.PASS, "g4dn.xlarge", None),
    _case("g4ad is not G4dn", Verdict.UNKNOWN, "g4ad.xlarge", None),
    _case("a family that only begins like a listed one", Verdict.UNKNOWN, "c5.large", None),
    _case("the field is missing, the type not listed", Verdict.UNKNOWN, "m9zz.large", None),
    _case("the type isn't known", Verdict.UNKNOWN, None, None),
    _case("encryption is enforced", Verdict.PASS, "t3.micro", False, controls=ENFORCED, says="vpc-1 enforce"),
    _case("the same, of a type that AWS doesn't know", Verdict.PASS, "m9zz.large", None, controls=ENFORCED),
    _case("encryption is monitored", Verdict.FAIL, "t3.micro", False, controls=("monitor", "available", False)),
    _case("it isn't enforced yet", Verdict.FAIL, "t3.micro", False, controls=("enforce", "enforce-in-progress", False)),
    _case("it failed", Verdict.FAIL, "t3.micro", False, controls=("enforce", "enforce-failed", False)),
    _case("peering is excluded", Verdict.FAIL, "t3.micro", False, controls=("enforce", "available", True)),
    _case("the controls weren't read", Verdict.UNKNOWN, "t3.micro", False, controls=(GAP, GAP, GAP)),
    _case("the controls were refused", Verdict.UNKNOWN, "t3.micro", False, blind=("ec2.vpc_encryption",)),
    _case("the same, of a type that encrypts", Verdict.PASS, "m6in.large", True, blind=("ec2.vpc_encryption",)),
    _case("alone in its VPC", Verdict.NOT_APPLICABLE, "t3.micro", False, nodes=1),
    _case("alone, of a type that encrypts", Verdict.NOT_APPLICABLE, "m6in.large", True, nodes=1),
    _case("nodes in a peered VPC", Verdict.FAIL, "t3.micro", False, nodes=1, peers=[_make_vpc_peer()], beside=1),
    _case(
        "a peered VPC without nodes",
        Verdict.NOT_APPLICABLE,
        "t3.micro",
        False,
        nodes=1,
        peers=[_make_vpc_peer()],
        beside=0,
    ),
    _case(
        "a peered VPC that has nothing", Verdict.NOT_APPLICABLE, "t3.micro", False, nodes=1, peers=[_make_vpc_peer()]
    ),
    _case(
        "peered in another region",
        Verdict.NOT_APPLICABLE,
        "t3.micro",
        False,
        nodes=1,
        peers=[_make_vpc_peer(region="x")],
    ),
    _case(
        "peered with another account's VPC",
        Verdict.UNKNOWN,
        "t3.micro",
        False,
        nodes=1,
        peers=[_make_vpc_peer("444455556666")],
        says="vpc-2 of the account 444455556666",
    ),
    _case(
        "the same, of a type that encrypts",
        Verdict.PASS,
        "m6in.large",
        True,
        nodes=1,
        peers=[_make_vpc_peer("444455556666")],
    ),
    _case(
        "alone in a VPC that another account shares",
        Verdict.UNKNOWN,
        "t3.micro",
        False,
        nodes=1,
        owner="444455556666",
        says="vpc-1 of the account 444455556666",
    ),
    _case("the same, of a type that encrypts too", Verdict.PASS, "m6in.large", True, nodes=1, owner="444455556666"),
    _case("two nodes in such a VPC", Verdict.FAIL, "t3.micro", False, owner="444455556666"),
    _case("whose VPC it is was refused", Verdict.UNKNOWN, "t3.micro", False, nodes=1, owner=GAP),
    _case("the peerings were refused", Verdict.UNKNOWN, "t3.micro", False, nodes=1, peers=GAP),
    _case("the peerings were refused, two nodes", Verdict.FAIL, "t3.micro", False, peers=GAP),
    _case("how many nodes isn't known", Verdict.UNKNOWN, "t3.micro", False, nodes=GAP),
    _case("the VPCs were refused", Verdict.UNKNOWN, "t3.micro", False, refused=True),
    _case("the VPC isn't known", Verdict.UNKNOWN, "t3.micro", False, vpc=GAP),
    _case("a node without a VPC", Verdict.UNKNOWN, "t3.micro", False, vpc=None),
    _case("a hybrid node", Verdict.NOT_APPLICABLE, None, None, hybrid=True, vpc=None),
    _case("the type was refused", Verdict.UNKNOWN, GAP, GAP),
    _case("the types' facts were refused", Verdict.UNKNOWN, "m6in.large", GAP),
    _case("the node was refused", Verdict.UNKNOWN, GAP, GAP, hybrid=GAP),
]
