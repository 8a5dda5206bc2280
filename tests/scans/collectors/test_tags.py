from __future__ import annotations

from typing import Any

import pytest

from scans.collectors.tags import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, kinds, one_of

ONE = "arn:aws:s3:::one"
GET = ("resourcegroupstaggingapi", "GetResources")


def region(*pages: Any) -> FakeReader:
    return FakeReader(COLLECTOR).answer(*GET, *pages)


def page(*items: Any) -> dict[str, Any]:
    return {"ResourceTagMappingList": list(items)}


def tagged(arn: str = ONE, **tags: str) -> dict[str, Any]:
    return {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def test_an_empty_region_takes_one_call() -> None:
    reader = region(page())
    evidence = collect(reader, EarlierEvidence())
    assert reader.count() == 1
    assert not evidence.resources
    assert not evidence.gaps


def test_only_resources_with_tags_on_all_pages() -> None:
    evidence = collect(
        region(page(tagged(), tagged("arn:b", env="test")), page(), page(tagged("arn:c", a=""))), EarlierEvidence()
    )
    assert all_of(evidence, "tag.resource") == {"arn:b": {"hits": []}, "arn:c": {"hits": []}}


def test_personal_data_is_named_without_its_text() -> None:
    evidence = collect(region(page(tagged(owner="jane.doe@example.com"))), EarlierEvidence())
    (hit,) = one_of(evidence, "tag.resource")["hits"]
    assert hit["field"] == "tags[0].value"
    assert b"jane" not in serialize_evidence(evidence)


def test_the_order_of_tags_makes_no_difference() -> None:
    one, two = tagged(a="x", owner="jane.doe@example.com"), tagged(owner="jane.doe@example.com", a="x")
    assert serialize_evidence(collect(region(page(one)), EarlierEvidence())) == serialize_evidence(
        collect(region(page(two)), EarlierEvidence())
    )


def test_denied_page_keeps_earlier_tags_with_a_gap() -> None:
    reader = FakeReader(COLLECTOR)
    reader.refuse(*GET, after=[page(tagged(env="test"))])
    evidence = collect(reader, EarlierEvidence())
    assert evidence.gaps == {"tag.resource": [reader.gap(*GET)]}
    assert set(all_of(evidence, "tag.resource")) == {ONE}


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
    assert kinds(collect(region(answer), EarlierEvidence()), "tag.resource") == ["malformed"]
