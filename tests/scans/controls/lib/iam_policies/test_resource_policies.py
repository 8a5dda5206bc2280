"""Bucket, key and endpoint policies."""

from __future__ import annotations

import pytest

from scans.controls.lib.iam_policies import (
    Perimeter,
    assess_perimeter,
    denies_insecure_transport,
    denies_old_tls,
    full_access_statements,
    list_foreign_accounts,
    list_named_accounts,
    list_named_networks,
    list_open_principals,
    list_unknown_principals,
    parse_policy,
)
from scans.domain.evidence import Context

BUCKET = "arn:aws:s3:::logs"
BOTH = [BUCKET, f"{BUCKET}/*"]
HTTP = {"Bool": {"aws:SecureTransport": "false"}}
OLD = {"NumericLessThan": {"s3:TlsVersion": "1.3"}}
HOME, FRIEND, STRANGER, OTHER = "111111111111", "222222222222", "999999999999", "888888888888"
CONTEXT = Context(account=HOME, accounts=frozenset({HOME, FRIEND}), organization="o-ours")


def policy(*statements):
    return parse_policy({"Statement": list(statements)})


def deny(**changes):
    base = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": BOTH, "Condition": HTTP}
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def test_prowler_1481_a_policy_that_denies_http_is_not_flagged():
    assert denies_insecure_transport(policy(deny()), BUCKET)


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["*"]}},
        {"Action": "*"},
        {"Action": ["S3:*"]},
        {"Resource": "*"},
        {"Resource": "arn:aws:s3:::logs*"},
        {"Condition": {"bool": {"AWS:SecureTransport": False}}},
        {"Condition": {"BoolIfExists": {"aws:SecureTransport": ["false"]}}},
        {"Condition": None},
    ],
)
def test_denies_plain_http(changes):
    assert denies_insecure_transport(policy(deny(**changes)), BUCKET)


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": HOME}},
        {"Principal": None, "NotPrincipal": {"AWS": HOME}},
        {"Action": ["s3:GetObject", "s3:PutObject"]},
        {"Action": None, "NotAction": "s3:GetObject"},
        {"Resource": BUCKET},
        {"Resource": f"{BUCKET}/*"},
        {"Resource": ["arn:aws:s3:::other", "arn:aws:s3:::other/*"]},
        {"Resource": [BUCKET, f"{BUCKET}/public/*"]},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {**HTTP, "StringEquals": {"aws:PrincipalAccount": HOME}}},
    ],
)
def test_does_not_deny_plain_http(changes):
    assert not denies_insecure_transport(policy(deny(**changes)), BUCKET)


def test_bucket_and_objects_may_be_denied_by_two_statements():
    assert denies_insecure_transport(policy(deny(Resource=BUCKET), deny(Resource=f"{BUCKET}/*")), BUCKET)


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        (OLD, True),
        ({"numericlessthan": {"S3:TLSVERSION": 1.3}}, True),
        ({"NumericLessThanIfExists": {"s3:TlsVersion": "1.3"}}, True),
        ({"NumericLessThanEquals": {"s3:TlsVersion": "1.2"}}, True),
        ({"NumericLessThanEquals": {"s3:TlsVersion": "1.1"}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": "NaN"}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": "new"}}, False),
        ({"NumericGreaterThan": {"s3:TlsVersion": "1.2"}}, False),
        (HTTP, False),
    ],
)
def test_denies_old_tls(condition, denied):
    assert denies_old_tls(policy(deny(Condition=condition)), BUCKET) is denied


def statement(**elements):
    return policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*", **elements}).statements[0]


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        ({"Principal": "*"}, ("*",)),
        ({"Principal": {"AWS": ["*", HOME]}}, ("*",)),
        ({"Principal": {"AWS": HOME}}, ()),
        ({"Principal": {"Service": "logs.amazonaws.com"}}, ()),
        ({"NotPrincipal": {"AWS": HOME}}, (f"everyone but {HOME}",)),
        ({}, ()),
    ],
)
def test_open_principals_are_listed(elements, found):
    assert list_open_principals(statement(**elements)) == found


