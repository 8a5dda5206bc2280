"""Tags are judged by key: one finding a key, account and region, with secrets and personal data apart (C11)."""

from __future__ import annotations

from typing import Any

import pytest

from scans.collectors.tags import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, kinds, one_of

ONE = "arn:aws:s3:::one"
GET = ("resourcegroupstaggingapi", "GetResources")
KEY = "arn:aws:tagging:eu-west-1:111122223333:key/"
HIDDEN = "arn:aws:tagging:eu-west-1:111122223333:hidden-keys"
ADDRESS = "jane.doe@example.com"
SECRET = "AKIA" + "Z7QF3LWXK2MDB5TE"


def region(*pages: Any) -> FakeReader:
    return FakeReader(COLLECTOR).answer(*GET, *pages)


def page(*items: Any) -> dict[str, Any]:
    return {"ResourceTagMappingList": list(items)}


def tagged(arn: str = ONE, **tags: str) -> dict[str, Any]:
    return {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def found(*items: Any) -> Evidence:
    return collect(region(page(*items)), EarlierEvidence())


def test_an_empty_region_takes_one_call() -> None:
    reader = region(page())
    evidence = collect(reader, EarlierEvidence())
    assert reader.count() == 1
    assert not evidence.resources
    assert not evidence.gaps


def test_keys_on_all_pages_are_one_resource_each() -> None:
    pages = [page(tagged(), tagged("arn:b", env="test")), page(), page(tagged("arn:c", env="prod", a=""))]
    evidence = collect(region(*pages), EarlierEvidence())
    assert all_of(evidence, "tag.key") == {
        KEY + "a": {"key": "a", "resources": 1, "secrets": [], "personal": []},
        KEY + "env": {"key": "env", "resources": 2, "secrets": [], "personal": []},
    }


def test_personal_data_is_named_without_its_text() -> None:
    evidence = found(*(tagged(f"arn:{number}", owner=ADDRESS, env="x") for number in range(5)))
    facts = all_of(evidence, "tag.key")[KEY + "owner"]
    hit = {"detector": "email", "in": "value", "resources": 5, "examples": ["arn:0", "arn:1", "arn:2"]}
    assert (facts["personal"], facts["secrets"]) == ([hit], [])
    assert b"jane" not in serialize_evidence(evidence)


def test_a_secret_is_found_by_its_form_and_by_its_key() -> None:
    evidence = found(tagged("arn:a", note=SECRET, db_password="Vk7#pQ2x!mZ9rT4w"))
    secrets = {
        facts["key"]: [hit["detector"] for hit in facts["secrets"]] for facts in all_of(evidence, "tag.key").values()
    }
    assert secrets == {"db_password": ["assigned_secret"], "note": ["aws_access_key"]}
    assert SECRET.encode() not in serialize_evidence(evidence)


@pytest.mark.parametrize(("key", "fact"), [(ADDRESS, "personal"), (f"x {SECRET}", "secrets")])
def test_a_key_that_tells_is_not_shown(key: str, fact: str) -> None:
    evidence = found(tagged("arn:a", **{key: "x", '"><b>': "y"}), tagged("arn:b", env="x"))
    facts = all_of(evidence, "tag.key")[HIDDEN]
    assert [(hit["in"], hit["examples"]) for hit in facts[fact]] == [("key", ["arn:a"])]
    assert facts["resources"] == 1
    text = serialize_evidence(evidence).decode()
    assert key not in text
    assert "<b>" not in text


@pytest.mark.parametrize("key", ["aws:cloudformation:stack-name", "Cost Center", "kubernetes.io/cluster/x", "مفتاح"])
def test_plain_keys_are_part_of_the_arn(key: str) -> None:
    assert set(all_of(found(tagged(**{key: "x"})), "tag.key")) == {KEY + key}


def test_the_order_of_tags_and_resources_makes_no_difference() -> None:
    one, two = tagged(a="x", owner=ADDRESS), tagged("arn:two", owner=ADDRESS, a="x")
    assert serialize_evidence(found(one, two)) == serialize_evidence(found(two, one))


def test_denied_page_keeps_earlier_tags_with_a_gap() -> None:
    reader = FakeReader(COLLECTOR)
    reader.refuse(*GET, after=[page(tagged(env="test"))])
    evidence = collect(reader, EarlierEvidence())
    assert evidence.gaps == {"tag.key": [reader.gap(*GET)]}
    assert one_of(evidence, "tag.key")["key"] == "env"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        page({"Tags": []}),
        page("x"),
        page({"ResourceARN": ONE, "Tags": {}}),
        page({"ResourceARN": ONE, "Tags": ["x"]}),
    ],
)
def test_malformed_answer_is_a_gap(answer: Any) -> None:
    assert kinds(collect(region(answer), EarlierEvidence()), "tag.key") == ["malformed"]


def test_a_resource_without_its_tags_leaves_the_list_incomplete() -> None:
    evidence = collect(region(page({"ResourceARN": ONE}, tagged("arn:aws:s3:::b", a="b"))), EarlierEvidence())
    assert [resource.facts["key"] for resource in evidence.resources] == ["a"]
    assert [gap.code for gap in evidence.gaps["tag.key"]] == ["MalformedAnswer"]
