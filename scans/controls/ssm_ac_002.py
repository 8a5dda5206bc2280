"""No policy may let its holder read every parameter.

Parameter Store holds what programs need to run: addresses, names, and secrets. A policy that reads
`parameter/*` gives all of it to each of its holders, including future ones.

**What is judged.** Every customer managed policy (default version), every inline policy
(`iam.GetAccountAuthorizationDetails`) and every AWS managed policy that a principal has (`iam.ListPolicies`,
`iam.GetPolicyVersion`, or a copy of the same version). A policy fails when it

* allows `ssm:GetParameter`, `GetParameters`, `GetParametersByPath` or `GetParameterHistory` (by name, by
  a wildcard or by `NotAction`) on `*` or on all parameters of a region or account;
* allows `GetParametersByPath` on the path `/`, the resource `parameter/`: the call then returns every
  parameter, because AWS authorizes it on the path alone; or
* allows `GetParametersByPath` on a path and denies only a part of what lies below it: the call still returns
  what the Deny was meant to hide.

A Deny cancels an Allow only if it has no condition and covers all of it. A condition on the parameter's own tags
(`aws:ResourceTag/…`, `ssm:resourceTag/…`) makes an Allow narrow enough if it requires a value. It doesn't count
if it also holds without the tag (`…IfExists`, `ForAllValues`), only excludes values (`StringNotEquals`), or
accepts any value (`StringLike` with `*` or `?*`). ARNs of another partition (`arn:aws-cn:…` in `aws`) match nothing, so
they neither grant nor deny; `arn:*:…` and `arn:aws*:…` match.

Service-linked roles, and roles that AWS made and that only AWS can use, don't count as holders (see SSM-AC-001). A
permission set of IAM Identity Center counts, unless it allows everything.

**Unknown** when a document, or the trust policy that decides, could not be read or understood.

**Limits.** Each document is judged by itself: permissions boundaries,
service control policies and a Deny in another document are not counted.

**Source of the facts.** IAM API reference,
[GetAccountAuthorizationDetails](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html);
Systems Manager user guide, access to parameters
(https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html); IAM user guide, condition
operators (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.iam_policies import Policy, ResourceShape, list_granted_actions, path_reads_past_deny
from scans.controls.lib.iam_policies.documents import DETACH_COMMANDS, DOCUMENT_FACTS, HOLDER_FACTS, judge_documents
from scans.domain.control import GAP, Case, Control, ControlScope, Outcome, Remediation, ResourceView, Severity, Verdict

READS = ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory")
PARAMETERS = (ResourceShape("ssm", "parameter/"),)
TAGS = ("aws:ResourceTag/", "ssm:resourceTag/")

CONTROL = Control(
    id="SSM-AC-002",
    file="ssm_ac_002",
    title="Reading parameters is limited",
    severity=Severity.HIGH,
    scope=ControlScope.GLOBAL,
    # 2: judged in its own partition; a path read past a Deny in any region is found. 3: the path / reads everything, a
    # condition that accepts any value is no limit, and more Allows and Denies than can be compared are unknown.
    # 4: AWS managed policies are judged; roles that AWS made, and that only AWS can use, don't count. 5: an Allow of
    # another partition grants nothing, and a Deny of one takes nothing away.
    # Also roles of AFT, and of StackSets whose administrator is the management account, are known.
    # Also a permission set that allows everything in several statements is no holder, either.
    version=5,
    facts=DOCUMENT_FACTS,
    related=HOLDER_FACTS,
    container="arn:{p}:iam::{a}:policy/*",
    statements=("S5", "S17"),
    quote="Restricting access to Systems Manager parameters using IAM policies",
    empty_reason="No user, group or role of the account has a policy.",
    remediation=Remediation(
        summary="AWS's policies can't be edited: detach them. Instances need AmazonSSMManagedEC2InstanceDefaultPolicy instead of AmazonSSMManagedInstanceCore, which reads every parameter. "
        "Name the paths that the holder needs. Where a part of a path must stay hidden, deny all of "
        "ssm:GetParameter* on the path itself too, or give the secret part a path of its own. "
        "The create line is for a customer managed policy, the put lines for an inline one.",
        cli="aws iam get-account-authorization-details --filter LocalManagedPolicy\n"
        "aws iam create-policy-version --policy-arn {arn} --policy-document file://policy.json --set-as-default\n"
        "aws iam put-role-policy --role-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        "aws iam put-user-policy --user-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        "aws iam put-group-policy --group-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        + DETACH_COMMANDS,
        code='data "aws_iam_policy_document" "read_app" {\n  statement {\n    actions   = ["ssm:GetParameter*"]\n'
        '    resources = ["arn:{partition}:ssm:REGION:{account}:parameter/APP/*"]\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    return judge_documents(resource, _find_parameter_reads, "No document reads every parameter.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.narrow_documents(
        resource, _find_parameter_reads, [fixes.build_arn(resource, "ssm", "parameter/PATH/*", region="*")]
    )


def _find_parameter_reads(policy: Policy) -> str:
    reads = list_granted_actions(policy, READS, PARAMETERS, unless=TAGS)
    if reads:
        return f"allows {', '.join(reads)} on every parameter"
    if path_reads_past_deny(policy):
        return "denies a part of a path that ssm:GetParametersByPath still returns, since it is authorized on the path"
    return ""


ALL = "arn:aws:ssm:*:111122223333:parameter/*"
APP = "arn:aws:ssm:eu-west-1:111122223333:parameter/app"


ANY_TAG = {
    "StringLike": {"StringLike": {"ssm:resourceTag/app": ["shop", "?*"]}},
    "ArnLike": {"ArnLike": {"ssm:resourceTag/app": "*"}},
    "IfExists": {"StringEqualsIfExists": {"ssm:resourceTag/app": "shop"}},
    "StringNotEquals": {"StringNotEquals": {"ssm:resourceTag/app": "shop"}},
    "Null": {"Null": {"ssm:resourceTag/app": "false"}},
}


def _make_path_statement(effect: str, action: object, resource: object, **more: object) -> dict[str, object]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def _case(name: str, verdict: Verdict, *statements: dict[str, Any]) -> Case:
    facts = {"name": "readers", "document": {"Statement": list(statements)}}
    return Case(name, verdict, facts, type="iam.policy", region="global")


def _inline_reader_case(name: str, verdict: Verdict, policies: object) -> Case:
    return Case(name, verdict, {"policies": policies}, type="iam.inline", region="global")


def _aws_reader_case(name: str, verdict: Verdict, document: Any, held_by: str, trust: Any = None) -> Case:
    arn = "arn:aws:iam::aws:policy/Example"
    related = {"iam.aws_policy": {arn: {"attached_to": [held_by]}}, "iam.principal": {held_by: {"trust": trust}}}
    facts = {"name": "Example", "document": document}
    context = {"management_account": "999900001111"}
    return Case(name, verdict, facts, type="iam.aws_policy", arn=arn, region="global", related=related, context=context)


ROLE = "arn:aws:iam::111122223333:role/"
WIDE = {"Statement": _make_path_statement("Allow", "ssm:GetParameter", "*")}
BY_MANAGEMENT = {
    "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999900001111:root"}, "Action": "sts:AssumeRole"}
}
CASES = [
    _case("one path", Verdict.PASS, _make_path_statement("Allow", "ssm:GetParameter*", f"{APP}/*")),
    _case("all of them", Verdict.FAIL, _make_path_statement("Allow", "ssm:GetParameter", ALL)),
    _case("a star", Verdict.FAIL, _make_path_statement("Allow", ["SSM:*"], ["*"])),
    _case("everything", Verdict.FAIL, _make_path_statement("Allow", "*", "*")),
    *(
        _case(
            f"all of them by {partition}",
            verdict,
            _make_path_statement("Allow", "ssm:GetParameter", ALL.replace(":aws:", f":{partition}:")),
        )
        for partition, verdict in (("aws-cn", Verdict.PASS), ("*", Verdict.FAIL), ("aws*", Verdict.FAIL))
    ),
    _case("the path / elsewhere", Verdict.PASS, _make_path_statement("Allow", "ssm:Get*", "arn:aws-cn:ssm:*:*:*/")),
    _case("only descriptions", Verdict.PASS, _make_path_statement("Allow", "ssm:DescribeParameters", "*")),
    _case("all but IAM", Verdict.FAIL, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    _case(
        "by tag",
        Verdict.PASS,
        _make_path_statement(
            "Allow", "ssm:GetParameter", "*", Condition={"StringEquals": {"ssm:resourceTag/app": "shop"}}
        ),
    ),
    _case(
        "with MFA only",
        Verdict.FAIL,
        _make_path_statement(
            "Allow", "ssm:GetParameter", "*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        ),
    ),
    *(
        _case(
            f"the path / by {spelling}",
            Verdict.FAIL,
            _make_path_statement("Allow", "ssm:GetParametersByPath", spelling),
        )
        for spelling in (f"{ALL[:-1]}", f"{ALL[:-1]}/", f"{ALL[:-1]}?", ALL.replace("/*", "?"), "arn:aws:ssm:*:*:*/")
    ),
    _case("nothing lies at /", Verdict.PASS, _make_path_statement("Allow", "ssm:GetParameter", ALL[:-1])),
    _case("a path below /", Verdict.PASS, _make_path_statement("Allow", "ssm:GetParametersByPath", APP)),
    _case(
        "the path / taken back",
        Verdict.PASS,
        _make_path_statement("Allow", "ssm:GetParametersByPath", ALL[:-1]),
        _make_path_statement("Deny", "ssm:GetParameter*", ALL),
    ),
    *(
        _case(
            f"by any tag: {operator}",
            Verdict.FAIL,
            _make_path_statement("Allow", "ssm:GetParameter", "*", Condition=condition),
        )
        for operator, condition in ANY_TAG.items()
    ),
    _case(
        "taken back",
        Verdict.PASS,
        _make_path_statement("Allow", "ssm:*", "*"),
        _make_path_statement("Deny", "ssm:GetParameter*", "*"),
    ),
    _case(
        "a path beside a Deny below it",
        Verdict.FAIL,
        _make_path_statement("Allow", "ssm:GetParametersByPath", f"{APP}*"),
        _make_path_statement("Deny", "ssm:GetParameter", f"{APP}/secret/*"),
    ),
    Case(
        "the document was refused", Verdict.UNKNOWN, {"name": "x", "document": GAP}, type="iam.policy", region="global"
    ),
    Case("no policy", Verdict.UNKNOWN, {"name": "x", "document": {}}, type="iam.policy", region="global"),
    _inline_reader_case(
        "an inline policy reads all",
        Verdict.FAIL,
        [
            {"name": "a", "document": {}},
            {"name": "b", "document": {"Statement": _make_path_statement("Allow", "ssm:*", "*")}},
        ],
    ),
    _inline_reader_case("an inline policy can't be understood", Verdict.UNKNOWN, [{"name": "a", "document": None}]),
    _inline_reader_case(
        "a narrow inline policy",
        Verdict.PASS,
        [{"name": "a", "document": {"Statement": _make_path_statement("Allow", "ssm:GetParameter", f"{APP}/*")}}],
    ),
    _inline_reader_case("the inline policies were refused", Verdict.UNKNOWN, GAP),
    _aws_reader_case("a policy of AWS's", Verdict.FAIL, WIDE, f"{ROLE}app"),
    _aws_reader_case("a policy of AWS's that wasn't read", Verdict.UNKNOWN, GAP, f"{ROLE}app"),
    _aws_reader_case("a narrow policy of AWS's", Verdict.PASS, {"Statement": []}, f"{ROLE}app"),
    _aws_reader_case("a role of Control Tower", Verdict.PASS, WIDE, f"{ROLE}AWSControlTowerExecution", BY_MANAGEMENT),
    _aws_reader_case("only its name", Verdict.FAIL, WIDE, f"{ROLE}AWSControlTowerExecution", {"Statement": []}),
]
