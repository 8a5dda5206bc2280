"""Conditions that hold for anything (A9)."""

from __future__ import annotations

import pytest

from scans.controls.lib.iam_policies import PolicyError, parse_policy
from scans.controls.lib.iam_policies.conditions import limits_nothing


def condition(operator, key, value):
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: value}}}
    return parse_policy({"Statement": statement}).statements[0].conditions[0]


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("StringLike", "aws:PrincipalOrgID", "*"),
        ("StringLike", "aws:PrincipalOrgID", ["o-ours", "?*"]),
        ("StringLike", "aws:PrincipalOrgID", "o-*"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-*"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", ["o-*/*"]),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-*/r-*/*"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*"),
        ("StringEquals", "aws:PrincipalIsAWSService", "false"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:*"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:*"),
        ("StringLike", "aws:PrincipalArn", ["arn:aws:iam::111122223333:role/ours", "arn:*:iam::*"]),
        ("StringLike", "kms:EncryptionContext:PARAMETER_ARN", "arn:aws:ssm:*:*:parameter/*"),
        ("ArnLike", "kms:EncryptionContext:aws:s3:arn", "arn:aws:s3:::*"),
        ("StringLike", "kms:EncryptionContext:PARAMETER_ARN", "arn:aws:ssm:*:111122223333:parameter/*"),
        ("StringLike", "kms:EncryptionContext:aws:logs:arn", "arn:aws:logs:*:*:*"),
        ("StringLike", "kms:EncryptionContext:SecretARN", "arn:aws:secretsmanager:eu-west-1:*:secret:*"),
        ("StringLike", "kms:EncryptionContext:aws:cloudtrail:arn", "arn:aws:cloudtrail:*:*:trail/?*"),
        ("StringLike", "kms:EncryptionContext:aws:ebs:id", "vol-*"),
        ("StringEquals", "ssm:resourceTag/env", "${aws:ResourceTag/env}"),
        ("StringEquals", "aws:RequestedRegion", "eu-west-1"),
        ("Bool", "aws:ViaAWSService", "false"),
        ("Bool", "aws:PrincipalIsAWSService", "false"),
        ("StringEqualsIfExists", "aws:PrincipalOrgID", "o-ours"),
        ("ForAllValues:StringEquals", "aws:PrincipalOrgPaths", "o-ours/*"),
        ("StringNotEquals", "aws:PrincipalOrgID", "o-odd"),
        ("StringNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/odd"),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/odd"),
        ("Null", "aws:PrincipalOrgID", "false"),
        ("Bool", "aws:SecureTransport", "true"),
        ("Bool", "aws:MultiFactorAuthPresent", ["true", "false"]),
        ("IpAddress", "aws:SourceIp", "0.0.0.0/0"),
        ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "::/0"]),
        ("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"]),
        ("NotIpAddress", "aws:SourceIp", "192.0.2.1/32"),
        ("NumericLessThan", "aws:MultiFactorAuthAge", "99999999999"),
        ("NumericGreaterThanEquals", "s3:max-keys", "0"),
        ("NumericGreaterThanEquals", "s3:TlsVersion", "1.2"),
        ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z"),
        ("StringEquals", "aws:SourceVpc", "vpc-0a1"),
        ("IpAddress", "aws:VpcSourceIp", "10.0.0.0/16"),
        ("StringEquals", "aws:PrincipalType", "AssumedRole"),
        ("StringEquals", "s3:authType", "REST-HEADER"),
        ("StringLike", "aws:userid", "*:*"),
        ("StringLike", "aws:userid", "AROA*"),
        ("StringLike", "kms:EncryptionContext:aws:s3:arn", "arn:aws:s3:::*/*"),
        ("StringLike", "kms:EncryptionContext:aws:sqs:arn", "arn:aws:sqs:*:*:*"),
        ("ArnLike", "kms:EncryptionContext:aws:lambda:FunctionArn", "arn:aws:lambda:*:111122223333:function:*"),
        ("ArnLike", "kms:EncryptionContext:aws:states:stateMachineArn", "arn:aws:states:*:*:stateMachine:?*"),
    ],
)
def test_unlimiting_condition_is_recognized(operator, key, value):
    assert limits_nothing(condition(operator, key, value))


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("StringEquals", "aws:PrincipalOrgID", "o-ours"),
        ("StringLike", "aws:PrincipalOrgID", "o-ours*"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-*/r-root/*"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-ours/*"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::111122223333:*"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/ours"),
        ("StringLike", "kms:EncryptionContext:PARAMETER_ARN", "arn:aws:ssm:*:*:parameter/app/*"),
        ("StringLike", "kms:EncryptionContext:PARAMETER_ARN", "arn:aws:ssm:*:111122223333:parameter/app/*"),
        ("StringLike", "kms:EncryptionContext:aws:s3:arn", "arn:aws:s3:::logs/*"),
        ("StringLike", "kms:EncryptionContext:aws:logs:arn", "arn:aws:logs:*:111122223333:log-group:/aws/*"),
        ("StringLike", "kms:EncryptionContext:aws:sqs:arn", "arn:aws:sqs:*:*:app-*"),
        ("StringLike", "kms:EncryptionContext:aws:lambda:FunctionArn", "arn:aws:lambda:*:*:function:app-*"),
        ("StringLike", "kms:EncryptionContext:aws:sqs:arn", "arn:aws:sqs:*:*:???"),
        ("StringLike", "aws:userid", "AROAEXAMPLE:*"),
        ("StringEquals", "ssm:resourceTag/env", "${aws:PrincipalTag/env}"),
        ("StringEquals", "ssm:resourceTag/env", "${aws:ResourceTag/other}"),
        ("ArnLike", "kms:EncryptionContext:aws:s3:arn", "arn:aws:s3:::ours/*"),
        ("Bool", "aws:PrincipalIsAWSService", "true"),
        ("ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", "o-ours/r-1/"),
        ("Bool", "aws:MultiFactorAuthPresent", "true"),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
        ("NumericLessThan", "aws:MultiFactorAuthAge", "3600"),
        ("StringEquals", "aws:ResourceOrgID", "${aws:PrincipalOrgID}"),
    ],
)
def test_limiting_condition_is_recognized(operator, key, value):
    assert not limits_nothing(condition(operator, key, value))


def test_wildcard_in_a_variables_default_is_not_understood():
    open_default = condition("StringLike", "aws:ResourceTag/team", "${aws:PrincipalTag/team, '*'}")
    with pytest.raises(PolicyError, match="default of a policy variable"):
        limits_nothing(open_default)
    assert not limits_nothing(condition("StringLike", "aws:ResourceTag/team", "${aws:PrincipalTag/team, 'none'}"))


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("ArnLike", "aws:PrincipalArn", "arn:aws-cn:iam::*:role/*"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws-cn:*"),
        ("StringLike", "iam:PolicyARN", "arn:aws-cn:iam::aws:policy/*"),
        ("StringLike", "kms:EncryptionContext:PARAMETER_ARN", "arn:aws-cn:ssm:*:*:parameter/*"),
    ],
)
def test_value_of_another_partition_is_never_met(operator, key, value):
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: value}}}
    for partition, unlimited in (("aws", False), ("aws-cn", True), ("", True)):
        [parsed] = parse_policy({"Statement": statement}, partition=partition).statements
        assert limits_nothing(parsed.conditions[0]) is unlimited
