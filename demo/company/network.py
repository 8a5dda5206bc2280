"""VPCs, nodes and the endpoints between them and Systems Manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo.cloud.regions import WITHOUT_EC2MESSAGES
from demo.company.builder import Place, document, statement
from demo.company.constants import OUTSIDE
from demo.company.model import FAIL, NOT_APPLICABLE, PASS, UNKNOWN

NEEDED = ("ssm", "ec2messages", "ssmmessages")
OLD_AGENT = "3.2.2222.0"  # agents before 3.3.40.0 need ec2messages
POLICY_FREE = ("email-smtp", "transfer.server")  # services whose endpoints take no policy
RETIRED = "m1.small"  # a type that AWS no longer lists
ENCRYPTS = {"c5n.large": True, "m5n.large": True, "r5n.large": True, "m5.large": False, "t3.medium": False}


@dataclass(frozen=True, slots=True)
class Door:
    """A VPC endpoint. reach: from where 443 is open: vpc, world or nowhere; gone: its security
    group can't be seen."""

    service: str
    private_dns: bool = True
    limited: bool = True
    reach: str = "vpc"
    gateway: bool = False


GOOD = tuple(Door(service) for service in NEEDED)


def vpc(place: Place, types: tuple[str, ...], doors: tuple[Door, ...], *, hostnames: bool = True, **facts: Any) -> str:
    """A VPC with one managed node of each type. facts: agent (its nodes' version), owner (who shares it), routes (transit
    gateways), encryption (mode of its controls), tokens and encrypted (of its nodes)."""
    offered = place.region not in WITHOUT_EC2MESSAGES
    doors = tuple(door for door in doors if offered or door.service != "ec2messages")
    number = place.number("vpc")
    cidr = f"10.{number}.0.0/16"
    id = "vpc-0" + place.hex(16)
    expects = {"SSM-VP-001": reached(doors, facts, offered=offered)} if types else {}
    data = {"id": id, "cidr": cidr, "hostnames": hostnames}
    data |= {name: facts.get(name) for name in ("owner", "routes", "encryption")}
    place.add("vpc", place.arn("ec2", f"vpc/{id}"), data, expects)
    for type in types:
        node(place, id, type, alone=len(types) == 1, **facts)
    for door in doors:
        endpoint(place, id, cidr, door, hostnames=hostnames)
    return id


def reached(doors: tuple[Door, ...], facts: dict[str, Any], *, offered: bool) -> str:
    """Whether nodes have the endpoints that they need. offered: the region has ec2messages. Elsewhere there may be endpoints that can't be seen."""
    there = {door.service.removesuffix("-fips") for door in doors}
    if {"ssm", "ssmmessages"} <= there and ("agent" not in facts or not offered or "ec2messages" in there):
        return PASS
    return UNKNOWN if facts.get("owner") or facts.get("routes") else FAIL


def node(place: Place, vpc: str, type: str, *, alone: bool = False, **facts: Any) -> None:
    """alone: no other node is in its VPC. No VPC is peered with another. facts: as of its VPC."""
    id = "i-0" + place.hex(16)
    encrypts = UNKNOWN if type == RETIRED else PASS if ENCRYPTS[type] or facts.get("encryption") == "enforce" else FAIL
    tokens, encrypted = facts.get("tokens", "required"), facts.get("encrypted", True)
    data = {"id": id, "vpc": vpc, "type": type, "tokens": tokens, "encrypted": encrypted, "agent": facts.get("agent")}
    expects = {
        "SSM-NT-001": NOT_APPLICABLE if alone else encrypts,
        "SSM-MN-001": PASS,
        "SSM-MN-002": PASS if tokens == "required" else FAIL,
    }
    place.add("instance", place.arn("ec2", f"instance/{id}"), data, expects)
    volume = place.arn("ec2", f"volume/{volume_id(id)}")
    place.add("volume", volume, {}, {"SSM-EB-002": PASS if encrypted else FAIL})
    place.nodes = True


def volume_id(instance: str) -> str:
    return "vol-" + instance.removeprefix("i-")


def terminated(place: Place, vpc: str) -> None:
    """A node whose instance has ended, which EC2 lists for an hour without its VPC, and Systems Manager for a month."""
    id = "i-0" + place.hex(16)
    data = {"id": id, "vpc": vpc, "type": "t3.medium", "tokens": "required", "encrypted": True, "agent": None}
    place.add("instance", place.arn("ec2", f"instance/{id}"), data | {"ended": True})


