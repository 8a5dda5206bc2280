"""Which Denies keep principals outside the organization from what an Allow grants."""

from __future__ import annotations

from typing import Any

import pytest

from scans.controls.lib.aws_log_accounts import AWS_LOG_ACCOUNTS
from scans.controls.lib.iam_policies import (
    Perimeter,
    PolicyError,
    assess_denies,
    is_surely_public,
    parse_policy,
    select_reaching_statements,
)
from scans.domain.evidence import Context

BUCKET = "arn:aws:s3:::logs"
HOME, STRANGER = "111111111111", "999999999999"
CONTEXT = Context(account=HOME, accounts=frozenset({HOME}), organization="o-ours")
OURS = {"aws:PrincipalOrgID": "o-ours"}


def allow(**changes: Any) -> dict[str, Any]:
    base = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [BUCKET]}
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def assess(deny: dict[str, Any], granted: dict[str, Any] | None = None, networks: frozenset[str] = frozenset()) -> str:
    base = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    made = {name: value for name, value in {**base, **deny}.items() if value is not None}
    policy = parse_policy({"Statement": [granted or allow(), made]})
    return assess_denies(policy, policy.allow_statements[0], CONTEXT, networks)


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"StringNotEquals": OURS},
        {"StringNotEqualsIfExists": OURS},
        {"StringNotLike": {"aws:PrincipalOrgID": "o-ours"}},
        {"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": "o-ours/r-1/*"}},
        {"StringNotEquals": {"aws:PrincipalAccount": HOME}},
        {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{HOME}:role/*"}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}},
        {"StringNotEquals": {**OURS, "aws:PrincipalAccount": HOME}},
        {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
    ],
)
def test_deny_that_spares_only_the_organization_closes(condition: dict[str, Any]) -> None:
    assert assess({"Condition": condition}, networks=frozenset({"vpce-1"})) is Perimeter.CLOSED


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": OURS},
        {"StringNotEquals": {"aws:PrincipalOrgID": ["o-ours", "o-theirs"]}},
        {"StringNotEquals": {**OURS, "aws:PrincipalAccount": STRANGER}},
        {"StringNotLike": {"aws:PrincipalOrgID": "o-*"}},
        {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-ours/r-1/*"}},
        {"StringNotEquals": OURS, "Bool": {"aws:SecureTransport": "false"}},
        {"StringNotEquals": OURS, "Null": {"aws:PrincipalTag/team": "true"}},
        {"BoolIfExists": {"aws:ViaAWSService": "false"}},
        {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"BoolIfExists": {"aws:PrincipalIsAWSService": "true"}},
    ],
)
def test_deny_that_spares_others_leaves_it_open(condition: dict[str, Any]) -> None:
    assert assess({"Condition": condition}) is Perimeter.OPEN


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotLike": {"aws:userId": "AROAEXAMPLE:*"}},
        {"StringNotEquals": {"aws:SourceVpce": "vpce-2"}},
        {"Bool": {"aws:PrincipalIsAWSService": "false"}},
    ],
)
def test_deny_that_spares_someone_unknown_is_unknown(condition: dict[str, Any]) -> None:
    assert assess({"Condition": condition}) is Perimeter.UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"Action": "s3:GetObject"},
        {"Resource": f"{BUCKET}/*"},
        {"Action": None, "NotAction": "s3:List*"},
        {"Resource": None, "NotResource": BUCKET},
        {"Principal": {"AWS": STRANGER}},
        {"Principal": None, "NotPrincipal": {"AWS": [HOME, STRANGER]}},
        {"Principal": None, "NotPrincipal": "*"},
    ],
)
def test_deny_must_cover_what_is_granted(changes: dict[str, Any]) -> None:
    assert assess({**changes, "Condition": None}) is Perimeter.OPEN


@pytest.mark.parametrize(
    "changes",
    [
        {"Action": ["s3:get*", "S3:LISTBUCKET"]},
        {"Resource": f"{BUCKET}*"},
        {"Action": None, "NotAction": "s3:Put*"},
        {"Resource": None, "NotResource": f"{BUCKET}-2"},
        {"Principal": None, "NotPrincipal": {"AWS": HOME, "Service": "cloudtrail.amazonaws.com"}},
    ],
)
def test_deny_in_another_spelling_closes(changes: dict[str, Any]) -> None:
    assert assess(changes) is Perimeter.CLOSED


def test_grant_of_everything_needs_a_deny_of_everything() -> None:
    wide = allow(Action=None, NotAction="iam:*", Resource="*")
    assert assess({}, wide) is Perimeter.CLOSED
    assert assess({"Action": "s3:*"}, wide) is Perimeter.OPEN


def test_deny_that_spares_an_unknown_canonical_user() -> None:
    assert assess({"Principal": None, "NotPrincipal": {"CanonicalUser": "79a5"}}) is Perimeter.UNKNOWN


def test_too_much_to_compare_is_refused() -> None:
    many = [f"{BUCKET}/{n}" for n in range(400)]
    with pytest.raises(PolicyError):
        assess({"Resource": many}, allow(Resource=many))


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        (None, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"StringLike": {"aws:Referer": "https://example.com/*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-theirs"}}, False),
    ],
)
def test_what_s3_surely_counts_as_public(condition: Any, public: bool) -> None:
    assert is_surely_public(parse_policy({"Statement": [allow(Condition=condition)]})) is public
    assert not is_surely_public(parse_policy({"Statement": [allow(Principal={"AWS": STRANGER})]}))


@pytest.mark.parametrize(
    ("changes", "reaches"),
    [
        ({"Resource": "*"}, True),
        ({"Resource": f"{BUCKET}:*"}, True),
        ({"Resource": f"{BUCKET}:log-stream:one"}, True),
        ({"Resource": "arn:aws:s3:::lo?s"}, True),
        ({"Resource": f"{BUCKET}-2"}, False),
        ({"Resource": None, "NotResource": f"{BUCKET}:log-stream:one"}, True),
        ({"Resource": None, "NotResource": f"{BUCKET}*"}, False),
    ],
)
def test_statements_that_reach_a_resource(changes: dict[str, Any], reaches: bool) -> None:
    policy = parse_policy({"Statement": [allow(**changes)]})
    assert bool(select_reaching_statements(policy, BUCKET).statements) is reaches


def test_accounts_of_log_delivery_are_accounts() -> None:
    assert all(len(account) == 12 and account.isdigit() for account in AWS_LOG_ACCOUNTS)
    assert len(AWS_LOG_ACCOUNTS) == 42
