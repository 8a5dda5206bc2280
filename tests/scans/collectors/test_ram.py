from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.ram import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, kinds, one_of

ONE = "arn:aws:ssm:eu-west-1:111122223333:parameter/one"
TYPE = "ram.parameter_share"


def region(*resources: Any, principals: tuple[Any, ...] = ()) -> FakeReader:
    reader = FakeReader(COLLECTOR).answer("ram", "ListResources", {"resources": list(resources)})
    return reader.answer("ram", "ListPrincipals", {"principals": list(principals)})


def share(name: str) -> dict[str, str]:
    return {"arn": ONE, "type": "ssm:Parameter", "resourceShareArn": name}


def member(id: str, name: str) -> dict[str, str]:
    return {"id": id, "resourceShareArn": name}


def test_an_empty_region_takes_one_call() -> None:
    reader = region()
    evidence = collect(reader, EarlierEvidence())
    assert reader.count() == 1
    assert not evidence.resources
    assert not evidence.gaps


def test_a_parameter_in_two_shares() -> None:
    members = (member("444455556666", "s1"), member("o-1", "s2"), member("999999999999", "s3"))
    reader = region(share("s2"), share("s1"), principals=members)
    evidence = collect(reader, EarlierEvidence())
    assert all_of(evidence, TYPE) == {ONE: {"shares": ["s1", "s2"], "principals": ["444455556666", "o-1"]}}
    assert reader.count() == 2
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, EarlierEvidence()))


def test_denied_lists_are_gaps() -> None:
    reader = region().refuse("ram", "ListResources")
    assert collect(reader, EarlierEvidence()).gaps == {TYPE: [reader.gap("ram", "ListResources")]}
    reader = region(share("s1")).refuse("ram", "ListPrincipals")
    assert one_of(collect(reader, EarlierEvidence()), TYPE)["principals"] == reader.gap("ram", "ListPrincipals")


def test_region_without_ram_shares_nothing() -> None:
    reader = region().refuse("ram", "ListResources", kind=GapKind.UNSUPPORTED, code="UnknownOperationException")
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})


@pytest.mark.parametrize("wrong", ["x", {"type": "ssm:Parameter"}, {"resourceShareArn": "s1"}])
def test_malformed_lists_are_gaps(wrong: Any) -> None:
    assert kinds(collect(region(wrong), EarlierEvidence()), TYPE) == ["malformed"]


@pytest.mark.parametrize("items", [[{"arn": ONE}], [share("s1"), {"arn": ONE}], [{"arn": ONE}, share("s1")]])
def test_omitted_share_leaves_principals_unknown(items: list[Any]) -> None:
    evidence = collect(region(*items, principals=(member("444455556666", "s1"),)), EarlierEvidence())
    assert {name: fact.kind for name, fact in one_of(evidence, TYPE).items()} == {
        "shares": GapKind.MALFORMED,
        "principals": GapKind.MALFORMED,
    }


def test_malformed_principals_are_a_gap() -> None:
    assert (
        one_of(collect(region(share("s1"), principals=("x",)), EarlierEvidence()), TYPE)["principals"].kind
        is GapKind.MALFORMED
    )
