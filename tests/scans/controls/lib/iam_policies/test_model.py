"""Reading policy documents of every legal shape, and refusing the others."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.controls.lib.iam_policies import Condition, PolicyError, parse_policy

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def one(**elements):
    return parse_policy({"Version": "2012-10-17", "Statement": {**ALLOW, **elements}}).statements[0]


def test_a_single_statement_reads_like_a_list_of_one():
    assert parse_policy({"Statement": ALLOW}) == parse_policy({"Statement": [ALLOW]})


def test_a_text_reads_like_a_list_of_one():
    assert one(Action="s3:GetObject") == one(Action=["s3:GetObject"])
    assert one(Resource="*") == one(Resource=["*"])


@pytest.mark.parametrize("key", ["Resource", "NotResource"])
@pytest.mark.parametrize(
    ("written", "in_aws", "in_china"),
    [
        ("*", True, True),
        ("arn:*", True, True),
        ("arn:*:s3:::a", True, True),
        ("arn:aws*:s3:::a", True, True),
        ("arn:aws-c?:s3:::a", False, True),
        ("arn:aw?:s3:::a", True, False),
        ("arn:aws:s3:::a", True, False),
        ("arn:aws-cn:s3:::a", False, True),
        ("arn:aws-cn:*", False, True),
        ("arn:aws-cn*", False, True),
        ("arn:${aws:PrincipalTag/partition}:s3:::a", True, True),
    ],
)
def test_only_arns_of_its_partition_count(key, written, in_aws, in_china):
    statement = {name: value for name, value in ALLOW.items() if name != "Resource"} | {key: written}
    for partition, counts in (("aws", in_aws), ("aws-cn", in_china), ("", True)):
        [parsed] = parse_policy({"Statement": statement}, partition=partition).statements
        assert (parsed.resources, parsed.not_resources) == (
            ((written,) if counts else (), None) if key == "Resource" else (None, (written,) if counts else ())
        )


@pytest.mark.parametrize(
    ("principal", "read"),
    [
        ("*", (("*", "*"),)),
        ({"AWS": "*"}, (("AWS", "*"),)),
        ({"AWS": ["111122223333", "*"]}, (("AWS", "111122223333"), ("AWS", "*"))),
        ({"Service": "ssm.amazonaws.com"}, (("Service", "ssm.amazonaws.com"),)),
        ({"Federated": "accounts.google.com"}, (("Federated", "accounts.google.com"),)),
    ],
)
def test_principals_are_parsed(principal, read):
    assert one(Principal=principal).principals == read
    assert one(NotPrincipal=principal).not_principals == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"Bool": {"aws:SecureTransport": False}}, Condition("bool", "aws:securetransport", ("false",))),
        ({"BOOL": {"AWS:SECURETRANSPORT": "false"}}, Condition("bool", "aws:securetransport", ("false",))),
        ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, Condition("numericlessthan", "s3:tlsversion", ("1.2",))),
        ({"StringEqualsIfExists": {"a:b": "c"}}, Condition("stringequals", "a:b", ("c",), if_exists=True)),
        (
            {"ForAnyValue:StringLike": {"a:b": ["c", "d"]}},
            Condition("stringlike", "a:b", ("c", "d"), each="foranyvalue"),
        ),
    ],
)
def test_conditions_in_any_case(written, read):
    assert one(Condition=written).conditions == (read,)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "{}",
        {},
        {"Statement": "x"},
        {"Statement": ["x"]},
        {"Statement": {**ALLOW, "Effect": "allow"}},
        {"Statement": {**ALLOW, "Action": [1]}},
        {"Statement": {**ALLOW, "NotAction": "s3:*"}},
        {"Statement": {"Effect": "Allow", "Resource": "*"}},
        {"Statement": {**ALLOW, "NotResource": "*"}},
        {"Statement": {**ALLOW, "Principal": "someone"}},
        {"Statement": {**ALLOW, "Principal": {"AWS": None}}},
        {"Statement": {**ALLOW, "Principal": "*", "NotPrincipal": "*"}},
        {"Statement": {**ALLOW, "Condition": []}},
        {"Statement": {**ALLOW, "Condition": {"Bool": "x"}}},
        {"Statement": {**ALLOW, "Condition": {"Bool": {"x": None}}}},
        {"Statement": {**ALLOW, "Condition": {"ForSome:Bool": {"x": "y"}}}},
    ],
)
def test_invalid_policy_is_refused(document):
    with pytest.raises(PolicyError):
        parse_policy(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["*", "Allow", "Deny"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Statement", "Effect", "Action", "NotAction", "Resource", "Principal", "Condition", "Bool"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_either_read_or_refused(document):
    with suppress(PolicyError):
        assert parse_policy(document).statements is not None


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-ours", "AWS:PrincipalOrgId": "o-theirs"}},
        {"StringEquals": {"aws:PrincipalOrgID": "o-ours"}, "stringEquals": {"aws:PrincipalOrgID": "o-theirs"}},
    ],
)
def test_repeated_condition_is_refused(condition):
    """Whether AWS adds the values up or asks for both isn't known, and the two differ in whom they admit."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    with pytest.raises(PolicyError, match="twice"):
        parse_policy({"Statement": statement})


def test_conditions_with_different_operators_stay_separate():
    both = {
        "StringEquals": {"a:b": "c"},
        "StringEqualsIfExists": {"a:b": "c"},
        "ForAnyValue:StringEquals": {"a:b": "c"},
    }
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": both}
    assert len(parse_policy({"Statement": statement}).statements[0].conditions) == 3
