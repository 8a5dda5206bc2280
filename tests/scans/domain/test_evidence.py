from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.domain.evidence import (
    Evidence,
    EvidenceError,
    World,
    compress_evidence,
    compute_digest,
    decompress_evidence,
    parse_evidence,
    serialize_evidence,
)

GAP = Gap(GapKind.DENIED, "ssm.DescribeParameters", "ssm:DescribeParameters", "eu-west-1", "AccessDeniedException")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def evidence(*arns: str) -> Evidence:
    made = Evidence("example", "eu-west-1", types=("example.thing",))
    for arn in arns:
        made.add("example.thing", arn, name=arn)
    return made


@given(st.dictionaries(st.text(min_size=1, max_size=30), st.dictionaries(st.text(max_size=8), JSON, max_size=4)))
def test_canonical_form_survives_a_round_trip(things: dict[str, dict[str, object]]) -> None:
    made = Evidence("example", "eu-west-1", types=("example.thing",), gaps={"example.thing": [GAP]})
    for arn, facts in things.items():
        made.add("example.thing", arn).facts.update(facts)
    data = serialize_evidence(made)
    again = parse_evidence(decompress_evidence(compress_evidence(data)))
    assert serialize_evidence(again) == data
    assert {r.arn: r.facts for r in again.resources} == things


@pytest.mark.parametrize("given", [{"$gap": None}, {"$gap": GAP.as_dict()}, {"$fact": 1}, {"$fact": {"$gap": {}}}])
def test_aws_data_is_never_read_as_a_gap(given: object) -> None:
    made = evidence()
    made.add("example.thing", "a", document=given)
    assert parse_evidence(serialize_evidence(made)).resources[0].facts["document"] == given


def test_the_order_in_which_aws_lists_things_does_not_matter() -> None:
    assert compute_digest(serialize_evidence(evidence("a", "b"))) == compute_digest(
        serialize_evidence(evidence("b", "a"))
    )


def test_a_gap_is_kept_as_a_gap() -> None:
    made = evidence()
    made.add("example.thing", "a", secret=GAP)
    assert parse_evidence(serialize_evidence(made)).resources[0].facts["secret"] == GAP


def test_evidence_of_another_schema_is_refused_by_name() -> None:
    with pytest.raises(EvidenceError, match="schema 0"):
        parse_evidence(serialize_evidence(evidence()).replace(b'"schema":1', b'"schema":0'))


def test_a_world_tells_absent_from_unread() -> None:
    complete = World([evidence("a")])
    assert complete.find("example.thing", "b", "eu-west-1") is None
    refused = evidence()
    refused.record_gap("example.thing", GAP)
    with pytest.raises(GapError) as caught:
        World([refused]).find("example.thing", "b", "eu-west-1")
    assert caught.value.gaps == (GAP,)
    with pytest.raises(GapError, match="was not collected then"):
        World([]).find("example.thing", "b", "eu-west-1")
