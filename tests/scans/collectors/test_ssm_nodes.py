from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors import ssm_nodes
from scans.collectors.ssm_nodes import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader

TRUE_TYPE = {"InstanceType": "m5n.large", "NetworkInfo": {"EncryptionInTransitSupported": True}}
FALSE_TYPE = {"InstanceType": "m5.large", "NetworkInfo": {"EncryptionInTransitSupported": False}}


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    ssm_nodes._encrypting.clear()
    yield
    ssm_nodes._encrypting.clear()


def instance(id: str, type: str = "m5n.large", **more: Any) -> dict[str, Any]:
    return {"InstanceId": id, "InstanceType": type, "VpcId": "vpc-1", "State": {"Name": "running"}, **more}


def given(ids: list[str], instances: list[Any] | None = None, region: str = "eu-west-1") -> FakeReader:
    reader = FakeReader(COLLECTOR, region=region)
    items = [{"InstanceId": id, "PingStatus": "Online"} for id in ids]
    reader.answer("ssm", "DescribeInstanceInformation", {"InstanceInformationList": items})
    reader.answer("ec2", "DescribeInstances", {"Reservations": [{"Instances": [item]} for item in instances or []]})
    return reader.answer("ec2", "DescribeInstanceTypes", {"InstanceTypes": [TRUE_TYPE, FALSE_TYPE]})


def facts(evidence: Evidence) -> dict[str, dict[str, Any]]:
    serialize_evidence(evidence)
    return {r.arn.rsplit("/", 1)[1]: r.facts for r in evidence.resources}


def test_a_region_without_nodes_takes_one_call() -> None:
    reader = given([])
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})
    assert [made.params for made in reader.made] == [{"MaxResults": 50}]


def test_hybrid_nodes_need_no_ec2_call() -> None:
    reader = given(["mi-1"])
    evidence = collect(reader, EarlierEvidence())
    assert evidence.resources[0].arn == "arn:aws:ssm:eu-west-1:111122223333:managed-instance/mi-1"
    assert facts(evidence) == {"mi-1": {"hybrid": True, "instance_type": None, "vpc": None, "transit_encryption": None}}
    assert reader.count() == 1


def test_ec2_nodes_get_instance_facts() -> None:
    reader = given(["i-1", "i-2"], [instance("i-1"), instance("i-2", "m5.large", VpcId="vpc-2")])
    evidence = collect(reader, EarlierEvidence())
    assert evidence.resources[0].arn == "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"
    assert facts(evidence) == {
        "i-1": {"hybrid": False, "instance_type": "m5n.large", "vpc": "vpc-1", "transit_encryption": True},
        "i-2": {"hybrid": False, "instance_type": "m5.large", "vpc": "vpc-2", "transit_encryption": False},
    }
    assert reader.count() == 3
    assert reader.asked("ec2", "DescribeInstances")[0].params == {
        "MaxResults": 1000,
        "Filters": [{"Name": "instance-id", "Values": ["i-1", "i-2"]}],
    }


def test_beyond_the_filters_limit_all_instances_are_listed() -> None:
    ids = [f"i-{n}" for n in range(201)]
    reader = given(ids, [instance(id) for id in [*ids, "i-unmanaged"]])
    assert len(facts(collect(reader, EarlierEvidence()))) == 201
    assert reader.asked("ec2", "DescribeInstances")[0].params == {"MaxResults": 1000}


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
        lambda params: {"InstanceTypes": [{"InstanceType": k} for k in params["InstanceTypes"]]},
    )
    collect(reader, EarlierEvidence())
    assert sorted(len(made.params["InstanceTypes"]) for made in reader.asked("ec2", "DescribeInstanceTypes")) == [
        50,
        100,
    ]


def test_a_missing_field_is_none_and_a_missing_type_is_malformed() -> None:
    reader = given(["i-1", "i-2"], [instance("i-1"), instance("i-2", "new.large")])
    reader.answer("ec2", "DescribeInstanceTypes", {"InstanceTypes": [{"InstanceType": "m5n.large", "NetworkInfo": {}}]})
    found = facts(collect(reader, EarlierEvidence()))
    assert found["i-1"]["transit_encryption"] is None
    assert found["i-2"]["transit_encryption"].kind is GapKind.MALFORMED


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
    reader = FakeReader(COLLECTOR).refuse("ssm", "DescribeInstanceInformation")
    assert collect(reader, EarlierEvidence()).gaps == {"ssm.node": [reader.gap("ssm", "DescribeInstanceInformation")]}


def test_denied_instances_hide_facts_but_no_node() -> None:
    reader = given(["i-1", "mi-1"]).refuse("ec2", "DescribeInstances", "UnauthorizedOperation")
    gap = reader.gap("ec2", "DescribeInstances", "UnauthorizedOperation")
    found = facts(collect(reader, EarlierEvidence()))
    assert found["i-1"] == {"hybrid": False, "instance_type": gap, "vpc": gap, "transit_encryption": gap}
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
    reader = FakeReader(COLLECTOR).answer("ssm", "DescribeInstanceInformation", {"InstanceInformationList": [{}]})
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
