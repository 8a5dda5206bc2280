"""What is around a VPC: C3 (paths to endpoints elsewhere), C9 (services without endpoint policy), C14 (encryption)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib.ec2_shape import list_private_routes
from scans.collectors.lib.ec2_surroundings import SURROUNDING_CALLS, read_encryption_controls, read_paths, read_services
from scans.collectors.lib.strict_answers import ShapeError
from scans.domain.evidence import Evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, kinds, one_of

NAMES = "com.amazonaws.eu-west-1."


def made(**answers: Any) -> FakeReader:
    reader = FakeReader(SURROUNDING_CALLS)
    for operation, answer in answers.items():
        service = "route53" if operation == "ListHostedZonesByVPC" else "ec2"
        if answer is None:
            reader.refuse(service, operation)
        else:
            reader.answer(service, operation, answer)
    return reader


def service(short: str, policies: Any = True, **more: Any) -> dict[str, Any]:
    names = [{"PrivateDnsName": f"{short}.eu-west-1.amazonaws.com"}]
    return {"ServiceName": NAMES + short, "VpcEndpointPolicySupported": policies, "PrivateDnsNames": names, **more}


def services(*items: Any) -> tuple[Evidence, FakeReader]:
    evidence, reader = Evidence("x", "eu-west-1"), made(DescribeVpcEndpointServices={"ServiceDetails": list(items)})
    read_services(reader, evidence, {f"{NAMES}email-smtp", f"{NAMES}s3"})
    return evidence, reader


def test_services_in_use_are_asked_for_by_filter() -> None:
    """C9: with ec2messages, which not every region has."""
    evidence, reader = services(service("email-smtp", False), service("ec2messages"))
    found = {facts["id"]: facts for facts in all_of(evidence, "ec2.endpoint_service").values()}
    assert found["email-smtp"]["policies"] is False
    assert found["ec2messages"]["private_names"] == ["ec2messages.eu-west-1.amazonaws.com"]
    asked = reader.asked("ec2", "DescribeVpcEndpointServices")[0].params["Filters"]
    china = f"cn.{NAMES}ec2messages"
    assert asked == [
        {"Name": "service-name", "Values": [china, f"{NAMES}ec2messages", f"{NAMES}email-smtp", f"{NAMES}s3"]}
    ]


def test_service_that_is_listed_twice_is_one() -> None:
    evidence, _ = services(service("s3", PrivateDnsNames=[]), service("s3"))
    assert one_of(evidence, "ec2.endpoint_service") == {
        "id": "s3",
        "policies": True,
        "private_names": ["s3.eu-west-1.amazonaws.com"],
    }


@pytest.mark.parametrize("left_out", ["VpcEndpointPolicySupported", "PrivateDnsNames"])
def test_left_out_parts_of_a_service_are_unknown(left_out: str) -> None:
    item = service("email-smtp")
    del item[left_out]
    found = one_of(services(item)[0], "ec2.endpoint_service")
    assert isinstance(found["policies"], Gap)
    assert isinstance(found["private_names"], Gap)


def test_denied_services_are_a_gap() -> None:
    evidence = Evidence("x", "eu-west-1")
    read_services(made(DescribeVpcEndpointServices=None), evidence, set())
    assert kinds(evidence, "ec2.endpoint_service") == ["denied"]
    assert kinds(services("x")[0], "ec2.endpoint_service") == ["malformed"]


def route(state: str = "active", **target: str) -> dict[str, str]:
    return {"DestinationCidrBlock": "10.0.0.0/8", "State": state, **target}


@pytest.mark.parametrize(
    "target",
    [
        {"GatewayId": "local"},
        {"GatewayId": "igw-1"},
        {"NatGatewayId": "nat-1"},
        {"EgressOnlyInternetGatewayId": "eigw-1"},
        {"GatewayId": "vpce-1", "DestinationPrefixListId": "pl-1"},
        {"GatewayId": "VpcLattice", "DestinationPrefixListId": "pl-1"},
        {"TransitGatewayId": "tgw-1", "state": "blackhole"},
    ],
)
def test_routes_that_lead_to_no_other_network(target: dict[str, str]) -> None:
    assert list_private_routes({"Routes": [route(**target)]}) == []


@pytest.mark.parametrize(
    "target",
    [
        {"TransitGatewayId": "to-other"},
        {"VpcPeeringConnectionId": "to-other"},
        {"CoreNetworkArn": "to-other"},
        {"GatewayId": "vgw-other"},
        {"GatewayId": "vpce-other"},
        {"NetworkInterfaceId": "to-other"},
        {"InstanceId": "to-other", "NetworkInterfaceId": "to-other"},
    ],
)
def test_routes_that_may_lead_to_another_network(target: dict[str, str]) -> None:
    """C3: a gateway load balancer's endpoint leads to appliances; a gateway endpoint has a prefix list instead."""
    assert len(list_private_routes({"Routes": [route(**target), route(GatewayId="local")]})) == 1


