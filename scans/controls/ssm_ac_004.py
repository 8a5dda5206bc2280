"""No policy may allow sessions or commands on every node.

A session is a shell on a node, and a command runs as root. A policy that allows them on every node gives its
holder every machine, and everything that each machine's own role can read.

**What is judged.** Every customer managed policy (default version), every inline policy
(`iam.GetAccountAuthorizationDetails`) and every AWS managed policy that a principal has (`iam.ListPolicies`,
`iam.GetPolicyVersion`, or a copy of the same version). A policy fails when it allows

* `ssm:StartSession` on every instance or managed node, without a condition on the node's tags and
  without `ssm:SessionDocumentAccessCheck`; or
* `ssm:SendCommand` on every instance or managed node **and** with every document, without such a
  condition. If either the nodes or the documents are limited, it passes: AWS checks both.

A pattern that matches every id, such as `instance/i-*`, is every node; `instance/i-0*` is, too, since the ids that EC2
gives begin with a zero.

A condition counts if it requires a value. It doesn't count if it also holds without the tag (`…IfExists`,
`ForAllValues`), only excludes values (`StringNotEquals`), or accepts any value (`StringLike` with `*` or `?*`, or the
node's own tag: `${aws:ResourceTag/env}` for `ssm:resourceTag/env`).

A Deny cancels an Allow only if it has no condition and covers all of it. ARNs of another partition
(`arn:aws-cn:…` in `aws`) match nothing, so they neither grant nor deny.

Service-linked roles, and roles that AWS made and that only AWS can use, don't count as holders (see SSM-AC-001). A
permission set of IAM Identity Center counts, unless it allows everything.

**Unknown** when a document, or the trust policy that decides, could not be read or understood.

**Limits.** Each document is judged by itself. Whether a named Systems
Manager document runs only harmless commands is not judged.

**Source of the facts.** IAM API reference,
[GetAccountAuthorizationDetails](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html);
Systems Manager user guide, the condition keys of
[Session Manager](https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html)
and [Run Command](https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html); IAM user
guide, condition operators
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.iam_policies import NODES, Policy, ResourceShape, list_granted_actions
from scans.controls.lib.iam_policies.documents import DETACH_COMMANDS, DOCUMENT_FACTS, HOLDER_FACTS, judge_documents
from scans.domain.control import GAP, Case, Control, ControlScope, Outcome, Remediation, ResourceView, Severity, Verdict

DOCUMENTS = (ResourceShape("ssm", "document/"),)
LIMITS = ("ssm:resourceTag/", "aws:ResourceTag/", "ec2:ResourceTag/", "ssm:SessionDocumentAccessCheck")

CONTROL = Control(
    id="SSM-AC-004",
    file="ssm_ac_004",
    title="Sessions and commands are limited",
    severity=Severity.HIGH,
    scope=ControlScope.GLOBAL,
    # 2: judged in its own partition; …IfExists on the document's access check requires as much as without. 3: a
    # condition that accepts any value is no limit, nor is the access check if another operator turns it off; more
    # Allows and Denies than can be compared are unknown.
    # 4: AWS managed policies are judged; roles that AWS made, and that only AWS can use, don't count. A pattern that
    # matches every node's id is all nodes, and a tag compared with itself is no limit. 5: an Allow of another
    # partition grants nothing, and a Deny of one takes nothing away.
    # Also roles of AFT, and of StackSets whose administrator is the management account, are known.
    # Also instance/i-0* is every instance.
    version=5,
    facts=DOCUMENT_FACTS,
    related=HOLDER_FACTS,
    container="arn:{p}:iam::{a}:policy/*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    empty_reason="No user, group or role of the account has a policy.",
    remediation=Remediation(
        summary="AWS's policies can't be edited: detach them, and write one that names what is needed. "
        "Name the nodes, or require a tag on them; name the documents; and require the access check of the "
        "session document. The first command is for a customer managed policy, the others for an inline one.",
        cli="aws iam create-policy-version --policy-arn {arn} --policy-document file://policy.json --set-as-default\n"
        "aws iam put-role-policy --role-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        "aws iam put-user-policy --user-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        "aws iam put-group-policy --group-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        + DETACH_COMMANDS,
        code='data "aws_iam_policy_document" "sessions" {\n  statement {\n    actions   = ["ssm:StartSession"]\n'
        '    resources = ["arn:{partition}:ec2:REGION:{account}:instance/*"]\n    condition {\n'
        '      test     = "StringEquals"\n      variable = "ssm:resourceTag/TEAM"\n      values   = ["OURS"]\n'
        "    }\n  }\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    return judge_documents(
        resource, _find_node_access, "No document starts sessions or sends commands without a limit."
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    node = fixes.build_arn(resource, "ec2", "instance/NODE_ID", region="*")
    return fixes.narrow_documents(
        resource, _find_node_access, [node, fixes.build_arn(resource, "ssm", "document/NAME", region="*")]
    )


def _find_node_access(policy: Policy) -> str:
    found = list_granted_actions(policy, ("ssm:StartSession",), NODES, unless=LIMITS)
    command = ("ssm:SendCommand",)
    # AWS checks ssm:SendCommand on the nodes and on the document, so a limit on either one is enough.
    if list_granted_actions(policy, command, NODES, unless=LIMITS) and list_granted_actions(
        policy, command, DOCUMENTS, unless=LIMITS
    ):
        found.append("ssm:SendCommand")
    return f"allows {' and '.join(found)} on every node without a condition on tag or document" if found else ""


INSTANCES = "arn:aws:ec2:*:111122223333:instance/*"
TAGGED = {"StringEquals": {"ssm:resourceTag/team": ["blue"]}}


def _make_allow_statement(action: object, resource: object, **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _case(name: str, verdict: Verdict, *statements: dict[str, Any], says: str = "") -> Case:
    facts = {"name": "operators", "document": {"Statement": list(statements)}}
    return Case(name, verdict, facts, type="iam.policy", region="global", reason_has=says)


def _inline_operator_case(name: str, verdict: Verdict, policies: object) -> Case:
    return Case(name, verdict, {"policies": policies}, type="iam.inline", region="global")


def _aws_operator_case(name: str, verdict: Verdict, document: Any, held_by: str, trust: Any = None) -> Case:
    arn = "arn:aws:iam::aws:policy/Example"
    related = {"iam.aws_policy": {arn: {"attached_to": [held_by]}}, "iam.principal": {held_by: {"trust": trust}}}
    facts = {"name": "Example", "document": document}
    context = {"management_account": "999900001111"}
    return Case(name, verdict, facts, type="iam.aws_policy", arn=arn, region="global", related=related, context=context)


ROLE = "arn:aws:iam::111122223333:role/"
WIDE = {"Statement": _make_allow_statement("ssm:StartSession", "*")}
BY_MANAGEMENT = {
    "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999900001111:root"}, "Action": "sts:AssumeRole"}
}
CASES = [
    *(
        _case(
            f"every node of the partition {partition}",
            verdict,
            _make_allow_statement("ssm:StartSession", INSTANCES.replace(":aws:", f":{partition}:")),
        )
        for partition, verdict in (("aws-cn", Verdict.PASS), ("aw?", Verdict.FAIL))
    ),
    _case(
        "one node",
        Verdict.PASS,
        _make_allow_statement("ssm:StartSession", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"),
    ),
    _case("every node", Verdict.FAIL, _make_allow_statement("ssm:StartSession", INSTANCES), says="ssm:StartSession"),
    *(
        _case(f"every id, as {pattern}", Verdict.FAIL, _make_allow_statement("ssm:StartSession", f"arn:aws:{pattern}"))
        for pattern in (
            "ec2:*:*:instance/i-*",
            "ec2:*:*:instance/i-0*",
            "ec2:*:*:instance/i-?????????????????",
            "ssm:*:*:managed-instance/mi-*",
        )
    ),
    _case("every hybrid node", Verdict.FAIL, _make_allow_statement("ssm:Start*", "arn:aws:ssm:*:*:managed-instance/*")),
    _case("every node of a tag", Verdict.PASS, _make_allow_statement("ssm:StartSession", INSTANCES, Condition=TAGGED)),
    _case(
        "with the document's check",
        Verdict.PASS,
        _make_allow_statement(
            "ssm:StartSession",
            "*",
            Condition={"BoolIfExists": {"aws:x": "true"}, "Bool": {"ssm:SessionDocumentAccessCheck": "true"}},
        ),
    ),
    _case(
        "with the check switched off",
        Verdict.FAIL,
        _make_allow_statement("ssm:StartSession", "*", Condition={"Bool": {"ssm:SessionDocumentAccessCheck": "false"}}),
    ),
    _case(
        "with the check switched off as a text",
        Verdict.FAIL,
        _make_allow_statement(
            "ssm:StartSession", "*", Condition={"StringEquals": {"ssm:SessionDocumentAccessCheck": "false"}}
        ),
    ),
    *(
        _case(
            f"every node that has the tag, {value}",
            Verdict.FAIL,
            _make_allow_statement(
                "ssm:StartSession", INSTANCES, Condition={"StringLike": {"ssm:resourceTag/team": value}}
            ),
        )
        for value in ("*", "**", "?*", "*?", "${ssm:resourceTag/team}", "${aws:ResourceTag/team}")
    ),
    _case(
        "every node of a team's tag",
        Verdict.PASS,
        _make_allow_statement(
            "ssm:StartSession", INSTANCES, Condition={"StringLike": {"ssm:resourceTag/team": "blue-*"}}
        ),
    ),
    _case("any command anywhere", Verdict.FAIL, _make_allow_statement("ssm:SendCommand", "*"), says="ssm:SendCommand"),
    _case(
        "any command anywhere, in two statements",
        Verdict.FAIL,
        _make_allow_statement("ssm:SendCommand", INSTANCES),
        _make_allow_statement("ssm:SendCommand", "arn:aws:ssm:*:*:document/*"),
    ),
    _case(
        "one document on every node",
        Verdict.PASS,
        _make_allow_statement("ssm:SendCommand", [INSTANCES, "arn:aws:ssm:*:*:document/AWS-RunPatchBaseline"]),
    ),
    _case("everything", Verdict.FAIL, _make_allow_statement("*", "*"), says="ssm:StartSession and ssm:SendCommand"),
    _case("neither", Verdict.PASS, _make_allow_statement(["ssm:Describe*", "ssm:List*", "ssm:TerminateSession"], "*")),
    Case(
        "the document was refused", Verdict.UNKNOWN, {"name": "x", "document": GAP}, type="iam.policy", region="global"
    ),
    _inline_operator_case(
        "an inline policy",
        Verdict.FAIL,
        [{"name": "a", "document": {"Statement": _make_allow_statement("ssm:*", "*")}}],
    ),
    _inline_operator_case("nothing inline", Verdict.PASS, []),
    _inline_operator_case("the inline policies were refused", Verdict.UNKNOWN, GAP),
    _aws_operator_case("a policy of AWS's", Verdict.FAIL, WIDE, f"{ROLE}app"),
    _aws_operator_case("a policy of AWS's that wasn't read", Verdict.UNKNOWN, GAP, f"{ROLE}app"),
    _aws_operator_case("a narrow policy of AWS's", Verdict.PASS, {"Statement": []}, f"{ROLE}app"),
    _aws_operator_case("a role of Control Tower", Verdict.PASS, WIDE, f"{ROLE}AWSControlTowerExecution", BY_MANAGEMENT),
    _aws_operator_case("only its name", Verdict.FAIL, WIDE, f"{ROLE}AWSControlTowerExecution", {"Statement": []}),
]
