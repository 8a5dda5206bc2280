"""No policy may give full access to CloudTrail or to KMS.

With every action of CloudTrail a holder can stop the trails and delete the record of what it does. With every action of
KMS it can take over each key, or schedule its deletion, and what is encrypted with it is lost.

**What is judged.** Every customer managed policy (default version), every inline policy
(`iam.GetAccountAuthorizationDetails`) and every AWS managed policy that a principal has. A policy fails if it allows, on
every resource and by name, by a wildcard or by `NotAction`,

* to stop, change and delete trails (`cloudtrail:StopLogging`, `UpdateTrail`, `PutEventSelectors` and `DeleteTrail`); or
* to decrypt with keys, to change their policies, to grant their use and to schedule their deletion (`kms:Decrypt`,
  `PutKeyPolicy`, `CreateGrant` and `ScheduleKeyDeletion`).

A Deny cancels an Allow only if it has no condition and covers all of it. ARNs of another partition (`arn:aws-cn:…` in
`aws`) match nothing, so they neither grant nor deny. Service-linked roles, and roles that AWS made
and that only AWS can use, don't count as holders (see SSM-AC-001).

**Not applicable** for a policy that allows everything: SSM-AC-001 reports it.

**Unknown** when a document, or the trust policy that decides, could not be read or understood.

**Limits.** Each document is judged by itself. Key policies may refuse what it allows.

**Source of the facts.** Security Hub user guide,
[IAM.21](https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21): no wildcard actions for
services; IAM API reference,
[GetAccountAuthorizationDetails](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.iam_policies import KEYS, Policy, ResourceShape, list_granted_actions
from scans.controls.lib.iam_policies.documents import DETACH_COMMANDS, DOCUMENT_FACTS, HOLDER_FACTS, judge_documents
from scans.domain.control import GAP, Case, Control, ControlScope, Outcome, Remediation, ResourceView, Severity, Verdict

# Actions of each service that only full access has together, and the resources that they work on.
FULL_ACCESS = {
    "CloudTrail": (
        ("cloudtrail:StopLogging", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors", "cloudtrail:DeleteTrail"),
        ResourceShape("cloudtrail", "trail/"),
    ),
    "KMS": (("kms:Decrypt", "kms:PutKeyPolicy", "kms:CreateGrant", "kms:ScheduleKeyDeletion"), KEYS),
}

CONTROL = Control(
    id="SSM-AC-007",
    file="ssm_ac_007",
    title="No policy gives full access to CloudTrail or KMS",
    severity=Severity.MEDIUM,
    scope=ControlScope.GLOBAL,
    # 2: an Allow of another partition grants nothing.
    # Also roles of AFT, and of StackSets whose administrator is the management account, are known.
    # Also a Deny that spares every key's id denies nothing; everything may be in several statements.
    version=2,
    facts=DOCUMENT_FACTS,
    related=HOLDER_FACTS,
    container="arn:{p}:iam::{a}:policy/*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21",
    frameworks=security_hub.map_requirements("IAM.21"),
    empty_reason="No user, group or role of the account has a policy.",
    remediation=Remediation(
        summary="List the actions that the holder needs, and name the trails and keys. AWS's policies can't be edited: "
        "detach them. The first command is for a customer managed policy, the second for an inline one of a role.",
        cli="aws iam create-policy-version --policy-arn {arn} --policy-document file://policy.json --set-as-default\n"
        "aws iam put-role-policy --role-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        + DETACH_COMMANDS,
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    return judge_documents(
        resource, _find_full_access, "No document gives full access to CloudTrail or KMS.", administration=False
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    named = [
        fixes.build_arn(resource, "cloudtrail", "trail/TRAIL", region="*"),
        fixes.build_arn(resource, "kms", "key/KEY_ID", region="*"),
    ]
    return fixes.narrow_documents(resource, _find_full_access, named)


def _find_full_access(policy: Policy) -> str:
    found = [
        service
        for service, (actions, shape) in FULL_ACCESS.items()
        if len(list_granted_actions(policy, actions, (shape,))) == len(actions)
    ]
    return f"gives full access to {' and '.join(found)}" if found else ""


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def _case(name: str, verdict: Verdict, *statements: dict[str, Any], says: str = "") -> Case:
    facts = {"name": "operators", "document": {"Statement": list(statements)}}
    return Case(name, verdict, facts, type="iam.policy", region="global", reason_has=says)


def _make_broad_allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


CASES = [
    _case("reads of both", Verdict.PASS, _make_broad_allow(["cloudtrail:Describe*", "kms:Describe*", "kms:List*"])),
    _case("every action of CloudTrail", Verdict.FAIL, _make_broad_allow("cloudtrail:*"), says="CloudTrail"),
    _case("every action of KMS", Verdict.FAIL, _make_broad_allow("KMS:*"), says="KMS"),
    _case("everything except IAM", Verdict.FAIL, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    _case("every key of another partition", Verdict.PASS, _make_broad_allow("kms:*", "arn:aws-us-gov:kms:*:*:key/*")),
    _case("every key of any partition", Verdict.FAIL, _make_broad_allow("kms:*", "arn:*:kms:*:*:key/*")),
    _case("every action on one key", Verdict.PASS, _make_broad_allow("kms:*", KEY)),
    _case(
        "by names",
        Verdict.FAIL,
        _make_broad_allow(["kms:Decrypt", "kms:Put*", "kms:Create*", "kms:ScheduleKeyDeletion"]),
    ),
    _case(
        "without deleting trails",
        Verdict.PASS,
        _make_broad_allow("cloudtrail:*"),
        {"Effect": "Deny", "Action": "cloudtrail:DeleteTrail", "Resource": "*"},
    ),
    _case(
        "a Deny that spares every key",
        Verdict.FAIL,
        _make_broad_allow("kms:*"),
        {"Effect": "Deny", "Action": "kms:*", "NotResource": "arn:aws:kms:*:*:key/????????-*"},
    ),
    _case("all of it", Verdict.NOT_APPLICABLE, _make_broad_allow("*"), says="SSM-AC-001"),
    Case(
        "one of AWS's policies",
        Verdict.FAIL,
        {"name": "Power", "document": {"Statement": _make_broad_allow("kms:*")}},
        type="iam.aws_policy",
        arn="arn:aws:iam::aws:policy/Power",
        region="global",
        related={
            "iam.aws_policy": {"arn:aws:iam::aws:policy/Power": {"attached_to": ["arn:aws:iam::1:group/all"]}},
            "iam.principal": {"arn:aws:iam::1:group/all": {"trust": None}},
        },
        reason_has="Attached to group/all.",
    ),
    Case(
        "an inline policy beside one that allows everything",
        Verdict.FAIL,
        {
            "policies": [
                {"name": "all", "document": {"Statement": _make_broad_allow("*")}},
                {"name": "keys", "document": {"Statement": _make_broad_allow("kms:*")}},
            ]
        },
        type="iam.inline",
        region="global",
        reason_has="keys",
    ),
    Case(
        "the document was refused", Verdict.UNKNOWN, {"name": "x", "document": GAP}, type="iam.policy", region="global"
    ),
]