def test_accounts_of_principals():
    listed = statement(
        Principal={
            "AWS": [
                f"arn:aws:iam::{HOME}:root",
                f"arn:aws-cn:sts::{STRANGER}:assumed-role/x/y",
                STRANGER,
                "AIDAEXAMPLEEXAMPLE00",
                "*",
                "arn:aws:iam::cloudfront:user/x",
            ],
            "Federated": [f"arn:aws:iam::{OTHER}:saml-provider/x", "accounts.example.com"],
            "CanonicalUser": "79a59df900b949e5",
            "Service": ["s3.amazonaws.com", "*"],
        }
    )
    assert list_named_accounts(listed) == (HOME, STRANGER, OTHER)
    assert list_foreign_accounts(listed, CONTEXT.accounts) == (STRANGER, OTHER)
    assert list_unknown_principals(listed) == (
        "arn:aws:iam::cloudfront:user/x", "accounts.example.com", "79a59df900b949e5", "*",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ({"StringEquals": {"aws:PrincipalOrgID": "o-ours"}}, Perimeter.CLOSED),
        ({"stringequals": {"AWS:PRINCIPALORGID": ["o-ours"]}}, Perimeter.CLOSED),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-theirs"}}, Perimeter.OPEN),
        ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, Perimeter.OPEN),
        ({"StringEquals": {"aws:PrincipalOrgID": ["o-ours", "o-theirs"]}}, Perimeter.OPEN),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-ours"}}, Perimeter.OPEN),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-ours"}}, Perimeter.OPEN),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-ours/r-1/*"}}, Perimeter.CLOSED),
        ({"StringEquals": {"kms:CallerAccount": HOME}}, Perimeter.CLOSED),
        ({"StringEquals": {"kms:CallerAccount": STRANGER}}, Perimeter.OPEN),
        # a service, whoever calls through it
        ({"StringEquals": {"kms:ViaService": "ssm.eu-west-1.amazonaws.com"}}, Perimeter.OPEN),
        ({"ForAnyValue:StringEquals": {"aws:CalledVia": "ssm.amazonaws.com"}}, Perimeter.OPEN),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, Perimeter.OPEN),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, Perimeter.OPEN),
        (
            {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com", "kms:CallerAccount": HOME}},
            Perimeter.CLOSED,
        ),
        (
            {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com", "kms:CallerAccount": STRANGER}},
            Perimeter.OPEN,
        ),
        ({"StringLike": {"kms:ViaService": "*"}}, Perimeter.OPEN),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{FRIEND}:*"}}, Perimeter.CLOSED),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}, Perimeter.OPEN),
        ({"StringLike": {"aws:PrincipalArn": "*"}}, Perimeter.OPEN),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, Perimeter.UNKNOWN),
        ({"StringEquals": {"aws:SourceVpc": ["vpc-0a1"]}}, Perimeter.UNKNOWN),
        ({"StringLike": {"aws:SourceVpc": "vpc-*"}}, Perimeter.OPEN),
        ({"StringLike": {"aws:SourceVpc": ["vpc-0a1", "*"]}}, Perimeter.OPEN),
        ({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-0a1"}}, Perimeter.OPEN),
        ({"StringEquals": {"aws:SourceVpc": "vpc-0a1", "kms:CallerAccount": HOME}}, Perimeter.CLOSED),
        ({"StringEquals": {"aws:VpceAccount": FRIEND}}, Perimeter.CLOSED),
        ({"StringEquals": {"aws:VpceOrgID": "o-theirs"}}, Perimeter.OPEN),
        ({"ArnLike": {"aws:SourceVpcArn": f"arn:aws:ec2:*:{HOME}:vpc/*"}}, Perimeter.CLOSED),
        ({"Bool": {"aws:SecureTransport": "true"}}, Perimeter.OPEN),
        ({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}, Perimeter.CLOSED),
        ({"StringLike": {"aws:SourceOrgID": "${ aws:resourceOrgId }"}}, Perimeter.CLOSED),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "${aws:ResourceOrgID}/r-1/*"}}, Perimeter.CLOSED),
        ({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID, 'o-theirs'}"}}, Perimeter.UNKNOWN),
        ({"StringEquals": {"aws:PrincipalOrgID": ["${aws:ResourceOrgID}", "o-theirs"]}}, Perimeter.OPEN),
        ({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}}, Perimeter.OPEN),
        ({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceAccount}"}}, Perimeter.OPEN),
        ({"StringEquals": {"kms:CallerAccount": "${aws:ResourceAccount}"}}, Perimeter.CLOSED),
        ({"StringEquals": {"kms:CallerAccount": "${aws:PrincipalAccount}"}}, Perimeter.OPEN),
        ({"StringLike": {"kms:CallerAccount": "${aws:ResourceAccount}*"}}, Perimeter.OPEN),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:${aws:ResourceAccount}:*"}}, Perimeter.CLOSED),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:${aws:PrincipalAccount}:*"}}, Perimeter.OPEN),
        ({"StringEquals": {"kms:CallerAccount": STRANGER, "aws:PrincipalOrgID": "o-ours"}}, Perimeter.CLOSED),
    ],
)
def test_perimeter_conditions_are_assessed(condition, answer):
    found = statement(Principal="*", Condition=condition)
    assert assess_perimeter(found, CONTEXT) is answer


@pytest.mark.parametrize(
    ("named", "answer"),
    [("vpc-0a1", Perimeter.CLOSED), (["vpc-0a1", "vpc-0b2"], Perimeter.UNKNOWN), ("vpc-0b2", Perimeter.UNKNOWN)],
)
def test_network_condition_closes_only_with_own_networks(named, answer):
    found = statement(Principal="*", Condition={"StringEquals": {"aws:SourceVpc": named}})
    assert assess_perimeter(found, CONTEXT, {"vpc-0a1", "vpce-0a1"}) is answer
    assert "vpc-0b2" in list_named_networks(found) or named == "vpc-0a1"


@pytest.mark.parametrize(
    "condition", [{"StringEquals": {"aws:PrincipalOrgID": "o-x"}}, {"StringEquals": {"aws:SourceAccount": STRANGER}}]
)
def test_perimeter_of_unknown_owner_is_unknown(condition):
    assert assess_perimeter(statement(Principal="*", Condition=condition), Context(account=HOME)) is Perimeter.UNKNOWN


@pytest.mark.parametrize(
    ("elements", "full"),
    [
        ({"Principal": "*", "Action": "*"}, True),
        ({"Principal": {"AWS": "*"}, "Action": ["*"]}, True),
        ({"Principal": "*", "Action": "ssm:*"}, False),
        ({"Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::x"}, False),
        ({"Principal": {"AWS": HOME}, "Action": "*"}, False),
        ({"Principal": "*", "Action": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o"}}}, False),
        ({"Effect": "Deny", "Principal": "*", "Action": "*"}, False),
    ],
)
def test_full_access_of_endpoints(elements, full):
    found = policy({"Effect": "Allow", "Resource": "*", **elements})
    assert bool(full_access_statements(found)) is full


@pytest.mark.parametrize(
    ("service", "elements", "full"),
    [
        ("ssm", {"Action": "ssm:*"}, True),
        ("ssm", {"Action": "SSM:*", "Resource": "arn:aws:ssm:*:*:*"}, True),
        ("ssm", {"Action": "ssm*:*"}, True),
        ("ssm", {"Action": "ssm:?*"}, True),
        ("kinesis-streams", {"Action": "kinesis:*"}, True),
        ("ssm", {"Action": "*", "Resource": "arn:aws:ssm:*"}, True),
        ("ecr.api", {"Action": "ecr:*"}, True),
        ("monitoring", {"Action": "cloudwatch:*"}, True),
        ("s3", {"Action": "s3:*", "Resource": "arn:aws:s3:::*"}, True),
        ("s3", {"Action": "s3:*", "Resource": "arn:aws:s3:::*/*"}, True),
        ("kms", {"Action": "kms:*", "Resource": "arn:aws:kms:*:*:key/*"}, True),
        ("logs-fips", {"Action": "logs:*", "Resource": "arn:aws:logs:*:*:log-group:*"}, True),
        ("kms", {"Action": "kms:*", "Resource": "arn:aws:kms:*:111122223333:key/*"}, False),
        ("kms", {"Action": "kms:Decrypt", "Resource": "arn:aws:kms:*:*:key/*"}, False),
        ("ssm", {"Action": "ssm:Get*"}, False),
        ("ssm", {"Action": "ssm:*", "Resource": "arn:aws:ssm:eu-west-1:*:*"}, False),
        ("ssmmessages", {"Action": "ssm:*"}, False),
        ("s3", {"Action": "s3:*", "Resource": "arn:aws:s3:::logs/*"}, False),
        (None, {"Action": "ssm:*"}, False),
    ],
)
def test_full_access_to_endpoint_service_is_recognized(service, elements, full):
    found = policy({"Effect": "Allow", "Principal": "*", "Resource": "*", **elements})
    assert bool(full_access_statements(found, service)) is full
