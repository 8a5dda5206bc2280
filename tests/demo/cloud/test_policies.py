from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.cloud.policies import effect, granted, trust

pytestmark = pytest.mark.slow

ACTION = "ssm:DescribeParameters"
HUB = "arn:aws:iam::111122223333:root"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def says(effect: str, action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("*", "Allow"),
        ("ssm:*", "Allow"),
        ("SSM:describe*", "Allow"),
        ("ssm:DescribeParameter?", "Allow"),
        (["kms:*", ACTION], "Allow"),
        ("ssm:Get*", ""),
        ("ssm:Describe[P]arameters", ""),
        ([], ""),
    ],
)
def test_actions_match_by_wildcard_whatever_the_case(action: Any, expected: str) -> None:
    assert effect(document(says("Allow", action)), ACTION) == expected


def test_a_deny_wins_wherever_it_stands() -> None:
    assert effect(document(says("Deny"), says("Allow")), ACTION) == "Deny"
    assert effect(document(says("Allow"), says("Deny", "ssm:*")), ACTION) == "Deny"


def test_a_single_statement_need_not_be_a_list() -> None:
    assert effect(json.dumps({"Statement": says("Allow")}), ACTION) == "Allow"


def test_not_action_matches_all_other_actions() -> None:
    assert effect(document({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}), ACTION) == "Deny"
    assert effect(document({"Effect": "Deny", "NotAction": "ssm:*", "Resource": "*"}), ACTION) == ""


def test_a_denied_resource_is_not_all_resources() -> None:
    only = document(says("Allow"), says("Deny", "s3:*", "arn:aws:s3:::secret*"))
    assert effect(only, "s3:ListBucket", "arn:aws:s3:::secret-plans") == "Deny"
    assert effect(only, "s3:ListBucket", "arn:aws:s3:::open") == "Allow"
    assert effect(only, "s3:ListAllMyBuckets") == "Allow"


REGION = {"aws:requestedregion": "eu-west-1"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}}, "Deny"),
        ({"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}, ""),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, "Deny"),
        ({"StringLike": {"aws:RequestedRegion": "eu-*"}}, "Deny"),
        ({"StringNotLike": {"aws:RequestedRegion": "eu-*"}}, ""),
        ({"StringEqualsIgnoreCase": {"aws:RequestedRegion": "EU-WEST-1"}}, "Deny"),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, ""),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, "Deny"),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, "Deny"),
        ({"Null": {"aws:PrincipalOrgID": "true"}}, "Deny"),
        ({"Null": {"aws:RequestedRegion": True}}, ""),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, ""),
    ],
)
def test_conditions_are_weighed(condition: dict[str, Any], expected: str) -> None:
    assert effect(document(says("Deny", Condition=condition)), ACTION, "*", REGION) == expected


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": HUB}, {"AWS": ["111122223333", HUB]}])
def test_a_trust_policy_names_its_principals(principal: Any) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    assert trust(document(statement), [HUB], {}) == "Allow"


@pytest.mark.parametrize("principal", [None, {"Service": "ec2.amazonaws.com"}, {"AWS": "arn:aws:iam::9:root"}])
def test_trust_policy_refuses_other_principals(principal: Any) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    assert trust(document(statement), [HUB], {}) == ""


def test_a_resource_policy_can_deny_a_principal() -> None:
    statements = ({"Effect": e, "Principal": "*", "Action": "s3:ListBucket"} for e in ("Allow", "Deny"))
    assert granted(document(*statements), "s3:ListBucket", [HUB]) == "Deny"


texts = st.text(max_size=12)


@given(texts, texts, st.lists(texts, max_size=3))
def test_any_condition_gives_an_answer(operator: str, key: str, values: list[str]) -> None:
    found = effect(document(says("Allow", Condition={operator: {key: values}})), ACTION)
    assert found in {"", "Allow"}
