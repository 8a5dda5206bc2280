from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.ec2_network import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import DENIED, a, all_of, kinds, one_of, seen

HOME = "arn:aws:ec2:eu-west-1:111122223333:"
POLICY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
NODE = a("ssm.node", f"{HOME}instance/i-1", vpc="vpc-1")
SECOND = a("ssm.node", f"{HOME}instance/i-2", vpc="vpc-1")


def endpoint(id: str = "vpce-1", **more: Any) -> dict[str, Any]:
    return {
        "VpcEndpointId": id,
        "VpcEndpointType": "Interface",
        "ServiceName": "com.amazonaws.eu-west-1.ssm",
        "State": "Available",
        "VpcId": "vpc-1",
        "PrivateDnsEnabled": True,
        "PolicyDocument": json.dumps(POLICY),
        "Groups": [{"GroupId": "sg-1", "GroupName": "x"}],
        **more,
    }


def gateway() -> dict[str, Any]:
    return endpoint(
        "vpce-2", VpcEndpointType="Gateway", ServiceName="com.amazonaws.eu-west-1.s3", VpcId="vpc-2", Groups=[],
        RouteTableIds=["rtb-1"],
    )  # fmt: skip


def vpc(id: str = "vpc-1", **more: Any) -> dict[str, Any]:
    return {"VpcId": id, "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333", **more}


def region(*endpoints: Any) -> FakeReader:
    reader = FakeReader(COLLECTOR)
    reader.answer("ec2", "DescribeVpcEndpoints", {"VpcEndpoints": list(endpoints)})
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        answer = {name[0].upper() + name[1:]: {"Value": name == "enableDnsSupport"}}
        reader.answer("ec2", "DescribeVpcAttribute", answer, when={"Attribute": name})
    group = {
        "GroupId": "sg-1",
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
        ],
    }
    reader.answer("ec2", "DescribeSecurityGroups", {"SecurityGroups": [group]})
    reader.answer("ec2", "DescribeVpcPeeringConnections", {"VpcPeeringConnections": []})
    reader.answer("ec2", "DescribeVpcEndpointServices", {"ServiceDetails": []})
    reader.answer("ec2", "DescribeVpcEncryptionControls", {"VpcEncryptionControls": []})
    reader.answer("ec2", "DescribeRouteTables", {"RouteTables": []})
    reader.answer("route53", "ListHostedZonesByVPC", {"HostedZoneSummaries": []})
    return reader.answer("ec2", "DescribeVpcs", {"Vpcs": [vpc()]})


@pytest.mark.parametrize("type", ["Resource", "ServiceNetwork", "GatewayLoadBalancer", "Tunnel", "Later"])
def test_an_endpoint_that_leads_to_no_service_hides_no_other(type: str) -> None:
    odd = endpoint("vpce-3", VpcEndpointType=type)
    for name in ("ServiceName", "PolicyDocument", "PrivateDnsEnabled"):
        del odd[name]
    evidence = collect(region(odd, endpoint()), seen(NODE))
    assert not evidence.gaps
    found = {facts["id"]: facts for facts in all_of(evidence, "ec2.vpc_endpoint").values()}
    assert (found["vpce-1"]["service"], found["vpce-3"]["service"]) == ("ssm", None)
    assert (found["vpce-3"]["endpoint_type"], found["vpce-3"]["ingress_443"]) == (type, [])


def test_interface_endpoint_without_service_is_malformed() -> None:
    odd = endpoint()
    del odd["ServiceName"]
    assert kinds(collect(region(odd), EarlierEvidence()), "ec2.vpc_endpoint") == ["malformed"]


def test_an_empty_region_takes_one_call() -> None:
    reader = region()
    evidence = collect(reader, EarlierEvidence())
    assert (reader.count(), evidence.resources, evidence.gaps) == (1, [], {})