def unmanaged(place: Place, vpc: str) -> None:
    """An instance without an agent, which therefore is no node."""
    id = "i-0" + place.hex(16)
    data = {"id": id, "vpc": vpc, "type": "t3.medium", "tokens": "optional", "encrypted": False, "unmanaged": True}
    place.add("instance", place.arn("ec2", f"instance/{id}"), data, {"SSM-MN-001": FAIL})


def script(place: Place, text: str, verdict: str) -> None:
    """The last node that was planned gets user data."""
    node = [thing for thing in place.account.of("instance") if thing.region == place.region][-1]
    node.data["user_data"] = text
    node.expects["SSM-FF-005"] = verdict


def template(place: Place, name: str, texts: tuple[str | None, ...], verdict: str) -> None:
    """A launch template with a version for each user data; None: without."""
    id = "lt-0" + place.hex(16)
    data = {"id": id, "name": name, "texts": texts}
    place.add("launch_template", place.arn("ec2", f"launch-template/{id}"), data, {"SSM-FF-005": verdict})


def hybrid(place: Place) -> None:
    id = "mi-0" + place.hex(16)
    arn = place.arn("ssm", f"managed-instance/{id}")
    place.add("hybrid", arn, {"id": id}, {"SSM-NT-001": NOT_APPLICABLE, "SSM-MN-002": NOT_APPLICABLE})
    place.nodes = True


def endpoint(place: Place, vpc: str, cidr: str, door: Door, *, hostnames: bool) -> None:
    id = "vpce-0" + place.hex(16)
    expects = {
        "SSM-VP-002": PASS if door.private_dns and hostnames else FAIL,
        "SSM-VP-003": PASS if door.limited else NOT_APPLICABLE if door.service in POLICY_FREE else FAIL,
        "SSM-VP-004": {"vpc": PASS, "gone": UNKNOWN}.get(door.reach, FAIL),
    }
    if door.gateway:
        expects |= {"SSM-VP-002": NOT_APPLICABLE, "SSM-VP-004": NOT_APPLICABLE}
    fence = {"StringEquals": {"aws:PrincipalOrgID": place.plan.organization}}
    limited = document(statement("Allow", "*", "*", Principal="*", Condition=fence))
    data = {
        "id": id,
        "vpc": vpc,
        "service": f"com.amazonaws.{place.region}.{door.service}",
        "gateway": door.gateway,
        "private_dns": door.private_dns,
        "policy": limited if door.limited else None,
        "group": "sg-0" + place.hex(16),
        "gone": door.reach == "gone",
        "open_to": {"vpc": cidr, "world": "0.0.0.0/0"}.get(door.reach, ""),
    }
    place.add("endpoint", place.arn("ec2", f"vpc-endpoint/{id}"), data, expects)


def healthy(place: Place) -> None:
    vpc(place, ("c5n.large", "m5n.large"), GOOD)
    script(place, "#!/bin/sh\nyum -y update\n", PASS)
    template(place, "orders", ("#!/bin/sh\nyum -y update\n",), PASS)


def sloppy(place: Place) -> None:
    """Types that don't encrypt, endpoints that let everything through, one VPC with none."""
    doors = (
        Door("ssm", private_dns=False, limited=False, reach="world"),
        Door("ec2messages", limited=False, reach="nowhere"),
        Door("s3", limited=False, gateway=True),
    )
    weak = {"tokens": "optional", "encrypted": False}
    secret = "#!/bin/sh\nexport DB_PASSWORD=Xk29vTq8LmZr4w\n"
    vpc(place, ("m5.large", "t3.medium"), doors, hostnames=False, **weak)
    bare = vpc(place, ("m5.large", "r5n.large"), (), **weak)
    script(place, secret, FAIL)
    template(place, "legacy", (secret, "#!/bin/sh\nuptime\n"), FAIL)
    unmanaged(place, bare)


def mixed(place: Place) -> None:
    """Also what is neither good nor bad: VPCs that may use endpoints elsewhere, old agents, a type that AWS dropped."""
    vpc(place, ("c5n.large", "m5.large"), (*GOOD, Door("s3", gateway=True)))
    hybrid(place)
    twins = (Door("ssm-fips"), Door("ssmmessages-fips"), Door("email-smtp", limited=False))
    vpc(place, ("m5.large", "t3.medium"), twins, encryption="enforce")
    vpc(place, ("c5n.large", "m5.large"), (Door("ssm"), Door("ssmmessages")), agent=OLD_AGENT, encryption="monitor")
    vpc(place, ("c5n.large", "m5n.large"), GOOD, agent=OLD_AGENT)
    vpc(place, ("c5n.large", RETIRED), (), owner=OUTSIDE)
    vpc(place, ("c5n.large", "m5n.large"), (), routes=("tgw-0a1b2c3d4e5f60718",))
