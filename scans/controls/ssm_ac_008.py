"""No policy may let its holder raise its own permissions.

A holder that can write policies, make credentials for other users, or run code with any role can give itself everything
in the account, whatever its own policy says.

**What is judged.** Every customer managed policy (default version), every inline policy
(`iam.GetAccountAuthorizationDetails`) and every AWS managed policy that a principal has. A policy fails if it allows, on
every resource of the kind,

* one of these: `iam:CreatePolicyVersion`, `SetDefaultPolicyVersion`, `AttachUserPolicy`, `AttachGroupPolicy`,
  `AttachRolePolicy`, `PutUserPolicy`, `PutGroupPolicy`, `PutRolePolicy`, `AddUserToGroup`, `CreateAccessKey`,
  `CreateLoginProfile`, `UpdateLoginProfile`, `UpdateAssumeRolePolicy`; or
* `iam:PassRole` on every role, with an action that runs what the caller writes: `ssm:StartAutomationExecution`,
  `ssm:CreateAssociation`, `ssm:RegisterTaskWithMaintenanceWindow`, `ec2:RunInstances`, `lambda:CreateFunction`,
  `cloudformation:CreateStack`, `ecs:RunTask`, `codebuild:CreateProject`, `glue:CreateJob`,
  `sagemaker:CreateNotebookInstance`, `states:CreateStateMachine`.

A condition counts as a limit if it requires a permissions boundary (`iam:PermissionsBoundary`), policies
(`iam:PolicyARN`) or a tag of the resource, and doesn't admit AWS's policies of full access (`AdministratorAccess`,
`IAMFullAccess`); for `iam:PassRole`, `iam:PassedToService` limits it to services. A Deny
cancels an Allow only if it has no condition and covers all of it. ARNs of another partition (`arn:aws-cn:…` in `aws`)
match nothing, so they neither grant nor deny, nor do they widen a condition. Service-linked roles, and roles that AWS made and
that only AWS can use, don't count as holders (see SSM-AC-001).

**Not applicable** for a policy that allows everything: SSM-AC-001 reports it.

**Unknown** when a document, or the trust policy that decides, could not be read or understood.

**Limits.** Each document is judged by itself: two documents that escalate only together aren't found, nor are
permissions on a single role that happens to have more. `sts:AssumeRole` isn't judged: whether it gives more depends on
the trust policies of the roles.

**Source of the facts.** IAM user guide,
[granting permissions to pass a role](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html) and
[permissions boundaries](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html); Service
Authorization Reference,
[IAM](https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.iam_policies import Policy
from scans.controls.lib.iam_policies.documents import DETACH_COMMANDS, DOCUMENT_FACTS, HOLDER_FACTS, judge_documents
from scans.controls.lib.iam_policies.escalation import list_escalations
from scans.domain.control import GAP, Case, Control, ControlScope, Outcome, Remediation, ResourceView, Severity, Verdict

MAX_LISTED = 4

CONTROL = Control(
    id="SSM-AC-008",
    file="ssm_ac_008",
    title="No policy lets its holder raise its own permissions",
    severity=Severity.HIGH,
    scope=ControlScope.GLOBAL,
    # 2: an Allow of another partition grants nothing, and a condition isn't met by what is only there.
    # Also roles of AFT, and of StackSets whose administrator is the management account, are known.
    # Also the resources of runbooks, tasks and stacks by every spelling; everything may be in several statements.
    version=2,
    facts=DOCUMENT_FACTS,
    related=HOLDER_FACTS,
    container="arn:{p}:iam::{a}:policy/*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    frameworks=security_hub.map_requirements(own={"NIST 800-53 r5": ("AC-6",)}),
    empty_reason="No user, group or role of the account has a policy.",
    remediation=Remediation(
        summary="Name the roles, users and policies that the holder manages, or require a permissions boundary; for "
        "iam:PassRole, name the roles and the service. AWS's policies can't be edited: detach them. The first command is "
        "for a customer managed policy, the second for an inline one of a role.",
        cli="aws iam create-policy-version --policy-arn {arn} --policy-document file://policy.json --set-as-default\n"
        "aws iam put-role-policy --role-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        + DETACH_COMMANDS,
        code='data "aws_iam_policy_document" "pass" {\n  statement {\n    actions   = ["iam:PassRole"]\n'
        '    resources = ["arn:{partition}:iam::{account}:role/automation/*"]\n    condition {\n'
        '      test     = "StringEquals"\n      variable = "iam:PassedToService"\n      values   = ["ssm.amazonaws.com"]\n'
        "    }\n  }\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    return judge_documents(
        resource, _find_escalation, "No document lets its holder raise its own permissions.", administration=False
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.narrow_documents(
        resource, _find_escalation, [fixes.build_arn(resource, "iam", "role/PATH/*", region="")]
    )


def _find_escalation(policy: Policy) -> str:
    found = list_escalations(policy)
    more = f" and {len(found) - MAX_LISTED} more ways" if len(found) > MAX_LISTED else ""
    return f"lets its holder raise its own permissions: {'; '.join(found[:MAX_LISTED])}{more}" if found else ""


BOUNDARY = "iam:PermissionsBoundary"
ROLE = "arn:aws:iam::111122223333:role/automation/*"
RUN = {"Effect": "Allow", "Action": "ssm:StartAutomationExecution", "Resource": "*"}


BOOKS = "arn:aws:ssm:*:*:automation-definition"
EVERY_RUN = (
    ("ssm:StartAutomationExecution", f"{BOOKS}/*:*"),
    ("ssm:StartAutomationExecution", f"{BOOKS}/*:$DEFAULT"),
    ("ecs:RunTask", "arn:aws:ecs:*:*:task-definition/*:*"),
    ("cloudformation:CreateStack", "arn:aws:cloudformation:*:*:stack/*/*"),
    ("ec2:RunInstances", "arn:aws:ec2:*:*:instance/i-*"),
)


def _make_grant(action: object, resource: object = "*", **condition: object) -> dict[str, object]:
    found: dict[str, object] = {"Effect": "Allow", "Action": action, "Resource": resource}
    return found | ({"Condition": condition} if condition else {})


def _case(name: str, verdict: Verdict, *statements: dict[str, Any], says: str = "") -> Case:
    facts = {"name": "builders", "document": {"Statement": list(statements)}}
    return Case(name, verdict, facts, type="iam.policy", region="global", reason_has=says)


CASES = [
    _case("reads of IAM", Verdict.PASS, _make_grant(["iam:Get*", "iam:List*"])),
    _case("every policy of roles", Verdict.FAIL, _make_grant("iam:PutRolePolicy"), says="iam:PutRolePolicy"),
    _case("roles of another partition", Verdict.PASS, _make_grant("iam:PutRolePolicy", "arn:aws-cn:iam::1:role/*")),
    _case(
        "with AWS's policies of another partition",
        Verdict.PASS,
        _make_grant("iam:AttachRolePolicy", ArnLike={"iam:PolicyARN": "arn:aws-cn:iam::aws:policy/*"}),
    ),
    _case("all of IAM", Verdict.FAIL, _make_grant("iam:*"), says="more ways"),
    _case("roles of one path", Verdict.PASS, _make_grant(["iam:PutRolePolicy", "iam:AttachRolePolicy"], ROLE)),
    *(
        _case(f"with a boundary of {arn}", Verdict.FAIL, _make_grant("iam:PutRolePolicy", ArnLike={BOUNDARY: arn}))
        for arn in ("arn:aws:iam::*:policy/*", "arn:aws:iam::aws:policy/AdministratorAccess")
    ),
    _case(
        "with any of AWS's policies",
        Verdict.FAIL,
        _make_grant("iam:AttachRolePolicy", ArnLike={"iam:PolicyARN": "arn:aws:iam::aws:policy/*"}),
    ),
    _case(
        "with one of AWS's policies",
        Verdict.PASS,
        _make_grant("iam:AttachRolePolicy", ArnLike={"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    ),
    _case(
        "with a boundary",
        Verdict.PASS,
        _make_grant("iam:AttachRolePolicy", StringEquals={"iam:PermissionsBoundary": "arn:aws:iam::1:policy/edge"}),
    ),
    _case(
        "with any boundary",
        Verdict.FAIL,
        _make_grant("iam:AttachRolePolicy", StringLike={"iam:PermissionsBoundary": "*"}),
    ),
    _case("any role to Automation", Verdict.FAIL, RUN, _make_grant("iam:PassRole"), says="StartAutomationExecution"),
    *(
        _case(f"any role to every {pattern}", Verdict.FAIL, _make_grant("iam:PassRole"), _make_grant(action, pattern))
        for action, pattern in EVERY_RUN
    ),
    _case("any role to one runbook", Verdict.PASS, _make_grant("iam:PassRole"), {**RUN, "Resource": f"{BOOKS}/own:*"}),
    _case(
        "any role to Systems Manager, in any letters",
        Verdict.FAIL,
        RUN,
        _make_grant("iam:PassRole", StringEqualsIgnoreCase={"iam:PassedToService": "SSM.amazonaws.com"}),
    ),
    _case(
        "with AdministratorAccess, in any letters",
        Verdict.FAIL,
        _make_grant(
            "iam:AttachRolePolicy",
            StringEqualsIgnoreCase={"iam:PolicyARN": "arn:aws:iam::aws:policy/administratoraccess"},
        ),
    ),
    _case("passes roles, runs nothing", Verdict.PASS, _make_grant("iam:PassRole")),
    _case("runs without a role", Verdict.PASS, RUN),
    _case("one role to Automation", Verdict.PASS, RUN, _make_grant("iam:PassRole", ROLE)),
    _case(
        "any role to Systems Manager",
        Verdict.FAIL,
        RUN,
        _make_grant("iam:PassRole", StringEquals={"iam:PassedToService": "ssm.amazonaws.com"}),
    ),
    _case(
        "any role to another service",
        Verdict.PASS,
        RUN,
        _make_grant("iam:PassRole", StringLike={"iam:PassedToService": ["ec2.*", "config.amazonaws.com"]}),
    ),
    _case(
        "any role to a service of any name",
        Verdict.FAIL,
        RUN,
        _make_grant("iam:PassRole", StringLike={"iam:PassedToService": "*.amazonaws.com"}),
    ),
    _case(
        "taken back",
        Verdict.PASS,
        _make_grant("iam:*"),
        {"Effect": "Deny", "NotAction": ["iam:Get*", "iam:List*"], "Resource": "*"},
    ),
    _case("all of it", Verdict.NOT_APPLICABLE, _make_grant("*"), says="SSM-AC-001"),
    Case(
        "the document was refused", Verdict.UNKNOWN, {"name": "x", "document": GAP}, type="iam.policy", region="global"
    ),
    Case(
        "an inline policy",
        Verdict.FAIL,
        {"policies": [{"name": "a", "document": {"Statement": _make_grant("iam:*")}}]},
        type="iam.inline",
        region="global",
    ),
]