def test_learned_routes_and_unknown_targets() -> None:
    assert list_private_routes({"Routes": [], "PropagatingVgws": [{"GatewayId": "vgw-1"}]}) == ["vgw-1"]
    with pytest.raises(ShapeError):
        list_private_routes({"Routes": [route(LaterTargetId="x-1")]})


def paths(tables: Any, zones: Any) -> dict[str, dict[str, Any]]:
    evidence = Evidence("x", "eu-west-1")
    read_paths(made(DescribeRouteTables=tables, ListHostedZonesByVPC=zones), evidence, {"vpc-1", "vpc-2"})
    return {arn[-5:]: facts for arn, facts in all_of(evidence, "ec2.vpc_paths").items()}


NO_ZONES: dict[str, Any] = {"HostedZoneSummaries": []}


def table(vpc: str | None, *routes: Any) -> dict[str, Any]:
    return {"VpcId": vpc, "Routes": list(routes)}


def test_paths_of_each_vpc() -> None:
    tables = [table("vpc-1", route(TransitGatewayId="tgw-1")), table("vpc-1"), table("vpc-2", route(GatewayId="local"))]
    zones = {"HostedZoneSummaries": [{"Name": "SSM.eu-west-1.amazonaws.com."}]}
    found = paths({"RouteTables": tables}, zones)
    assert found["vpc-1"] == {"routes": ["tgw-1"], "zones": ["ssm.eu-west-1.amazonaws.com"]}
    assert found["vpc-2"]["routes"] == []


def test_denied_paths_are_gaps() -> None:
    found = paths(None, None)["vpc-1"]
    assert (found["routes"].api, found["zones"].api) == ("ec2.DescribeRouteTables", "route53.ListHostedZonesByVPC")
    assert (found["routes"].kind, found["zones"].kind) == (GapKind.DENIED, GapKind.DENIED)


def test_table_that_is_unread_hides_no_known_route() -> None:
    odd = table("vpc-1", route(LaterTargetId="x-1"))
    found = paths({"RouteTables": [odd, table("vpc-2", route(GatewayId="local"))]}, NO_ZONES)
    assert (found["vpc-1"]["routes"].kind, found["vpc-2"]["routes"]) == (GapKind.MALFORMED, [])
    found = paths({"RouteTables": [table(None), table("vpc-1", route(TransitGatewayId="tgw-1"))]}, NO_ZONES)
    assert (found["vpc-1"]["routes"], found["vpc-2"]["routes"].kind) == (["tgw-1"], GapKind.MALFORMED)


def encryption(answer: Any) -> Evidence:
    evidence = Evidence("x", "eu-west-1")
    read_encryption_controls(made(DescribeVpcEncryptionControls=answer), evidence)
    return evidence


def test_encryption_controls_of_a_vpc() -> None:
    item = {"VpcId": "vpc-1", "Mode": "enforce", "State": "available"}
    assert one_of(encryption({"VpcEncryptionControls": [item]}), "ec2.vpc_encryption") == {
        "mode": "enforce",
        "state": "available",
        "peering_excluded": False,
    }
    for state, excluded in (("enabled", True), ("enabling", True), ("disabling", True), ("disabled", False)):
        exclusions = {"VpcPeering": {"State": state}, "NatGateway": {"State": "enabled"}}
        found = encryption({"VpcEncryptionControls": [{**item, "ResourceExclusions": exclusions}]})
        assert one_of(found, "ec2.vpc_encryption")["peering_excluded"] is excluded


@pytest.mark.parametrize(
    ("code", "kind"), [("UnsupportedOperation", GapKind.REJECTED), ("InvalidAction", GapKind.UNSUPPORTED)]
)
def test_region_without_encryption_controls_has_none(code: str, kind: GapKind) -> None:
    """C14"""
    reader, evidence = FakeReader(SURROUNDING_CALLS), Evidence("x", "eu-west-1")
    read_encryption_controls(reader.refuse("ec2", "DescribeVpcEncryptionControls", code, kind=kind), evidence)
    assert (evidence.resources, evidence.gaps) == ([], {})


def test_unread_encryption_controls_are_unknown() -> None:
    assert kinds(encryption(None), "ec2.vpc_encryption") == ["denied"]
    assert kinds(encryption({"VpcEncryptionControls": ["x"]}), "ec2.vpc_encryption") == ["malformed"]
    found = one_of(encryption({"VpcEncryptionControls": [{"VpcId": "vpc-1", "Mode": "enforce"}]}), "ec2.vpc_encryption")
    assert isinstance(found["mode"], Gap)
