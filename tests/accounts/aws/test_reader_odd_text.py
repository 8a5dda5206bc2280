"""What the database can't store is replaced where AWS's answers come in, and told."""

from __future__ import annotations

import pytest

from accounts.aws.calls import CallError
from accounts.aws.credentials import acting_as
from accounts.aws.gaps import GapKind
from tests.accounts.aws.roles import FakeRole
from tests.accounts.aws.stub import Answer
from tests.accounts.aws.test_reader import ACCOUNT, names, paged, parameters, reader

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _acting():
    with acting_as(FakeRole(ACCOUNT)):
        yield


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"Parameters": [{"Name": "a\\ud83d"}]}', "a\ufffd"),
        (b'{"Parameters": [{"Name": "a\\u0000b"}]}', "a\ufffdb"),
        (b'{"Parameters": [{"Name": "\\ud83d\\ude00"}]}', "\U0001f600"),
    ],
)
def test_odd_text_is_replaced_and_remembered(aws, body, name):
    aws(lambda request: Answer(body))
    one = reader()
    assert names(parameters(one)) == [name]
    told = [] if "\ufffd" not in name else [(GapKind.REPLACED, "ssm.DescribeParameters", "TextReplaced")]
    assert [(gap.kind, gap.api, gap.code) for gap in one.replaced] == told


def test_replaced_answer_is_reported_once_for_all_pages(aws):
    aws(paged({None: (["a\x00"], "1"), "1": (["b\x00"], None)}))
    one = reader()
    assert names(parameters(one)) == ["a\ufffd", "b\ufffd"]
    assert len(one.replaced) == 1


def test_aws_refusal_text_is_storable(aws):
    aws(lambda request: Answer(b'{"__type": "Odd\\ud83dException", "message": "no\\u0000 \\ud83d"}', 400))
    with pytest.raises(CallError) as caught:
        reader().call("ssm", "DescribeParameters")
    assert (caught.value.code, caught.value.message) == ("Odd\ufffdException", "no\ufffd \ufffd")


def test_an_answer_that_is_nested_without_end_is_malformed(aws):
    aws(lambda request: Answer(b'{"Parameters": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"))
    assert parameters(reader()).gap.kind is GapKind.MALFORMED
