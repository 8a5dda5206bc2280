"""What identity policies give away."""

from __future__ import annotations

import pytest

from scans.controls.lib.iam_policies import (
    ResourceShape,
    allows_everything,
    list_granted_actions,
    parse_policy,
    path_reads_past_deny,
)

PARAMETERS = ResourceShape("ssm", "parameter/")
READ = ("ssm:GetParameter",)


def policy(*statements):
    return parse_policy({"Statement": list(statements)})


def allow(action, resource, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource, **more):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        "**",
        "arn:*",
        "arn:aws:ssm:*",
        "arn:aws:ssm:*:*:*",
        "arn:aws:ssm:*:*:parameter*",
        "arn:aws:ssm:*:*:parameter/*",
        "arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/*",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/??*",
        "arn:aws:ssm:??-*:*:parameter/*",
    ],
)
@pytest.mark.parametrize("action", ["*", "ssm:*", "SSM:Get*", "ssm:GetParameter", "ssm:GetParamete?"])
def test_reads_every_parameter(action, resource):
    assert list_granted_actions(policy(allow(action, resource)), READ, [PARAMETERS]) == ["ssm:GetParameter"]


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:ssm:*:*:parameter/app/*",
        "arn:aws:ssm:*:*:parameter/app*",
        "arn:aws:ssm:*:*:document/*",
        "arn:aws:s3:::*",
        "arn:aws:kms:*:*:*",
        "arn:aws:ssm:*:*:parameter/*/password",
        "arn:aws:ssm:*:*:parameter/${aws:username}/*",
    ],
)
def test_reads_only_some_parameters(resource):
    assert list_granted_actions(policy(allow("ssm:*", resource)), READ, [PARAMETERS]) == []


BY_PATH = ("ssm:GetParametersByPath",)