def test_an_interface_endpoint_and_its_vpc() -> None:
    reader = region(endpoint(), gateway())
    evidence = collect(reader, seen(NODE))
    assert all_of(evidence, "ec2.vpc_endpoint")[f"{HOME}vpc-endpoint/vpce-1"] == {
        "id": "vpce-1",
        "service": "ssm",
        "endpoint_type": "Interface",
        "state": "available",
        "vpc": "vpc-1",
        "private_dns": True,
        "route_tables": [],
        "policy": POLICY,
        "ingress_443": ["10.0.0.0/8"],
    }
    assert all_of(evidence, "ec2.vpc_endpoint")[f"{HOME}vpc-endpoint/vpce-2"]["route_tables"] == ["rtb-1"]
    assert all_of(evidence, "ec2.vpc") == {
        f"{HOME}vpc/vpc-1": {
            "id": "vpc-1",
            "has_nodes": True,
            "nodes": 1,
            "agents": [None],
            "peers": [],
            "dns_support": True,
            "dns_hostnames": False,
            "cidrs": ["10.0.0.0/16"],
            "owner": "111122223333",
        }
    }
    assert reader.count() == 8 + 2
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, seen(NODE)))


def test_region_with_nodes_takes_eight_calls() -> None:
    reader = region(gateway())
    evidence = collect(reader, seen(NODE, SECOND, a("ssm.node", "mi", vpc=None)))
    assert set(all_of(evidence, "ec2.vpc")) == {f"{HOME}vpc/vpc-1"}
    assert reader.count() == 8


def test_owner_of_each_vpc_is_read() -> None:
    """C3: another account's VPC, with one node or more."""
    for nodes in ([NODE], [NODE, SECOND]):
        reader = region().answer("ec2", "DescribeVpcs", {"Vpcs": [vpc(OwnerId="444455556666")]})
        assert one_of(collect(reader, seen(*nodes)), "ec2.vpc")["owner"] == "444455556666"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(None, GapKind.DENIED), ({"Vpcs": [vpc(OwnerId=None)]}, GapKind.MALFORMED), ({"Vpcs": []}, GapKind.NOT_READ)],
)
def test_unread_vpc_hides_its_owner_and_ranges(answer: dict[str, Any] | None, kind: GapKind) -> None:
    reader = region()
    if answer is None:
        reader.refuse("ec2", "DescribeVpcs", "UnauthorizedOperation")
    else:
        reader.answer("ec2", "DescribeVpcs", answer)
    evidence = collect(reader, seen(NODE))
    assert not evidence.gaps
    hidden = {n: v.kind for n, v in one_of(evidence, "ec2.vpc").items() if isinstance(v, Gap)}
    assert hidden == {"cidrs": kind, "owner": kind}


def test_peerings_are_read_only_for_single_node_vpcs() -> None:
    reader = region()
    evidence = collect(reader, seen(NODE, SECOND))
    assert one_of(evidence, "ec2.vpc")["nodes"] == 2
    assert reader.count("ec2", "DescribeVpcPeeringConnections") == 0


def end(vpc: str, account: str = "111122223333") -> dict[str, str]:
    return {"VpcId": vpc, "OwnerId": account, "Region": "eu-west-1"}


def peering(requester: dict[str, str], accepter: dict[str, str], code: str = "active") -> dict[str, Any]:
    return {"RequesterVpcInfo": requester, "AccepterVpcInfo": accepter, "Status": {"Code": code}}


def test_single_node_vpc_lists_its_neighbors() -> None:
    connections = [
        peering(end("vpc-1"), end("vpc-9", "444455556666")),
        peering(end("vpc-2"), end("vpc-1")),
        peering(end("vpc-1"), end("vpc-3"), "deleted"),
        peering(end("vpc-4"), end("vpc-5")),
    ]
    reader = region().answer("ec2", "DescribeVpcPeeringConnections", {"VpcPeeringConnections": connections})
    assert one_of(collect(reader, seen(NODE)), "ec2.vpc")["peers"] == [
        {"vpc": "vpc-2", "account": "111122223333", "region": "eu-west-1"},
        {"vpc": "vpc-9", "account": "444455556666", "region": "eu-west-1"},
    ]


