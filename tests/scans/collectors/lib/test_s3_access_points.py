from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.lib.s3_access_points import CALLS, TYPE, add_access_points
from scans.domain.evidence import Evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, kinds, one_of

ARN = "arn:aws:s3:eu-west-1:111122223333:accesspoint/reports"
ITEM = {"Name": "reports", "NetworkOrigin": "Internet", "Bucket": "own", "AccessPointArn": ARN}
ALL = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
POLICY = {"Version": "2012-10-17", "Statement": []}
LIST, GET, READ = (("s3control", call.operation) for call in CALLS)


def make_reader(*items: Any) -> FakeReader:
    reader = FakeReader(CALLS, region="global")
    reader.answer(*LIST, {"AccessPointList": list(items)})
    reader.answer(*GET, {"Name": "reports", "PublicAccessBlockConfiguration": ALL})
    return reader.answer(*READ, {"Policy": json.dumps(POLICY)})


def read(reader: FakeReader, *, blocked: bool = False) -> Evidence:
    evidence = Evidence("s3_buckets", "global")
    add_access_points(reader, evidence, "own", "eu-west-1", blocked=blocked)
    return evidence


def test_access_point_has_its_own_settings() -> None:
    reader = make_reader(ITEM)
    evidence = read(reader)
    assert all_of(evidence, TYPE) == {
        ARN: {"name": "reports", "bucket": "own", "public_access_block": ALL, "policy": POLICY}
    }
    assert [r.region for r in evidence.resources] == ["eu-west-1"]
    assert {made.region for made in reader.made} == {"eu-west-1"}
    assert reader.asked(*LIST)[0].params == {"AccountId": "111122223333", "Bucket": "own"}


def test_bucket_without_access_points_takes_one_call() -> None:
    reader = make_reader()
    evidence = read(reader)
    assert (evidence.resources, evidence.gaps, reader.count()) == ([], {}, 1)


def test_blocked_account_needs_no_block_of_the_access_point() -> None:
    reader = make_reader(ITEM)
    assert one_of(read(reader, blocked=True), TYPE)["public_access_block"] is None
    assert reader.count(*GET) == 0


def test_every_page_of_access_points_is_read() -> None:
    other = ITEM | {"Name": "two", "AccessPointArn": f"{ARN}-2"}
    reader = make_reader()
    reader.answer(*LIST, {"AccessPointList": [ITEM], "NextToken": "next"}, {"AccessPointList": [other]})
    assert set(all_of(read(reader), TYPE)) == {ARN, f"{ARN}-2"}
    assert reader.asked(*LIST)[1].params["NextToken"] == "next"
    endless = make_reader().answer(*LIST, {"AccessPointList": [], "NextToken": "again"})
    assert kinds(read(endless), TYPE) == ["malformed"]


def test_refused_list_of_access_points_is_a_gap() -> None:
    evidence = read(make_reader(ITEM).refuse(*LIST, "AccessDenied", status=403))
    assert kinds(evidence, TYPE) == ["denied"]
    assert not evidence.resources


@pytest.mark.parametrize("item", [{}, None, ITEM | {"Name": 1}, ITEM | {"AccessPointArn": "reports"}])
def test_malformed_access_point_leaves_the_list_incomplete(item: Any) -> None:
    evidence = read(make_reader(item, ITEM))
    assert kinds(evidence, TYPE) == ["malformed"]
    assert set(all_of(evidence, TYPE)) == {ARN}


def test_list_without_access_points_is_malformed() -> None:
    assert kinds(read(make_reader().answer(*LIST, {})), TYPE) == ["malformed"]


@pytest.mark.parametrize(("call", "fact"), [(GET, "public_access_block"), (READ, "policy")])
def test_unread_setting_of_an_access_point_is_a_gap(call: tuple[str, str], fact: str) -> None:
    refused = read(make_reader(ITEM).refuse(*call, "AccessDenied", status=403))
    assert one_of(refused, TYPE)[fact].kind is GapKind.DENIED
    assert one_of(read(make_reader(ITEM).answer(*call, {})), TYPE)[fact].kind is GapKind.MALFORMED


def test_a_block_of_which_a_part_is_missing_is_malformed() -> None:
    part = {name: True for name in ALL if name != "IgnorePublicAcls"}
    reader = make_reader(ITEM).answer(*GET, {"PublicAccessBlockConfiguration": part})
    assert one_of(read(reader), TYPE)["public_access_block"].kind is GapKind.MALFORMED


def test_access_point_without_a_policy() -> None:
    reader = make_reader(ITEM).refuse(*READ, "NoSuchAccessPointPolicy", kind=GapKind.REJECTED, status=404)
    assert one_of(read(reader), TYPE)["policy"] is None
