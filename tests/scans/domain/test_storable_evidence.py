"""Odd text, numbers and depth in what a collector learnt: storable, told, and no resource lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.calls import Call
from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib.strict_answers import parse_policy_document
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence, World, parse_evidence, serialize_evidence
from scans.domain.storable_evidence import make_storable
from scans.insight import coverage
from scans.pipeline import account_reader
from scans.registry import LoadedCollector
from tests.governance.core.test_storable import ODD_TEXT, VALUES

REGION = "eu-west-1"
POLICY = '{"Statement": [{"Sid": "x\\ud83d", "a\\u0000": 1, "Condition": {"NumericLessThan": {"k": 1e999}}}]}'


def bucket(policy: Any, arn: str = "arn:aws:s3:::b") -> Evidence:
    made = Evidence("s3_buckets", REGION, types=("s3.bucket",))
    made.add("s3.bucket", arn, policy=policy, name="b")
    return made


def test_a_policy_that_spells_half_a_character_is_kept_and_told() -> None:
    made = bucket(parse_policy_document(POLICY))
    make_storable(made)
    (resource,) = made.resources
    assert resource.facts["policy"]["Statement"][0] == {
        "Sid": "x\ufffd", "a\ufffd": 1, "Condition": {"NumericLessThan": {"k": "Infinity"}},
    }  # fmt: skip
    assert made.replaced == [Gap(GapKind.REPLACED, "s3.bucket.policy", "", REGION, "TextReplaced")]
    assert made.all_gaps() == made.replaced
    assert made.gaps == {}
    assert parse_evidence(serialize_evidence(made)).replaced == made.replaced
    assert parse_evidence(serialize_evidence(made)).resources == made.resources


def test_text_replaced_by_reader_is_reported_too() -> None:
    made = bucket(None)
    gap = Gap(GapKind.REPLACED, "s3.GetBucketPolicy", "s3:GetBucketPolicy", REGION, "TextReplaced")
    make_storable(made, [gap])
    assert made.replaced == [gap]
    assert coverage.assess_evidence(made) == (coverage.ReadingState.PARTIAL, (coverage.MissingPart(gap, ()),))


def test_ordinary_evidence_keeps_its_bytes() -> None:
    made = bucket({"Statement": []})
    before = serialize_evidence(made)
    make_storable(made)
    assert serialize_evidence(made) == before
    assert b"replaced" not in before


def test_a_fact_nested_without_end_is_a_gap() -> None:
    deep = json.loads('{"a":' * 300 + "1" + "}" * 300)
    made = bucket(deep)
    make_storable(made)
    (resource,) = made.resources
    assert resource.facts["policy"] == Gap(GapKind.MALFORMED, "s3.bucket.policy", "", REGION, "TooDeep")


def test_replaced_names_stay_distinct_with_a_list_gap() -> None:
    made = Evidence("s", REGION, types=("t",))
    made.add("t", "arn:a\ud83d", on=True)
    made.add("t", "arn:a\ud83e", on=False)
    made.add("t", "arn:b", on=True)
    make_storable(made)
    world = World([made])
    assert {r.facts["on"] for r in world.resources("t", REGION).values()} == {True, False}
    assert len(world.resources("t", REGION)) == 3
    assert [gap.api for gap in world.enumeration_gaps("t", REGION)] == ["t.arn"]


def test_infinity_in_old_evidence_is_read_as_text() -> None:
    data = serialize_evidence(bucket({"n": "TO BE"})).replace(b'"TO BE"', b"Infinity")
    assert parse_evidence(data).resources[0].facts["policy"] == {"n": "Infinity"}


@given(st.lists(st.tuples(ODD_TEXT, VALUES), max_size=5))
def test_any_evidence_has_one_form_that_can_be_stored(found: list[tuple[str, Any]]) -> None:
    def collected() -> Evidence:
        made = Evidence("s", REGION, types=("t",))
        for arn, value in found:
            made.add("t", arn, it=value)
        make_storable(made)
        return made

    made = collected()
    data = serialize_evidence(made)
    assert serialize_evidence(collected()) == data
    assert serialize_evidence(parse_evidence(data)) == data
    assert b"\\u0000" not in data
    assert b"\x00" not in data


def test_a_collector_that_decodes_odd_text_is_kept_by_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
        return bucket(parse_policy_document(POLICY))

    call = Call("s3", "GetBucketPolicy", "s3:GetBucketPolicy")
    declared = Collector("s3_buckets", "region", {"s3.bucket": ("policy",)}, (call,))
    plan = account_reader.CollectionPlan("111122223333", "aws", {"s3_buckets"})
    evidence = account_reader.run_collector(plan, LoadedCollector(declared, collect), REGION, {})
    assert [gap.api for gap in evidence.replaced] == ["s3.bucket.policy"]
    serialize_evidence(evidence)