@pytest.mark.parametrize(
    ("kind", "answer"), [(GapKind.DENIED, None), (GapKind.MALFORMED, {"VpcPeeringConnections": [{"Status": {}}]})]
)
def test_unread_peerings_hide_only_the_neighbors(kind: GapKind, answer: dict[str, Any] | None) -> None:
    reader = region()
    if answer is None:
        reader.refuse("ec2", "DescribeVpcPeeringConnections", "UnauthorizedOperation")
    else:
        reader.answer("ec2", "DescribeVpcPeeringConnections", answer)
    evidence = collect(reader, seen(NODE))
    assert not evidence.gaps
    assert {n: v.kind for n, v in one_of(evidence, "ec2.vpc").items() if isinstance(v, Gap)} == {"peers": kind}


def test_denied_endpoint_list_is_a_gap() -> None:
    reader = region().refuse("ec2", "DescribeVpcEndpoints", "UnauthorizedOperation")
    gap = reader.gap("ec2", "DescribeVpcEndpoints", "UnauthorizedOperation")
    assert collect(reader, EarlierEvidence()).gaps == {"ec2.vpc_endpoint": [gap], "ec2.vpc": [gap]}


@pytest.mark.parametrize(
    ("operation", "type", "hidden"),
    [
        ("DescribeSecurityGroups", "ec2.vpc_endpoint", {"ingress_443"}),
        ("DescribeVpcs", "ec2.vpc", {"cidrs", "owner"}),
        ("DescribeVpcAttribute", "ec2.vpc", {"dns_support", "dns_hostnames"}),
    ],
)
def test_denied_detail_hides_its_facts(operation: str, type: str, hidden: set[str]) -> None:
    reader = region(endpoint()).refuse("ec2", operation, "UnauthorizedOperation")
    evidence = collect(reader, EarlierEvidence())
    assert {name for name, value in one_of(evidence, type).items() if isinstance(value, Gap)} == hidden
    assert not evidence.gaps


def test_objects_missing_from_answers_are_unknown() -> None:
    reader = region(endpoint())
    reader.answer("ec2", "DescribeSecurityGroups", {"SecurityGroups": []}).answer("ec2", "DescribeVpcs", {"Vpcs": []})
    evidence = collect(reader, EarlierEvidence())
    assert one_of(evidence, "ec2.vpc")["cidrs"].code == "NotListed"
    assert one_of(evidence, "ec2.vpc_endpoint")["ingress_443"].code == "NotListed"


def test_a_vpc_that_is_gone_meanwhile_is_dropped() -> None:
    reader = region(endpoint()).refuse("ec2", "DescribeVpcAttribute", "InvalidVpcID.NotFound", kind=GapKind.REJECTED)
    # C3: while it is listed, as a VPC that another account shares, only its attributes are unknown.
    facts = one_of(collect(reader, EarlierEvidence()), "ec2.vpc")
    assert [name for name, value in facts.items() if isinstance(value, Gap)] == ["dns_support", "dns_hostnames"]
    evidence = collect(reader.answer("ec2", "DescribeVpcs", {"Vpcs": []}), EarlierEvidence())
    assert not all_of(evidence, "ec2.vpc")
    assert not evidence.gaps


def test_unread_nodes_leave_vpcs_unknown() -> None:
    evidence = collect(region(endpoint()), seen(gaps={"ssm.node": [DENIED]}))
    assert evidence.gaps == {"ec2.vpc": [DENIED]}
    assert one_of(evidence, "ec2.vpc")["has_nodes"] == one_of(evidence, "ec2.vpc")["nodes"] == DENIED
    assert collect(region(), seen(a("ssm.node", "i-2", vpc=DENIED))).gaps == {"ec2.vpc": [DENIED]}