@pytest.mark.parametrize(
    ("path", "reads"),
    [
        ("/", True),
        ("//", True),
        ("?", True),
        ("/?", True),
        ("*/", True),
        ("/*", True),
        ("/app", False),
        ("/app/", False),
        ("/app/*", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("home", ["arn:aws:ssm:*:*:", "arn:*:ssm:eu-west-1:111122223333:"])
def test_the_path_slash_reads_all(home, path, reads):
    given = policy(allow("ssm:GetParameter*", f"{home}parameter{path}"))
    assert bool(list_granted_actions(given, BY_PATH, [PARAMETERS])) is reads
    assert bool(list_granted_actions(given, READ, [PARAMETERS])) is (path == "/*"), (
        "only the call by path is told apart"
    )


def test_deny_of_the_path_slash_takes_it_back():
    root = "arn:aws:ssm:*:*:parameter/"
    assert list_granted_actions(policy(allow("ssm:*", root), deny("ssm:*", root)), BY_PATH, [PARAMETERS]) == []
    assert list_granted_actions(policy(allow("ssm:*", root), deny("ssm:*", f"{root}app/*")), BY_PATH, [PARAMETERS]) == [
        *BY_PATH
    ]


def test_other_actions_do_not_read():
    assert list_granted_actions(policy(allow(["ssm:DescribeParameters", "s3:*"], "*")), READ, [PARAMETERS]) == []


def test_not_action_grants_unlisted_actions():
    everything_but = {"Effect": "Allow", "Resource": "*"}
    assert list_granted_actions(policy({**everything_but, "NotAction": "iam:*"}), READ, [PARAMETERS]) == [
        "ssm:GetParameter"
    ]
    assert list_granted_actions(policy({**everything_but, "NotAction": ["ssm:Get*"]}), READ, [PARAMETERS]) == []


def test_not_resource_grants_unlisted_resources():
    all_but = {"Effect": "Allow", "Action": "ssm:*"}
    few = {**all_but, "NotResource": "arn:aws:ssm:*:*:parameter/secret/*"}
    assert list_granted_actions(policy(few), READ, [PARAMETERS]) == ["ssm:GetParameter"]
    assert (
        list_granted_actions(policy({**all_but, "NotResource": "arn:*:ssm:*:*:parameter/*"}), READ, [PARAMETERS]) == []
    )


@pytest.mark.parametrize(
    ("wall", "left"),
    [
        (deny("ssm:GetParameter*", "*"), []),
        (deny("ssm:*", "arn:aws:ssm:*:*:parameter/*"), ["ssm:GetParameter"]),  # other partitions are left
        (deny("ssm:*", "arn:*:ssm:*:*:parameter/*"), []),
        ({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}, []),
        ({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:ssm:*:*:parameter/app/*"}, []),
        ({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:ssm:*:*:*"}, ["ssm:GetParameter"]),
        (deny("ssm:GetParameter", "arn:aws:ssm:*:*:parameter/secret/*"), ["ssm:GetParameter"]),
        (deny("ssm:GetParameters", "*"), ["ssm:GetParameter"]),
        (deny("*", "*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}), ["ssm:GetParameter"]),
    ],
)
def test_only_a_full_unconditional_deny_takes_it_back(wall, left):
    assert list_granted_actions(policy(allow("ssm:*", "*"), wall), READ, [PARAMETERS]) == left


def test_covering_deny_takes_back_the_grant():
    same = "arn:aws:ssm:eu-west-1:111122223333:parameter/*"
    assert list_granted_actions(policy(allow("ssm:*", same), deny("ssm:*", same)), READ, [PARAMETERS]) == []


@pytest.mark.parametrize(
    ("condition", "narrow"),
    [
        ({"StringEquals": {"aws:ResourceTag/team": "blue"}}, True),
        ({"stringlike": {"AWS:RESOURCETAG/Team": ["blue-*"]}}, True),
        ({"ForAnyValue:StringEquals": {"aws:ResourceTag/team": "blue"}}, True),
        ({"ForAllValues:StringEquals": {"aws:ResourceTag/team": "blue"}}, False),
        ({"StringEqualsIfExists": {"aws:ResourceTag/team": "blue"}}, False),
        ({"StringNotEquals": {"aws:ResourceTag/team": "blue"}}, False),
        ({"StringLike": {"aws:ResourceTag/team": "*"}}, False),
        ({"StringLike": {"aws:ResourceTag/team": "?*"}}, False),
        ({"StringLike": {"aws:ResourceTag/team": ["blue", "**"]}}, False),
        ({"ArnLike": {"aws:ResourceTag/team": "*"}}, False),
        ({"ArnEquals": {"aws:ResourceTag/team": "arn:*"}}, False),
        ({"StringLike": {"aws:ResourceTag/team": "${aws:ResourceTag/team}"}}, False),
        ({"StringLike": {"aws:ResourceTag/team": "${*}"}}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "*"}}, True),  # the text, which no wildcard is in
        ({"Null": {"aws:ResourceTag/team": "false"}}, False),
        ({"NumericLessThan": {"aws:ResourceTag/team": "99999999999"}}, False),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, False),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
    ],
)
def test_conditions_that_narrow(condition, narrow):
    broad = policy(allow("ssm:*", "*", Condition=condition))
    assert bool(list_granted_actions(broad, READ, [PARAMETERS], unless=["aws:ResourceTag/"])) is not narrow


@pytest.mark.parametrize(
    ("statement", "everything"),
    [
        (allow("*", "*"), True),
        (allow("*:*", "*"), True),
        (allow(["s3:*", "*"], ["arn:aws:s3:::x", "*"]), True),
        (allow("*", "arn:aws:*"), True),
        (allow("*", "*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), True),
        ({"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}, False),
        (allow("iam:*", "*"), False),
        (allow("*", "arn:aws:s3:::*"), False),
        (deny("*", "*"), False),
    ],
)
def test_full_allow_is_recognized(statement, everything):
    assert allows_everything(policy(statement)) is everything


def test_deny_everything_leaves_no_grants():
    assert not allows_everything(policy(allow("*", "*"), deny("*", "*")))
    fenced = deny("*", "*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})
    assert allows_everything(policy(allow("*", "*"), fenced))


APP = "arn:aws:ssm:eu-west-1:111122223333:parameter/app"
ANYWHERE = "arn:aws:ssm:*:*:parameter"
ELSEWHERE = "arn:aws:ssm:us-east-1:*:parameter/*"


@pytest.mark.parametrize(
    ("statements", "past"),
    [
        ([allow("ssm:GetParametersByPath", f"{APP}/*"), deny("ssm:GetParameter", f"{APP}/secret/*")], True),
        ([allow("ssm:GetParametersByPath", APP), deny("ssm:GetParameter*", f"{APP}/secret/*")], True),
        ([allow("ssm:GetParameter*", f"{APP}*"), deny("ssm:GetParameters", f"{APP}/secret")], True),
        ([allow("ssm:GetParameter", f"{APP}/*"), deny("ssm:GetParameter", f"{APP}/secret/*")], False),
        ([allow("ssm:GetParametersByPath", f"{APP}/*")], False),
        # wildcards of another width than the Allow's
        ([allow("ssm:GetParametersByPath", f"{APP}/*"), deny("ssm:GetParameter", f"{ANYWHERE}/app/secret/*")], True),
        ([allow("ssm:GetParametersByPath", f"{APP}/*"), deny("ssm:GetParameter", "*/secret/*")], True),
        ([allow("ssm:GetParametersByPath", f"{APP}/*"), deny("ssm:GetParameter*", f"{ANYWHERE}/*secret*")], True),
        ([allow("ssm:GetParametersByPath", f"{ANYWHERE}/other/*"), deny("ssm:GetParameter", f"{APP}/secret/*")], False),
        # the Deny of all parameters is of the paths too
        ([allow("ssm:*", "*"), deny("ssm:GetParameter*", f"{ANYWHERE}/*")], False),
        ([allow("ssm:*", f"{ANYWHERE}/app/*"), deny("ssm:GetParameter*", ELSEWHERE)], False),
        ([allow("ssm:*", f"{ANYWHERE}/app/*"), deny("ssm:GetParameter", ELSEWHERE)], True),
        ([allow("ssm:GetParametersByPath", f"{APP}/*"), deny("ssm:PutParameter", f"{APP}/secret/*")], False),
        ([allow("ssm:GetParametersByPath", f"{APP}/*"), deny("ssm:GetParameter", f"{APP}2/*")], False),
        ([allow("ssm:GetParametersByPath", f"{APP}/*"), deny("ssm:GetParameter", "*")], False),
        (
            [
                allow("ssm:GetParameter*", f"{APP}/*"),
                deny("ssm:GetParameter", f"{APP}/secret/*"),
                deny("ssm:GetParametersByPath", "*"),
            ],
            False,
        ),
    ],
)
def test_reading_by_path_goes_past_a_deny_below(statements, past):
    assert path_reads_past_deny(policy(*statements)) is past


@pytest.mark.parametrize("statement", [deny("ssm:GetParameter*", f"{ANYWHERE}/*"), deny("ssm:*", "arn:aws:ssm:*")])
def test_a_deny_in_the_partition_takes_back(statement):
    document = {"Statement": [allow("ssm:*", "*"), statement]}
    assert list_granted_actions(parse_policy(document, partition="aws"), READ, [PARAMETERS]) == []
    assert list_granted_actions(parse_policy(document, partition="aws-cn"), READ, [PARAMETERS]) == ["ssm:GetParameter"]
    assert list_granted_actions(parse_policy(document), READ, [PARAMETERS]) == ["ssm:GetParameter"], (
        "where it stands isn't known"
    )


@pytest.mark.parametrize("action", ["*", "ssm:*", "ssm:GetParameter"])
@pytest.mark.parametrize("resource", ["arn:aws-cn:ssm:*:*:parameter/*", "arn:aws-cn:*", "arn:aws-us-gov:ssm:*"])
def test_allow_of_another_partition_grants_nothing(action, resource):
    given = parse_policy({"Statement": allow(action, resource)}, partition="aws")
    assert list_granted_actions(given, READ, [PARAMETERS]) == []
    assert not allows_everything(given)


def test_deny_of_another_partition_denies_nothing():
    statements = [allow("*", "*"), deny("*", "arn:aws-cn:*")]
    given = parse_policy({"Statement": statements}, partition="aws")
    assert list_granted_actions(given, READ, [PARAMETERS]) == [*READ]
    assert allows_everything(given)
    sparing = [allow("*", "*"), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws-cn:*"}]
    assert list_granted_actions(parse_policy({"Statement": sparing}, partition="aws"), READ, [PARAMETERS]) == []


def test_not_resource_elsewhere_excludes_nothing():
    document = {"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws-cn:*"}}
    given = parse_policy(document, partition="aws")
    assert list_granted_actions(given, READ, [PARAMETERS]) == [*READ]
    assert allows_everything(given)


def test_not_resource_on_all_parameters_reads_none():
    document = {"Statement": {"Effect": "Allow", "Action": "ssm:*", "NotResource": f"{ANYWHERE}/*"}}
    assert list_granted_actions(parse_policy(document, partition="aws"), READ, [PARAMETERS]) == []


def test_if_exists_limits_where_the_key_is_always_there():
    checked = {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}
    nodes = [ResourceShape("ec2", "instance/")]
    given = policy(allow(["ssm:StartSession", "ssm:SendCommand"], "*", Condition=checked))
    actions = ("ssm:StartSession", "ssm:SendCommand")
    assert list_granted_actions(given, actions, nodes, unless=["ssm:SessionDocumentAccessCheck"]) == ["ssm:SendCommand"]
