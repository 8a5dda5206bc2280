"""OpsItems, activations and patch baselines. The description of an OpsItem takes a call (A6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors import ssm_ops
from scans.collectors.lib import text_reading
from scans.collectors.ssm_ops import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader

KEY = "AKIA" + "Z7QF3LWXK2MDB5TE"
BASE = "arn:aws:ssm:eu-west-1:111122223333:"
OI = "oi-000000000001"
PB = "pb-00000000000000001"
LISTS = [
    ("DescribeOpsItems", "OpsItemSummaries", "OpsItemId", "ssm.ops_item"),
    ("DescribeActivations", "ActivationList", "ActivationId", "ssm.activation"),
    ("DescribePatchBaselines", "BaselineIdentities", "BaselineId", "ssm.patch_baseline"),
]


def empty() -> FakeReader:
    reader = FakeReader(COLLECTOR)
    for operation, key, *_ in LISTS:
        reader.answer("ssm", operation, {key: []})
    return reader


def ops_item(item: dict[str, Any], description: str | None = "Disk full") -> FakeReader:
    """One OpsItem, as the list and GetOpsItem tell it."""
    reader = empty().answer("ssm", "DescribeOpsItems", {"OpsItemSummaries": [item]})
    return reader.answer("ssm", "GetOpsItem", {"OpsItem": {**item, "Description": description}})


def only(reader: FakeReader) -> tuple[str, dict[str, Any], Evidence]:
    evidence = collect(reader, EarlierEvidence())
    assert evidence.gaps == {}
    (resource,) = evidence.resources
    return resource.arn, resource.facts, evidence


def baseline(answer: dict[str, Any]) -> FakeReader:
    reader = empty().answer(
        "ssm", "DescribePatchBaselines", {"BaselineIdentities": [{"BaselineId": PB, "BaselineName": "base"}]}
    )
    return reader.answer("ssm", "GetPatchBaseline", answer)


def test_an_empty_region_takes_three_calls() -> None:
    reader = empty()
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})
    assert [(made.operation, made.params) for made in reader.made] == [
        ("DescribeOpsItems", {"MaxResults": 50}),
        ("DescribeActivations", {"MaxResults": 50}),
        ("DescribePatchBaselines", {"Filters": [{"Key": "OWNER", "Values": ["Self"]}], "MaxResults": 100}),
    ]


@pytest.mark.parametrize(("operation", "key", "id", "type"), LISTS)
def test_a_refusal_concerns_its_type_only(operation: str, key: str, id: str, type: str) -> None:
    reader = empty().refuse("ssm", operation)
    assert collect(reader, EarlierEvidence()).gaps == {type: [reader.gap("ssm", operation)]}
    for page in ({}, {key: [None]}, {key: [{id: 3}]}):
        gaps = collect(empty().answer("ssm", operation, page), EarlierEvidence()).gaps
        assert {name: [gap.kind for gap in found] for name, found in gaps.items()} == {type: [GapKind.MALFORMED]}


def test_texts_of_ops_items_become_hits() -> None:
    data = {"notes": {"Value": f"use {KEY}", "Type": "SearchableString"}, "jane@example.com": {"Value": "x"}}
    item = {"OpsItemId": OI, "Title": "see https://a:b3cret@host.example.com", "OperationalData": data}
    arn, facts, evidence = only(ops_item(item))
    assert arn == BASE + f"opsitem/{OI}"
    assert {(h["field"], h["detector"]) for h in facts["hits"]} == {
        ("Title", "url_credentials"),
        ("OperationalData.notes.Value", "aws_access_key"),
        ("OperationalData[1].key", "email"),
    }
    assert facts["url_credentials"] == ["Title"]
    text = serialize_evidence(evidence).decode()
    assert not any(secret in text for secret in (KEY, "jane", "b3cret"))


def test_texts_of_activations_become_hits() -> None:
    item = {
        "ActivationId": "a-1",
        "Description": f"for {KEY}",
        "DefaultInstanceName": "till",
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    arn, facts, _ = only(empty().answer("ssm", "DescribeActivations", {"ActivationList": [item]}))
    assert arn == BASE + "activation/a-1"
    assert facts == {"hits": [{"field": "Description", "detector": "aws_access_key"}], "url_credentials": []}


def test_repositories_of_baselines_are_read() -> None:
    source = {
        "Name": "main",
        "Products": ["*"],
        "Configuration": "[main]\nbaseurl=https://deploy:Xk29vTq8@repo.example.com/",
    }
    reader = baseline({"BaselineId": PB, "Name": "base", "Description": None, "Sources": [source]})
    arn, facts, _ = only(reader)
    assert arn == BASE + f"patchbaseline/{PB}"
    field = "Sources[0].Configuration"
    assert facts == {
        "name": "base",
        "hits": [{"field": field, "detector": "url_credentials"}],
        "url_credentials": [field],
    }
    assert reader.count() == 4


def test_a_denied_baseline() -> None:
    reader = baseline({}).refuse("ssm", "GetPatchBaseline")
    gap = reader.gap("ssm", "GetPatchBaseline")
    assert only(reader)[1] == {"name": "base", "hits": gap, "url_credentials": gap}


def test_a_baseline_that_is_gone_is_dropped() -> None:
    reader = baseline({}).refuse("ssm", "GetPatchBaseline", "DoesNotExistException", kind=GapKind.REJECTED)
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})


def test_malformed_texts_are_gaps() -> None:
    assert only(baseline({"Sources": "x"}))[1]["hits"].kind is GapKind.MALFORMED
    assert only(ops_item({"OpsItemId": OI, "Title": ["x"]}))[1]["hits"].kind is GapKind.MALFORMED


def test_pages_are_joined() -> None:
    pages = [{"OpsItemSummaries": [{"OpsItemId": f"oi-{n:012d}"}]} for n in range(3)]
    reader = ops_item({"OpsItemId": OI}).answer("ssm", "DescribeOpsItems", *pages)
    assert len(collect(reader, EarlierEvidence()).resources) == 3


ITEM = {"OpsItemId": OI, "Title": "Disk full", "LastModifiedTime": datetime(2026, 1, 2, tzinfo=UTC)}
SIGN_IN = f"sign in at https://a:b3cret@host.example.com with {KEY}"


def test_the_description_of_an_ops_item_is_read() -> None:
    _, facts, evidence = only(ops_item(ITEM, SIGN_IN))
    assert {hit["detector"] for hit in facts["hits"]} == {"aws_access_key", "url_credentials"}
    assert facts["url_credentials"] == ["Description"]
    assert b"b3cret" not in serialize_evidence(evidence)


@pytest.mark.parametrize("name", ["hits", "url_credentials"])
def test_a_denied_ops_item_is_no_clean_one(name: str) -> None:
    reader = ops_item(ITEM).refuse("ssm", "GetOpsItem")
    assert only(reader)[1][name] == reader.gap("ssm", "GetOpsItem")


def test_a_telling_title_is_enough_for_a_denied_ops_item() -> None:
    reader = ops_item({**ITEM, "Title": KEY}).refuse("ssm", "GetOpsItem")
    assert only(reader)[1]["hits"] == [{"field": "Title", "detector": "aws_access_key"}]


@pytest.mark.parametrize(
    "answer", [{}, {"OpsItem": "x"}, {"OpsItem": ITEM}, {"OpsItem": {**ITEM, "Description": ["x"]}}]
)
def test_malformed_ops_item_is_a_gap(answer: dict[str, Any]) -> None:
    assert only(ops_item(ITEM).answer("ssm", "GetOpsItem", answer))[1]["hits"].kind is GapKind.MALFORMED


def test_an_ops_item_with_an_id_of_another_form_is_not_asked_for() -> None:
    reader = ops_item({**ITEM, "OpsItemId": "x"})
    assert [gap.kind for gap in collect(reader, EarlierEvidence()).gaps["ssm.ops_item"]] == [GapKind.MALFORMED]
    assert reader.count("ssm", "GetOpsItem") == 0


def test_an_ops_item_that_is_gone_is_dropped() -> None:
    reader = ops_item(ITEM).refuse("ssm", "GetOpsItem", "OpsItemNotFoundException", kind=GapKind.REJECTED)
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})


@pytest.mark.parametrize(("day", "calls"), [(2, 1), (3, 2)])
def test_an_ops_item_is_read_again_after_it_was_modified(day: int, calls: int) -> None:
    reader = ops_item(ITEM, SIGN_IN)
    first = collect(reader, EarlierEvidence())
    later = {**ITEM, "LastModifiedTime": datetime(2026, 1, day, tzinfo=UTC)}
    reader.answer("ssm", "DescribeOpsItems", {"OpsItemSummaries": [later]})
    second = collect(reader, EarlierEvidence(before=(first,)))
    assert second.resources[0].facts["hits"] == first.resources[0].facts["hits"]
    assert reader.count("ssm", "GetOpsItem") == calls


def test_an_ops_item_without_a_time_is_never_remembered() -> None:
    reader = ops_item({"OpsItemId": OI})
    first = collect(reader, EarlierEvidence())
    collect(reader, EarlierEvidence(before=(first,)))
    assert reader.count("ssm", "GetOpsItem") == 2


def test_ops_items_beyond_the_bound_are_one_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssm_ops, "BoundedReads", lambda aws: text_reading.BoundedReads(aws, 1))
    items = [
        {**ITEM, "OpsItemId": f"oi-{n:012d}", "LastModifiedTime": datetime(2026, 1, n, tzinfo=UTC)} for n in (2, 4, 3)
    ]
    reader = ops_item(ITEM).answer("ssm", "DescribeOpsItems", {"OpsItemSummaries": items})
    evidence = collect(reader, EarlierEvidence())
    assert [resource.arn[-4:] for resource in evidence.resources] == ["0004"]
    assert [gap.code for gap in evidence.gaps["ssm.ops_item"]] == ["Over1Reads"]
