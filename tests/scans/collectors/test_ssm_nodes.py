"""Reading nodes and instances: C10 (an odd type spoils no other), and what EC2 says of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors import ssm_nodes
from scans.collectors.ssm_nodes import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader

LAUNCHED = datetime(2026, 1, 1, tzinfo=UTC)
TRUE_TYPE = {"InstanceType": "m5n.large", "NetworkInfo": {"EncryptionInTransitSupported": True}}
FALSE_TYPE = {"InstanceType": "m5.large", "NetworkInfo": {"EncryptionInTransitSupported": False}}


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    ssm_nodes._encrypting.clear()
    yield
    ssm_nodes._encrypting.clear()


def instance(id: str, type: str = "m5n.large", **more: Any) -> dict[str, Any]:
    return {
        "InstanceId": id,
        "InstanceType": type,
        "VpcId": "vpc-1",
        "State": {"Name": "running"},
        "LaunchTime": LAUNCHED,
        "MetadataOptions": {"State": "applied", "HttpTokens": "required", "HttpEndpoint": "enabled"},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1"}}],
        **more,
    }


def given(ids: list[str], instances: list[Any] | None = None, region: str = "eu-west-1") -> FakeReader:
    reader = FakeReader(COLLECTOR, region=region)
    items = [{"InstanceId": id, "PingStatus": "Online", "AgentVersion": "3.3.987.0"} for id in ids]
    reader.answer("ssm", "DescribeInstanceInformation", {"InstanceInformationList": items})
    reader.answer("ec2", "DescribeInstances", {"Reservations": [{"Instances": [item]} for item in instances or []]})
    return reader.answer("ec2", "DescribeInstanceTypes", {"InstanceTypes": [TRUE_TYPE, FALSE_TYPE]})


def facts(evidence: Evidence) -> dict[str, dict[str, Any]]:
    serialize_evidence(evidence)
    return {r.arn.rsplit("/", 1)[1]: r.facts for r in evidence.resources if r.type == "ssm.node"}


def instances(evidence: Evidence) -> dict[str, dict[str, Any]]:
    return {r.facts["id"]: r.facts for r in evidence.resources if r.type == "ec2.instance"}


ON_EC2 = {"agent": "3.3.987.0", "metadata": {"tokens": "required", "endpoint": "enabled"}, "volumes": ["vol-1"]}


def test_an_empty_region_takes_two_calls() -> None:
    reader = given([])
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})
    assert [made.params for made in reader.made] == [{"MaxResults": 50}, {"MaxResults": 1000}]


def test_hybrid_nodes_are_not_on_ec2() -> None:
    reader = given(["mi-1"])
    evidence = collect(reader, EarlierEvidence())
    assert evidence.resources[0].arn == "arn:aws:ssm:eu-west-1:111122223333:managed-instance/mi-1"
    none = dict.fromkeys(("instance_type", "vpc", "transit_encryption", "metadata", "volumes"))
    assert facts(evidence) == {"mi-1": {"hybrid": True, "agent": "3.3.987.0", **none}}


def test_ec2_nodes_get_instance_facts() -> None:
    reader = given(["i-1", "i-2"], [instance("i-1"), instance("i-2", "m5.large", VpcId="vpc-2")])
    evidence = collect(reader, EarlierEvidence())
    assert evidence.resources[0].arn == "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"
    assert facts(evidence) == {
        "i-1": {"hybrid": False, "instance_type": "m5n.large", "vpc": "vpc-1", "transit_encryption": True, **ON_EC2},
        "i-2": {"hybrid": False, "instance_type": "m5.large", "vpc": "vpc-2", "transit_encryption": False, **ON_EC2},
    }
    assert reader.count() == 3


def test_running_instances_are_managed_or_not() -> None:
    kept = [instance("i-1"), instance("i-2"), instance("i-3", State={"Name": "stopped"})]
    service = {"Managed": True, "Principal": "eks.amazonaws.com"}
    found = instances(collect(given(["i-1"], [*kept, instance("i-4", Operator=service)]), EarlierEvidence()))
    launched = LAUNCHED.isoformat()
    assert found == {
        "i-1": {"id": "i-1", "managed": True, "launched": launched, "service": None},
        "i-2": {"id": "i-2", "managed": False, "launched": launched, "service": None},
        "i-4": {"id": "i-4", "managed": False, "launched": launched, "service": "eks.amazonaws.com"},
    }


def test_denied_nodes_leave_instances_unknown() -> None:
    reader = given([], [instance("i-1")])
    listed = {"InstanceInformationList": [{"InstanceId": "i-2"}]}
    reader.refuse("ssm", "DescribeInstanceInformation", after=[listed])
    gap = reader.gap("ssm", "DescribeInstanceInformation")
    reader.answer("ec2", "DescribeInstances", {"Reservations": [{"Instances": [instance("i-1"), instance("i-2")]}]})
    found = instances(collect(reader, EarlierEvidence()))
    assert {id: each["managed"] for id, each in found.items()} == {"i-1": gap, "i-2": True}


def test_instance_in_unknown_state_is_unknown() -> None:
    found = instances(collect(given([], [instance("i-1", State={})]), EarlierEvidence()))
    assert found["i-1"]["managed"].kind is GapKind.MALFORMED


@pytest.mark.parametrize("left_out", ["MetadataOptions", "BlockDeviceMappings"])
def test_left_out_parts_of_an_instance_are_unknown(left_out: str) -> None:
    item = instance("i-1")
    del item[left_out]
    found = facts(collect(given(["i-1"], [item]), EarlierEvidence()))["i-1"]
    assert [name for name, value in found.items() if isinstance(value, Gap)] == [
        "metadata" if left_out == "MetadataOptions" else "volumes"
    ]


def test_types_are_read_once_a_process_and_region() -> None:
    for account_reader in (given(["i-1"], [instance("i-1")]), given(["i-1"], [instance("i-1")])):
        collect(account_reader, EarlierEvidence())
        last = account_reader
    assert last.count("ec2", "DescribeInstanceTypes") == 0
    assert facts(collect(last, EarlierEvidence()))["i-1"]["transit_encryption"] is True
    elsewhere = given(["i-1"], [instance("i-1")], region="us-east-1")
    collect(elsewhere, EarlierEvidence())
    assert elsewhere.count("ec2", "DescribeInstanceTypes") == 1


def test_only_unknown_types_are_asked_for_a_hundred_at_once() -> None:
    kinds = [f"t{n}.large" for n in range(150)]
    reader = given([f"i-{n}" for n in range(150)], [instance(f"i-{n}", kind) for n, kind in enumerate(kinds)])
    reader.answer(
        "ec2",
        "DescribeInstanceTypes",
        lambda params: {"InstanceTypes": [{"InstanceType": k} for k in params["Filters"][0]["Values"]]},
    )
    collect(reader, EarlierEvidence())
    asked = [len(made.params["Filters"][0]["Values"]) for made in reader.asked("ec2", "DescribeInstanceTypes")]
    assert asked == [100, 50]


def test_a_missing_field_is_none_and_so_is_a_missing_type() -> None:
    """C10: a type that AWS no longer lists. It is asked for again next time."""
    reader = given(["i-1", "i-2"], [instance("i-1"), instance("i-2", "new.large")])
    reader.answer("ec2", "DescribeInstanceTypes", {"InstanceTypes": [{"InstanceType": "m5n.large", "NetworkInfo": {}}]})
    found = facts(collect(reader, EarlierEvidence()))
    assert found["i-1"]["transit_encryption"] is None
    assert found["i-2"]["transit_encryption"] is None
    assert set(ssm_nodes._encrypting) == {("aws", "eu-west-1", "m5n.large")}


def test_refused_types_are_not_remembered() -> None:
    reader = given(["i-1"], [instance("i-1")]).refuse("ec2", "DescribeInstanceTypes", "UnauthorizedOperation")
    gap = reader.gap("ec2", "DescribeInstanceTypes", "UnauthorizedOperation")
    assert facts(collect(reader, EarlierEvidence()))["i-1"]["transit_encryption"] == gap
    assert facts(collect(given(["i-1"], [instance("i-1")]), EarlierEvidence()))["i-1"]["transit_encryption"] is True


@pytest.mark.parametrize("state", ["terminated", "shutting-down"])
def test_ended_instances_are_no_nodes(state: str) -> None:
    reader = given(["i-1", "i-2"], [instance("i-1", State={"Name": state})])
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})


def test_denied_nodes_are_a_gap_of_the_type() -> None:
    reader = given([]).refuse("ssm", "DescribeInstanceInformation")
    assert collect(reader, EarlierEvidence()).gaps == {"ssm.node": [reader.gap("ssm", "DescribeInstanceInformation")]}


def test_denied_instances_hide_facts_but_no_node() -> None:
    reader = given(["i-1", "mi-1"]).refuse("ec2", "DescribeInstances", "UnauthorizedOperation")
    gap = reader.gap("ec2", "DescribeInstances", "UnauthorizedOperation")
    found = facts(collect(reader, EarlierEvidence()))
    unread = dict.fromkeys(("instance_type", "vpc", "transit_encryption", "metadata", "volumes"), gap)
    assert found["i-1"] == {"hybrid": False, "agent": "3.3.987.0", **unread}
    assert found["mi-1"]["hybrid"] is True


def test_instances_seen_before_a_refusal_are_used() -> None:
    reader = given(["i-1", "i-2"])
    reader.refuse("ec2", "DescribeInstances", after=[{"Reservations": [{"Instances": [instance("i-1")]}]}])
    found = facts(collect(reader, EarlierEvidence()))
    assert found["i-1"]["transit_encryption"] is True
    assert found["i-2"]["vpc"] == reader.gap("ec2", "DescribeInstances")


@pytest.mark.parametrize(
    "reservation", [None, {}, {"Instances": "x"}, {"Instances": [None]}, {"Instances": [{"InstanceType": "m5.large"}]}]
)
def test_malformed_reservations_never_make_a_node_vanish(reservation: Any) -> None:
    reader = given(["i-1"]).answer("ec2", "DescribeInstances", {"Reservations": [reservation]})
    assert facts(collect(reader, EarlierEvidence()))["i-1"]["instance_type"].kind is GapKind.MALFORMED


@pytest.mark.parametrize(
    "types",
    [
        {},
        {"InstanceTypes": "x"},
        {"InstanceTypes": [None]},
        {"InstanceTypes": [{"InstanceType": "m5n.large", "NetworkInfo": 3}]},
    ],
)
def test_malformed_instance_types_are_a_gap(types: Any) -> None:
    reader = given(["i-1"], [instance("i-1")]).answer("ec2", "DescribeInstanceTypes", types)
    assert facts(collect(reader, EarlierEvidence()))["i-1"]["transit_encryption"].kind is GapKind.MALFORMED


def test_malformed_instances_and_items() -> None:
    found = facts(collect(given(["i-1"], [instance("i-1", InstanceType=None, VpcId=3)]), EarlierEvidence()))
    assert found["i-1"]["instance_type"].kind is GapKind.MALFORMED
    assert found["i-1"]["vpc"].kind is GapKind.MALFORMED
    assert found["i-1"]["transit_encryption"] == found["i-1"]["instance_type"]
    reader = given([]).answer("ssm", "DescribeInstanceInformation", {"InstanceInformationList": [{}]})
    assert [gap.kind for gap in collect(reader, EarlierEvidence()).gaps["ssm.node"]] == [GapKind.MALFORMED]


def test_instance_without_vpc_has_unknown_vpc() -> None:
    item = instance("i-1")
    del item["VpcId"]
    found = facts(collect(given(["i-1"], [item]), EarlierEvidence()))
    assert found["i-1"]["vpc"].kind is GapKind.MALFORMED
    assert found["i-1"]["transit_encryption"] is True


def test_pages_of_nodes_are_joined() -> None:
    reader = given([])
    pages = [{"InstanceInformationList": [{"InstanceId": f"mi-{n}"}]} for n in range(3)]
    reader.answer("ssm", "DescribeInstanceInformation", *pages)
    assert len(facts(collect(reader, EarlierEvidence()))) == 3
