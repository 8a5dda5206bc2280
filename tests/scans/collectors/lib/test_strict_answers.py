"""What every collector takes out of AWS's answers in one way."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from scans.collectors.lib.strict_answers import ShapeError, json_object, parse_instant, parse_policy_document
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
def test_a_document_with_two_members_of_one_name_is_not_read_as_either(twice: str) -> None:
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
def test_what_is_no_time_is_another_form(given: object) -> None:
    with pytest.raises(ShapeError):
        parse_instant(given)


def test_a_record_as_large_as_they_come_is_read() -> None:
    assert json_object('{"a": "' + "x" * 1_000_000 + '"}') is not None
