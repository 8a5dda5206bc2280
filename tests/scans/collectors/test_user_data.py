"""User data of nodes and launch templates: what was not read is unknown."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors import user_data
from scans.collectors.user_data import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, Resource, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import DENIED, a, all_of, one_of, seen

EC2 = "arn:aws:ec2:eu-west-1:111122223333:"
NODE = a("ssm.node", EC2 + "instance/i-1", hybrid=False)
HYBRID = a("ssm.node", "arn:aws:ssm:eu-west-1:111122223333:managed-instance/mi-1", hybrid=True)
SECRET = "#!/bin/sh\nexport DB_PASSWORD=Xk29vTq8LmZr4w\n"
ATTRIBUTE, TEMPLATES = ("ec2", "DescribeInstanceAttribute"), ("ec2", "DescribeLaunchTemplates")
VERSIONS = ("ec2", "DescribeLaunchTemplateVersions")


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def region(*versions: Any, latest: int = 2) -> FakeReader:
    """A region without nodes; with one template if it has versions."""
    reader = FakeReader(COLLECTOR)
    template = {"LaunchTemplateId": "lt-1", "LatestVersionNumber": latest}
    reader.answer(*TEMPLATES, {"LaunchTemplates": [template] if versions else []})
    return reader.answer(*VERSIONS, {"LaunchTemplateVersions": list(versions)})


def version(number: int, text: str | None = None, **more: Any) -> dict[str, Any]:
    data = {} if text is None else {"UserData": encode(text)}
    return {"VersionNumber": number, "LaunchTemplateData": {**data, **more}}


def node(value: Any) -> FakeReader:
    return region().answer(*ATTRIBUTE, {"UserData": value})


def on(reader: FakeReader, *nodes: Resource, **more: Any) -> Evidence:
    evidence = collect(reader, seen(*nodes, **more))
    serialize_evidence(evidence)
    return evidence


def test_an_empty_region_takes_one_call() -> None:
    reader = region()
    evidence = on(reader)
    assert (evidence.resources, evidence.gaps) == ([], {})
    assert [(made.operation, made.params) for made in reader.made] == [("DescribeLaunchTemplates", {"MaxResults": 200})]


def test_a_secret_in_user_data_is_named_without_its_text() -> None:
    reader = node({"Value": encode(SECRET)})
    evidence = on(reader, NODE, HYBRID)
    hit = {"field": "UserData[0]", "detector": "assigned_secret"}
    assert what(evidence) == (True, [hit])
    assert b"Xk29" not in serialize_evidence(evidence)
    assert reader.asked(*ATTRIBUTE)[0].params == {"InstanceId": "i-1", "Attribute": "userData"}


def what(evidence: Evidence) -> tuple[Any, Any]:
    facts = one_of(evidence, "ec2.user_data")
    return facts["present"], facts["secrets"]


def test_a_node_without_user_data_says_so() -> None:
    assert what(on(node({}), NODE)) == (False, [])


@pytest.mark.parametrize(("launched", "calls"), [("2026-01-01", 1), ("2026-01-02", 2), (None, 2)])
def test_user_data_is_read_again_after_the_instance_was_started(launched: str | None, calls: int) -> None:
    reader = node({"Value": encode(SECRET)})
    first = on(reader, NODE, a("ec2.instance", NODE.arn, launched="2026-01-01"))
    again = on(reader, NODE, a("ec2.instance", NODE.arn, launched=launched), before=(first,))
    assert what(again) == what(first)
    assert reader.count(*ATTRIBUTE) == calls


@pytest.mark.parametrize("answer", [{}, {"UserData": "x"}, {"UserData": {"Value": 4}}])
def test_malformed_user_data_is_a_gap(answer: dict[str, Any]) -> None:
    facts = one_of(on(region().answer(*ATTRIBUTE, answer), NODE), "ec2.user_data")
    assert facts["present"].kind is facts["secrets"].kind is GapKind.MALFORMED


def test_user_data_that_is_no_text_is_not_called_clean() -> None:
    facts = one_of(on(node({"Value": encode("\x00\x01")}), NODE), "ec2.user_data")
    assert (facts["present"], facts["secrets"].kind) == (True, GapKind.MALFORMED)


def test_denied_user_data_is_a_gap() -> None:
    reader = region().refuse(*ATTRIBUTE, "UnauthorizedOperation")
    gap = reader.gap(*ATTRIBUTE, "UnauthorizedOperation")
    assert what(on(reader, NODE)) == (gap, gap)


def test_a_node_that_is_gone_is_dropped() -> None:
    reader = region().refuse(*ATTRIBUTE, "InvalidInstanceID.NotFound", kind=GapKind.REJECTED)
    evidence = on(reader, NODE)
    assert (evidence.resources, evidence.gaps) == ([], {})


def test_unknown_nodes_have_unknown_user_data() -> None:
    assert on(region(), gaps={"ssm.node": [DENIED]}).gaps == {"ec2.user_data": [DENIED]}


def test_nodes_beyond_the_bound_are_one_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_data, "MOST_READS", 1)
    others = [a("ssm.node", f"{EC2}instance/i-{n}", hybrid=False) for n in range(2, 5)]
    evidence = on(node({}), NODE, *others)
    assert set(all_of(evidence, "ec2.user_data")) == {NODE.arn}
    assert [gap.code for gap in evidence.gaps["ec2.user_data"]] == ["Over1Reads"]


def test_every_version_of_a_template_is_read() -> None:
    described = {**version(3, "uptime"), "VersionDescription": "AKIA" + "Z7QF3LWXK2MDB5TE"}
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "db_password", "Value": "Vk7#pQ2x!mZ9rT4w"}]}]
    evidence = on(region(version(1), version(2, SECRET), described, version(4, TagSpecifications=tags)))
    facts = all_of(evidence, "ec2.launch_template")[EC2 + "launch-template/lt-1"]
    assert {(hit["field"], hit["detector"]) for hit in facts["secrets"]} == {
        ("version 2: UserData[0]", "assigned_secret"),
        ("version 3: VersionDescription", "aws_access_key"),
        ("version 4: TagSpecifications[0].Tags[0].Value", "assigned_secret"),
    }
    assert b"Xk29" not in serialize_evidence(evidence)


def test_all_pages_of_versions_are_read() -> None:
    first = {"LaunchTemplateVersions": [version(1)], "NextToken": "more"}
    reader = region(version(1)).answer(*VERSIONS, first)
    reader.answer(*VERSIONS, {"LaunchTemplateVersions": [version(2, SECRET)]}, when={"NextToken": "more"})
    assert len(one_of(on(reader), "ec2.launch_template")["secrets"]) == 1
    reader.answer(*VERSIONS, first)
    assert one_of(on(reader), "ec2.launch_template")["secrets"].kind is GapKind.MALFORMED


def test_a_denied_template_is_a_gap() -> None:
    reader = region(version(1)).refuse(*VERSIONS, "UnauthorizedOperation")
    gap = reader.gap(*VERSIONS, "UnauthorizedOperation")
    assert one_of(on(reader), "ec2.launch_template")["secrets"] == gap
    reader = region().refuse(*TEMPLATES)
    assert on(reader).gaps == {"ec2.launch_template": [reader.gap(*TEMPLATES)]}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"LaunchTemplateVersions": []},
        {"LaunchTemplateVersions": ["x"]},
        {"LaunchTemplateVersions": [{"VersionNumber": 1}]},
        {"LaunchTemplateVersions": [{"LaunchTemplateData": {}}]},
        {"LaunchTemplateVersions": [version(1, UserData="%%%")]},
    ],
)
def test_malformed_versions_are_a_gap(answer: dict[str, Any]) -> None:
    reader = region(version(1)).answer(*VERSIONS, answer)
    assert one_of(on(reader), "ec2.launch_template")["secrets"].kind is GapKind.MALFORMED


def test_a_template_that_is_gone_is_dropped() -> None:
    reader = region(version(1)).refuse(*VERSIONS, "InvalidLaunchTemplateId.NotFound", kind=GapKind.REJECTED)
    assert on(reader).resources == []


@pytest.mark.parametrize(("text", "latest", "calls"), [("uptime", 2, 1), ("uptime", 3, 2), (SECRET, 2, 2)])
def test_a_clean_template_is_read_again_if_it_has_a_new_version(text: str, latest: int, calls: int) -> None:
    reader = region(version(2, text))
    first = on(reader)
    reader.answer(*TEMPLATES, {"LaunchTemplates": [{"LaunchTemplateId": "lt-1", "LatestVersionNumber": latest}]})
    collect(reader, EarlierEvidence(before=(first,)))
    assert reader.count(*VERSIONS) == calls