@pytest.mark.parametrize(
    "wrong", [{}, {"VpcEndpoints": {}}, {"VpcEndpoints": ["x"]}, {"VpcEndpoints": [{"VpcId": "v"}]}]
)
def test_malformed_endpoint_list_is_a_gap(wrong: Any) -> None:
    evidence = collect(region().answer("ec2", "DescribeVpcEndpoints", wrong), EarlierEvidence())
    assert kinds(evidence, "ec2.vpc_endpoint") == ["malformed"]


def test_one_odd_object_hides_no_other() -> None:
    """C10: a group and a VPC that can't be read, and one of each that AWS doesn't list."""
    kept = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    groups = [{"GroupId": "sg-1", "IpPermissions": [kept]}, {"GroupId": "sg-2", "IpPermissions": [{}]}]
    vpcs = [vpc(), vpc("vpc-2", OwnerId=None)]
    reader = region(*(endpoint(f"vpce-{n}", VpcId=f"vpc-{n}", Groups=[{"GroupId": f"sg-{n}"}]) for n in (1, 2, 3)))
    reader.answer("ec2", "DescribeSecurityGroups", {"SecurityGroups": groups}).answer(
        "ec2", "DescribeVpcs", {"Vpcs": vpcs}
    )
    evidence = collect(reader, EarlierEvidence())
    ingress = [facts["ingress_443"] for facts in all_of(evidence, "ec2.vpc_endpoint").values()]
    owners = [facts["owner"] for facts in all_of(evidence, "ec2.vpc").values()]
    assert (ingress[0], ingress[1].kind, ingress[2].code) == (["10.0.0.0/8"], GapKind.MALFORMED, "NotListed")
    assert (owners[0], owners[1].kind, owners[2].code) == ("111122223333", GapKind.MALFORMED, "NotListed")


def test_malformed_details_are_gaps() -> None:
    reader = region(endpoint(PolicyDocument="{"))
    reader.answer("ec2", "DescribeVpcAttribute", {})
    reader.answer("ec2", "DescribeVpcs", {"Vpcs": ["x"]})
    reader.answer("ec2", "DescribeSecurityGroups", {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [{}]}]})
    evidence = collect(reader, EarlierEvidence())
    gaps = [v.kind for r in evidence.resources for v in r.facts.values() if isinstance(v, Gap)]
    assert gaps == [GapKind.MALFORMED] * 6


def all_needed() -> list[dict[str, Any]]:
    names = ("ssm", "ssmmessages", "ec2messages-fips")
    return [endpoint(f"vpce-{n}", ServiceName=f"com.amazonaws.eu-west-1.{n}") for n in names]


def test_paths_are_read_only_where_an_endpoint_is_missing() -> None:
    """C3: also where an endpoint has no private name."""
    reader = region(*all_needed())
    assert not all_of(collect(reader, seen(NODE)), "ec2.vpc_paths")
    assert reader.count("ec2", "DescribeRouteTables") == reader.count("route53") == 0
    reader = region(*all_needed(), endpoint("vpce-9", PrivateDnsEnabled=False))
    assert one_of(collect(reader, seen(NODE)), "ec2.vpc_paths") == {"routes": [], "zones": []}
    for lacking in (all_needed()[1:], [*all_needed()[1:], endpoint("vpce-9", State="pendingAcceptance")]):
        assert all_of(collect(region(*lacking), seen(NODE)), "ec2.vpc_paths")


def test_agents_of_a_vpc() -> None:
    """C3: a version that isn't known stays in the list, as do nodes that could not be listed."""
    nodes = [a("ssm.node", f"{HOME}instance/i-{n}", vpc="vpc-1", agent=n) for n in ("3.3.1.0", "3.2.0.0", DENIED, None)]
    found = one_of(collect(region(), seen(*nodes)), "ec2.vpc")["agents"]
    assert found == ["3.2.0.0", "3.3.1.0", None]
    found = one_of(collect(region(), seen(*nodes[:2], gaps={"ssm.node": [DENIED]})), "ec2.vpc")["agents"]
    assert found == ["3.2.0.0", "3.3.1.0", None]
