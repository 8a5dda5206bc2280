"""What every collector takes out of AWS's answers in one way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib.strict_answers import (
    ShapeError,
    instant_or_none,
    json_object,
    mapping_or_empty,
    parse_instant,
    parse_policy_document,
    read_or_gap,
    require_arn,
    require_number,
    require_region,
    text_or_none,
)
from scans.domain.collector import CallError
from scans.domain.size_limits import MAX_RECORD, TooCostlyError

PLAIN = '{"Version": "2012-10-17", "Statement": []}'


@pytest.mark.parametrize("written", [PLAIN, quote(PLAIN)])
def test_a_document_is_read_whether_it_is_encoded_or_not(written: str) -> None:
    assert parse_policy_document(written) == {"Version": "2012-10-17", "Statement": []}


@pytest.mark.parametrize(
    "twice",
    [
        '{"Statement": [], "Statement": [{"Effect": "Allow"}]}',
        '{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}',
        '{"Statement": [{"Condition": {"Bool": {"aws:x": "true", "aws:x": "false"}}}]}',
    ],
)
def test_policy_with_duplicate_member_is_malformed(twice: str) -> None:
    for written in (twice, quote(twice)):
        with pytest.raises(ShapeError):
            parse_policy_document(written)


@pytest.mark.parametrize(
    "given", ['{"a":' * 50_000, '{"Statement": "' + "x" * MAX_RECORD + '"}', {"Statement": [[{}] * 10] * 10_000}]
)
def test_a_document_beyond_the_bounds_is_too_costly(given: object) -> None:
    with pytest.raises(TooCostlyError):
        parse_policy_document(given)


@pytest.mark.parametrize("given", ["1e999", "soon", "0001-01-01T00:00:00+14:00", 7, None])
def test_invalid_time_is_malformed(given: object) -> None:
    with pytest.raises(ShapeError):
        parse_instant(given)


def test_largest_record_is_read() -> None:
    assert json_object('{"a": "' + "x" * 1_000_000 + '"}') is not None


@pytest.mark.parametrize("absent", [{}, {"Field": None}])
def test_a_missing_field_is_none_or_empty(absent: dict[str, Any]) -> None:
    assert text_or_none(absent, "Field") is None
    assert text_or_none({"Field": ""}, "Field") is None
    assert instant_or_none(absent, "Field") is None
    assert mapping_or_empty(absent, "Field") == {}


@pytest.mark.parametrize("read", [text_or_none, instant_or_none, mapping_or_empty])
def test_a_field_of_another_type_is_never_taken_as_missing(read: Any) -> None:
    for other in (0, [], False):
        with pytest.raises(ShapeError):
            read({"Field": other}, "Field")


def test_a_time_is_botocore_s_and_no_text() -> None:
    assert instant_or_none({"At": datetime(2026, 1, 1, tzinfo=UTC)}, "At") == "2026-01-01T00:00:00+00:00"
    with pytest.raises(ShapeError):
        instant_or_none({"At": "2026-01-01T00:00:00+00:00"}, "At")


def test_a_fact_that_can_not_be_read_says_why() -> None:
    gap = Gap(GapKind.MALFORMED, "a.Read", "a:Read", "eu-west-1", "MalformedAnswer")
    denied = Gap(GapKind.DENIED, "a.Read", "a:Read", "eu-west-1", "AccessDenied")

    def fail(error: Exception) -> str:
        raise error

    assert read_or_gap(gap, text_or_none, {"Field": "x"}, "Field") == "x"
    assert read_or_gap(gap, fail, ShapeError("x")) == gap
    assert read_or_gap(gap, fail, CallError(denied)) == denied
    costly = read_or_gap(gap, fail, TooCostlyError("Over60Levels"))
    assert (costly.kind, costly.api, costly.code) == (GapKind.TOO_COSTLY, "a.Read", "Over60Levels")


@pytest.mark.parametrize("arn", ["text", "arn:aws:iam", "arn:aws:iam::111122223333", "a:b:c:d:e:f", "", None, 7])
def test_a_text_that_lacks_parts_of_an_arn_is_malformed(arn: object) -> None:
    with pytest.raises(ShapeError):
        require_arn({"Arn": arn}, "Arn")


def test_an_arn_of_any_partition_is_one() -> None:
    arn = "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/main"
    assert require_arn({"Arn": arn}, "Arn") == arn


@pytest.mark.parametrize(
    "region", ["EU", "eu-west-1/x", "evil.example", "eu-" + "a" * 40 + "-1", "eu-west-1\n", "\ufffd", None]
)
def test_what_is_no_name_of_a_region_is_malformed(region: object) -> None:
    with pytest.raises(ShapeError):
        require_region({"HomeRegion": region}, "HomeRegion")


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-east-1", "cn-northwest-1", "us-iso-east-1", "mx-central-1"])
def test_every_partition_has_names_of_regions(region: str) -> None:
    assert require_region({"HomeRegion": region}, "HomeRegion") == region


@pytest.mark.parametrize("value", [-1, True, 1.0, "1", None])
def test_count_is_a_whole_number_of_nought_or_more(value: Any) -> None:
    with pytest.raises(ShapeError):
        require_number({"count": value}, "count")
