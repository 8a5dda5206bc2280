from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.s3_account import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, one_of

ALL = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def account() -> FakeReader:
    reader = FakeReader(COLLECTOR)
    reader.answer("s3", "ListBuckets", {"Buckets": []})
    return reader.refuse("s3control", "GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration", status=404)


def test_an_empty_account_takes_two_calls() -> None:
    reader = account()
    evidence = collect(reader, EarlierEvidence())
    assert reader.count() == 2
    assert one_of(evidence, "s3.account") == {"public_access_block": None}
    assert all_of(evidence, "s3.inventory") == {"arn:aws:s3::111122223333:inventory": {"buckets": {}}}


def test_the_block_and_the_buckets_of_all_pages() -> None:
    reader = account()
    reader.answer(
        "s3control", "GetPublicAccessBlock", {"PublicAccessBlockConfiguration": ALL}, when={"AccountId": "111122223333"}
    )
    pages = [
        {"Buckets": [{"Name": "one", "BucketRegion": "eu-west-1"}]},
        {"Buckets": []},
        {"Buckets": [{"Name": "two"}]},
    ]
    reader.answer("s3", "ListBuckets", *pages)
    evidence = collect(reader, EarlierEvidence())
    assert one_of(evidence, "s3.account")["public_access_block"] == ALL
    assert one_of(evidence, "s3.inventory")["buckets"] == {"one": "eu-west-1", "two": None}
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, EarlierEvidence()))


@pytest.mark.parametrize(
    ("service", "operation", "type", "fact"),
    [
        ("s3", "ListBuckets", "s3.inventory", "buckets"),
        ("s3control", "GetPublicAccessBlock", "s3.account", "public_access_block"),
    ],
)
def test_denied_read_is_a_gap(service: str, operation: str, type: str, fact: str) -> None:
    reader = account()
    reader.refuse(service, operation, "AccessDenied", status=403)
    evidence = collect(reader, EarlierEvidence())
    assert one_of(evidence, type)[fact] == reader.gap(service, operation, "AccessDenied")
    assert not evidence.gaps


def test_a_page_that_was_refused_hides_the_whole_inventory() -> None:
    reader = account()
    reader.refuse("s3", "ListBuckets", after=[{"Buckets": [{"Name": "one", "BucketRegion": "eu-west-1"}]}])
    assert one_of(collect(reader, EarlierEvidence()), "s3.inventory")["buckets"].kind is GapKind.DENIED


@pytest.mark.parametrize("answer", [{}, {"Buckets": None}, {"Buckets": [{"BucketRegion": "x"}]}, {"Buckets": ["one"]}])
def test_a_malformed_inventory(answer: Any) -> None:
    reader = account().answer("s3", "ListBuckets", answer)
    assert one_of(collect(reader, EarlierEvidence()), "s3.inventory")["buckets"].kind is GapKind.MALFORMED


def test_a_malformed_block() -> None:
    reader = account().answer("s3control", "GetPublicAccessBlock", {"PublicAccessBlockConfiguration": "all"})
    assert one_of(collect(reader, EarlierEvidence()), "s3.account")["public_access_block"].kind is GapKind.MALFORMED
