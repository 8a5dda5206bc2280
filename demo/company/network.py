"""VPCs, nodes and the endpoints between them and Systems Manager."""

from __future__ import annotations

from dataclasses import dataclass

from demo.company.builder import Place, document, statement
from demo.company.model import FAIL, NOT_APPLICABLE, PASS

NEEDED = ("ssm", "ec2messages", "ssmmessages")
ENCRYPTS = {"c5n.large": True, "m5n.large": True, "r5n.large": True, "m5.large": False, "t3.medium": False}


@dataclass(frozen=True, slots=True)
class Door:
    """A VPC endpoint. reach: from where 443 is open: vpc, world or nowhere."""

    service: str
    private_dns: bool = True
    limited: bool = True
    reach: str = "vpc"
    gateway: bool = False


GOOD = tuple(Door(service) for service in NEEDED)


def vpc(place: Place, types: tuple[str, ...], doors: tuple[Door, ...], *, hostnames: bool = True) -> str:
    """A VPC with one managed node of each type."""
    number = place.number("vpc")
    cidr = f"10.{number}.0.0/16"
    id = "vpc-0" + place.hex(16)
    complete = set(NEEDED) <= {door.service for door in doors}
    expects = {"SSM-VP-001": PASS if complete else FAIL} if types else {}
    place.add("vpc", place.arn("ec2", f"vpc/{id}"), {"id": id, "cidr": cidr, "hostnames": hostnames}, expects)
    for type in types:
        node(place, id, type, alone=len(types) == 1)
    for door in doors:
        endpoint(place, id, cidr, door, hostnames=hostnames)
    return id


def node(place: Place, vpc: str, type: str, *, alone: bool = False) -> None:
    """alone: no other node is in its VPC. No VPC is peered with another."""
    id = "i-0" + place.hex(16)
    verdict = NOT_APPLICABLE if alone else PASS if ENCRYPTS[type] else FAIL
    data = {"id": id, "vpc": vpc, "type": type}
    place.add("instance", place.arn("ec2", f"instance/{id}"), data, {"SSM-NT-001": verdict})
    place.nodes = True


def hybrid(place: Place) -> None:
    id = "mi-0" + place.hex(16)
    arn = place.arn("ssm", f"managed-instance/{id}")
    place.add("hybrid", arn, {"id": id}, {"SSM-NT-001": NOT_APPLICABLE})
    place.nodes = True


def endpoint(place: Place, vpc: str, cidr: str, door: Door, *, hostnames: bool) -> None:
    id = "vpce-0" + place.hex(16)
    expects = {
        "SSM-VP-002": PASS if door.private_dns and hostnames else FAIL,
        "SSM-VP-003": PASS if door.limited else FAIL,
        "SSM-VP-004": PASS if door.reach == "vpc" else FAIL,
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
        "open_to": {"vpc": cidr, "world": "0.0.0.0/0"}.get(door.reach, ""),
    }
    place.add("endpoint", place.arn("ec2", f"vpc-endpoint/{id}"), data, expects)


def healthy(place: Place) -> None:
    vpc(place, ("c5n.large", "m5n.large"), GOOD)


def sloppy(place: Place) -> None:
    """Types that don't encrypt, endpoints that let everything through, one VPC with none."""
    doors = (
        Door("ssm", private_dns=False, limited=False, reach="world"),
        Door("ec2messages", limited=False, reach="nowhere"),
        Door("s3", limited=False, gateway=True),
    )
    vpc(place, ("m5.large", "t3.medium"), doors, hostnames=False)
    vpc(place, ("m5.large", "r5n.large"), ())


def mixed(place: Place) -> None:
    vpc(place, ("c5n.large", "m5.large"), (*GOOD, Door("s3", gateway=True)))
    hybrid(place)
