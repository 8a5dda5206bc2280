from __future__ import annotations

import json
from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.ssm_parameters import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, Resource
from tests.scans.collectors.fake_reader import FakeReader

BASE = "arn:aws:ssm:eu-west-1:111122223333:parameter/"


def parameter(name: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "String", "Version": 3, "Tier": "Standard", **more}


def collected(*pages: list[Any]) -> Evidence:
    reader = FakeReader(COLLECTOR).answer("ssm", "DescribeParameters", *({"Parameters": page} for page in pages))
    return collect(reader, EarlierEvidence())


def only(evidence: Evidence) -> Resource:
    (resource,) = evidence.resources
    return resource


def test_an_empty_region_takes_one_call_of_the_largest_page() -> None:
    reader = FakeReader(COLLECTOR).answer("ssm", "DescribeParameters", {"Parameters": []})
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps, reader.count()) == ([], {}, 1)
    assert reader.made[0].params == {"MaxResults": 50}


def test_facts_of_a_parameter() -> None:
    secure = parameter(
        "/apps/db/url", Type="SecureString", KeyId="alias/data", Description="Where data lies", Tier="Advanced"
    )
    resource = only(collected([secure]))
    assert resource.arn == BASE + "apps/db/url"
    assert resource.facts == {
        "name": "/apps/db/url",
        "type": "SecureString",
        "key_id": "alias/data",
        "tier": "Advanced",
        "version": 3,
        "modified": None,
        "secret_name": None,
        "hits": [],
        "url_credentials": [],
    }


def test_pages_are_joined() -> None:
    names = [r.facts["name"] for r in collected([parameter("a")], [], [parameter("b.c")]).resources]
    assert names == ["a", "b.c"]


def test_descriptions_are_kept_only_as_hits() -> None:
    text = "ask AKIA" + "Z7QF3LWXK2MDB5TE or jane@example.com"
    resource = only(collected([parameter("/legacy/contact", Description=text)]))
    assert resource.facts["hits"] == [
        {"field": "Description", "detector": "aws_access_key"},
        {"field": "Description", "detector": "email"},
    ]
    assert resource.facts["secret_name"] == "aws_access_key"
    assert "Z7QF" not in json.dumps(resource.facts)
    assert "jane" not in json.dumps(resource.facts)


def test_url_password_is_reported_by_its_place() -> None:
    text = "see https://deploy:" + "Xk29vTq8LmZr4w@files.legacy.internal/app"
    resource = only(collected([parameter("/legacy/files", Description=text)]))
    assert resource.facts["url_credentials"] == ["Description"]
    assert "Xk29" not in json.dumps(resource.facts)


def test_a_name_that_speaks_of_a_secret() -> None:
    assert only(collected([parameter("/legacy/db_password")])).facts["secret_name"] == "password"


def test_a_refusal_is_a_gap_of_the_type() -> None:
    reader = FakeReader(COLLECTOR).refuse("ssm", "DescribeParameters", after=[{"Parameters": [parameter("a")]}])
    evidence = collect(reader, EarlierEvidence())
    assert evidence.gaps == {"ssm.parameter": [reader.gap("ssm", "DescribeParameters")]}
    assert [r.facts["name"] for r in evidence.resources] == ["a"]


def test_wrong_typed_fields_are_malformed_facts() -> None:
    facts = only(collected([{"Name": "a", "Type": 7, "Version": "x", "KeyId": [], "Description": {"a": 1}}])).facts
    for name in ("type", "version", "key_id", "secret_name", "hits", "url_credentials"):
        assert facts[name].kind is GapKind.MALFORMED, name
        assert facts[name].api == "ssm.DescribeParameters"


def test_items_without_a_name_leave_the_list_incomplete() -> None:
    for item in ({"Type": "String"}, None, "text", {"Name": ""}, {"Name": 4}):
        evidence = collected([item, parameter("b")])
        assert [gap.kind for gap in evidence.gaps["ssm.parameter"]] == [GapKind.MALFORMED]
        assert len(evidence.resources) == 1


def test_an_answer_without_the_list_is_malformed() -> None:
    reader = FakeReader(COLLECTOR).answer("ssm", "DescribeParameters", {"Nothing": 1})
    assert [gap.kind for gap in collect(reader, EarlierEvidence()).gaps["ssm.parameter"]] == [GapKind.MALFORMED]


def test_the_partition_is_the_readers() -> None:
    reader = FakeReader(COLLECTOR, partition="aws-us-gov", region="us-gov-west-1")
    reader.answer("ssm", "DescribeParameters", {"Parameters": [parameter("/a")]})
    assert only(collect(reader, EarlierEvidence())).arn == "arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/a"


def test_an_encrypted_parameter_without_its_key_is_unknown() -> None:
    """A7. Else nothing would be said of the key: AWS answers it for each SecureString, its own key too."""
    assert isinstance(only(collected([parameter("/a", Type="SecureString")])).facts["key_id"], Gap)
    assert only(collected([parameter("/a", Type="String")])).facts["key_id"] is None
