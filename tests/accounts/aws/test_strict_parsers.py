"""A body that isn't what it seems is refused, and never read as an empty answer."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from accounts.aws.calls import Call, CallError
from accounts.aws.credentials import acting_as
from accounts.aws.gaps import GapKind
from tests.accounts.aws.roles import FakeRole
from tests.accounts.aws.stub import Answer
from tests.accounts.aws.test_reader import ACCOUNT, AUTHORIZATION, parameters, reader

pytestmark = pytest.mark.slow
MACIE = Call("macie2", "GetMacieSession", "macie2:GetMacieSession")


@pytest.fixture(autouse=True)
def _acting():
    with acting_as(FakeRole(ACCOUNT)):
        yield


@pytest.mark.parametrize(
    "body",
    [
        b'{"Parameters": [], "NextToken": {"cut": 1}',
        b'{"Parameters": [{"Name": "a"}], "Parameters": []}',
        b'{"Parameters": [], "Version": %s}' % (b"1" * 5000),
        b'{"Parameters": [], "Odd": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        '{"Parameters": []}'.encode("utf-16"),
    ],
    ids=["cut off", "twice", "long number", "deep", "another encoding"],
)
def test_broken_json_is_malformed(aws, body):
    aws(lambda request: Answer(body))
    listing = parameters(reader())
    assert (listing.items, listing.gap.kind) == ([], GapKind.MALFORMED)


def test_other_json_protocol_is_strict_too(aws):
    aws(lambda request: Answer(b'{"status": "PAUSED", "status": "ENABLED"}'))
    with pytest.raises(CallError) as caught:
        reader(MACIE).call("macie2", "GetMacieSession")
    assert caught.value.gap.kind is GapKind.MALFORMED


def test_status_300_is_no_empty_answer(aws):
    aws(lambda request: Answer(b"<html>choose</html>", 300))
    assert parameters(reader()).gap.kind is GapKind.MALFORMED


@pytest.mark.parametrize("body", [b"<html>go away</html>", b'{"__type": "X", "__type": "Y"}', b"\xff\xfe"])
def test_refusal_in_another_form_keeps_its_status(aws, body):
    aws(lambda request: Answer(body, 403))
    with pytest.raises(CallError) as caught:
        reader().call("ssm", "DescribeParameters")
    assert (caught.value.gap.kind, caught.value.status) == (GapKind.DENIED, 403)


@pytest.mark.parametrize("code", ["A\\nGap: forged", "A B", "\\u001b[31mA", "A" * 5000])
def test_code_is_one_short_word(aws, code):
    aws(lambda request: Answer(b'{"__type": "%s", "message": "no"}' % code.encode(), 400))
    with pytest.raises(CallError) as caught:
        reader().call("ssm", "DescribeParameters")
    assert len(caught.value.code.split()) == 1
    assert len(caught.value.code) <= 100
    assert "\x1b" not in caught.value.code


def test_policies_of_iam_are_decoded_strictly_and_one_by_one(aws):
    good = json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    twice = good[:-1] + ', "Statement": []}'
    deep = '{"Statement": ' + "[" * 20_000 + "]" * 20_000 + "}"

    def script(request):
        members = "".join(
            f"<member><PolicyName>p</PolicyName><PolicyDocument>{quote(text)}</PolicyDocument></member>"
            for text in (good, twice, deep)
        )
        return Answer(
            f"<R><GetAccountAuthorizationDetailsResult><RoleDetailList><member><RoleName>r</RoleName>"
            f"<RolePolicyList>{members}</RolePolicyList></member></RoleDetailList>"
            "</GetAccountAuthorizationDetailsResult></R>".encode()
        )

    aws(script)
    answer = reader(AUTHORIZATION, region="global").call("iam", "GetAccountAuthorizationDetails")
    found = [one["PolicyDocument"] for one in answer["RoleDetailList"][0]["RolePolicyList"]]
    assert found[0] == json.loads(good)
    assert all(isinstance(document, str) for document in found[1:])
