"""No policy may let its holder decrypt with every key.

A SecureString, a session or an encrypted log is only as protected as its key. A policy that allows decryption
with `*` opens all of them, with every key whose key policy trusts the account.

**What is judged.** Every customer managed policy (default version), every inline policy
(`iam.GetAccountAuthorizationDetails`) and every AWS managed policy that a principal has (`iam.ListPolicies`,
`iam.GetPolicyVersion`, or a copy of the same version). A policy fails when it allows `kms:Decrypt` or `kms:ReEncryptFrom`
(by name, by a wildcard such as `kms:ReEncrypt*`, or by `NotAction`) on `*`, on all keys of a region or
account, or on a pattern that matches every key's id (`key/*-*`). A Deny cancels an Allow only if it has no condition
and covers all of it.

A condition that names keys (`kms:ResourceAliases`, `kms:RequestAlias`, `aws:ResourceTag/…`) or what they
encrypt (`kms:EncryptionContext:…`) makes an Allow narrow enough if it requires a value. It doesn't count if it
also holds without the key (`…IfExists`), only excludes values (`StringNotEquals`), or accepts any value (`*`,
`alias/*`, and in an encryption context all parameters, objects, log groups, trails or secrets of a region or an
account, such as `arn:aws:ssm:*:111122223333:parameter/*` for `kms:EncryptionContext:PARAMETER_ARN`; also everything
of a type of any other service, such as `arn:aws:lambda:*:*:function:*`).
`kms:ViaService` doesn't count: it names a service, not keys. The reason names the services. ARNs of another partition
(`arn:aws-cn:…` in `aws`) match nothing, so they neither grant nor deny, nor do they widen a condition.

**Roles of services.** AWS wrote its policies for such roles with every key, since it doesn't know yours, and you can't
change them: `AWSBackupServiceRolePolicyForBackup` and others. A policy of AWS's passes if

* each of its Allows of every key requires `kms:ViaService` with services by name, in any region (`s3.*.amazonaws.com`); and
* only roles have it whose trust policies admit nothing but AWS Backup, GuardDuty's malware protection or EC2 Image
  Builder. These services use a role for their own work alone, so its credentials reach no person and no program of the
  company. That isn't so of EC2, Lambda, ECS, Glue, SageMaker, Systems Manager and others.

The reason names the roles. The policy fails if a user, a group or another role has it too. `PowerUserAccess` fails on
any role.

Service-linked roles, and roles that AWS made and that only AWS can use, don't count as holders (see SSM-AC-001). A
permission set of IAM Identity Center counts, unless it allows everything.

**Unknown** when a document, or the trust policy that decides, could not be read or understood.

**Limits.** Each document is judged by itself; key policies may refuse what it allows. Who may pass a service's role to
the service (`iam:PassRole`) can have it restore data: SSM-AC-008 looks at that. AWS's own checks KMS.1 and KMS.2 accept
no condition at all.

**Source of the facts.** IAM API reference,
[GetAccountAuthorizationDetails](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html);
IAM user guide, condition operators
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html); KMS developer
guide, condition keys (https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html); AWS Backup developer
guide, [service roles](https://docs.aws.amazon.com/aws-backup/latest/devguide/iam-service-roles.html) and
[managed policies](https://docs.aws.amazon.com/aws-backup/latest/devguide/security-iam-awsmanpol.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.iam_policies import KEYS, Policy, list_granted_actions
from scans.controls.lib.iam_policies.documents import DETACH_COMMANDS, DOCUMENT_FACTS, HOLDER_FACTS, judge_documents
from scans.controls.lib.iam_policies.grants import applies_to
from scans.controls.lib.iam_policies.via_services import drop_via_services, list_via_services
from scans.domain.control import GAP, Case, Control, ControlScope, Outcome, Remediation, ResourceView, Severity, Verdict

ACTIONS = ("kms:Decrypt", "kms:ReEncryptFrom")
NARROWING = ("aws:ResourceTag/", "kms:ResourceAliases", "kms:RequestAlias", "kms:EncryptionContext:")

CONTROL = Control(
    id="SSM-AC-003",
    file="ssm_ac_003",
    title="No policy decrypts with every key",
    severity=Severity.HIGH,
    scope=ControlScope.GLOBAL,
    # 2: judged in its own partition. 3 and 4: conditions that accept any value, and encryption contexts that name every
    # parameter or object, are no limits. 5: AWS managed policies are judged; roles that only AWS can use don't count; a
    # pattern that matches every key's id is all keys. 6: an Allow of another partition grants nothing; AWS's policies for
    # the roles of its services are accepted there; contexts of any service count alike, and so do Denies that spare all.
    version=6,
    facts=DOCUMENT_FACTS,
    related=HOLDER_FACTS,
    container="arn:{p}:iam::{a}:policy/*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks=security_hub.map_requirements("KMS.1", "KMS.2"),
    empty_reason="No user, group or role of the account has a policy.",
    remediation=Remediation(
        summary="AWS's policies can't be edited: detach them, and write one that names what is needed. "
        "Name the keys by ARN in the policy's Resource. The first command shows which keys "
        "there are; the second is for a customer managed policy, the others for an inline one.",
        cli="aws kms list-aliases --query 'Aliases[].[AliasName,TargetKeyId]' --output table\n"
        "aws iam create-policy-version --policy-arn {arn} --policy-document file://policy.json --set-as-default\n"
        "aws iam put-role-policy --role-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        "aws iam put-user-policy --user-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        "aws iam put-group-policy --group-name {name} --policy-name POLICY_NAME --policy-document file://policy.json\n"
        + DETACH_COMMANDS,
        code='data "aws_iam_policy_document" "decrypt" {\n  statement {\n    actions   = ["kms:Decrypt"]\n'
        '    resources = ["arn:{partition}:kms:REGION:{account}:key/KEY_ID"]\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    return judge_documents(
        resource, _find_open_decrypts, "No document decrypts with every key.", find_for_services=_find_unfenced_decrypts
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.narrow_documents(
        resource, _find_open_decrypts, [fixes.build_arn(resource, "kms", "key/KEY_ID", region="*")]
    )


def _find_open_decrypts(policy: Policy) -> str:
    given = list_granted_actions(policy, ACTIONS, (KEYS,), unless=NARROWING)
    if not given:
        return ""
    said = f"allows {' and '.join(given)} with every key"
    if _find_unfenced_decrypts(policy):
        return said
    decrypting = [each for each in policy.allow_statements if any(applies_to(each, action) for action in given)]
    services = sorted({name for allow in decrypting for name in list_via_services(allow)})
    return f"{said}, though only through services ({', '.join(services)})"


def _find_unfenced_decrypts(policy: Policy) -> str:
    """What is allowed by Allows that don't require named services."""
    given = list_granted_actions(drop_via_services(policy), ACTIONS, (KEYS,), unless=NARROWING)
    return f"allows {' and '.join(given)} with every key" if given else ""


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def _case(name: str, verdict: Verdict, action: object, resource: object, **more: object) -> Case:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    facts = {"name": "decrypters", "document": {"Version": "2012-10-17", "Statement": statement}}
    return Case(name, verdict, facts, type="iam.policy", region="global")


def _inline_decrypter_case(name: str, verdict: Verdict, policies: Any) -> Case:
    return Case(name, verdict, {"policies": policies}, type="iam.inline", region="global")


def _aws_decrypter_case(name: str, verdict: Verdict, document: Any, held_by: str, trust: Any = None) -> Case:
    arn = "arn:aws:iam::aws:policy/Example"
    related = {"iam.aws_policy": {arn: {"attached_to": [held_by]}}, "iam.principal": {held_by: {"trust": trust}}}
    facts = {"name": "Example", "document": document}
    context = {"management_account": "999900001111"}
    return Case(name, verdict, facts, type="iam.aws_policy", arn=arn, region="global", related=related, context=context)


ROLE = "arn:aws:iam::111122223333:role/"
WIDE = {"Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}
BY_MANAGEMENT = {
    "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999900001111:root"}, "Action": "sts:AssumeRole"}
}
BACKUP = "backup.amazonaws.com"
USER = "arn:aws:iam::111122223333:user"


def _make_via(condition: dict[str, Any]) -> dict[str, Any]:
    allow = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"}
    return {"Statement": {**allow, "Condition": condition}}


def _make_service_trust(*principals: dict[str, Any]) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Principal": each, "Action": "sts:AssumeRole"} for each in principals]}


VIA_S3 = _make_via({"StringLike": {"kms:ViaService": ["s3.*.amazonaws.com"]}})
BY_BACKUP = _make_service_trust({"Service": BACKUP})
CASES = [
    _case("one key", Verdict.PASS, "kms:Decrypt", KEY),
    _case("a star", Verdict.FAIL, "kms:Decrypt", "*"),
    _case("all keys of one region", Verdict.FAIL, ["KMS:decrypt"], ["arn:aws:kms:eu-west-1:111122223333:key/*"]),
    _case("a pattern of every id", Verdict.FAIL, "kms:Decrypt", f"arn:aws:kms:*:*:key/{'?' * 8}-*"),
    _case("keys of several regions", Verdict.PASS, "kms:Decrypt", "arn:aws:kms:*:*:key/mrk-*"),
    _case("re-encryption", Verdict.FAIL, "kms:ReEncrypt*", "*"),
    _case("all of KMS", Verdict.FAIL, "kms:*", "arn:aws:kms:*:*:*"),
    _case("encryption alone", Verdict.PASS, ["kms:Encrypt", "kms:GenerateDataKey*"], "*"),
    _case("aliases are no keys", Verdict.PASS, "kms:*", "arn:aws:kms:*:*:alias/*"),
    _case(
        "by alias",
        Verdict.PASS,
        "kms:Decrypt",
        "*",
        Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}},
    ),
    _case(
        "by some aliases",
        Verdict.PASS,
        "kms:Decrypt",
        "*",
        Condition={"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/app-*"}},
    ),
    _case(
        "by any alias",
        Verdict.FAIL,
        "kms:Decrypt",
        "*",
        Condition={"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/*"}},
    ),
    _case(
        "for any context",
        Verdict.FAIL,
        "kms:Decrypt",
        "*",
        Condition={"ArnLike": {"kms:EncryptionContext:PARAMETER_ARN": "arn:aws:*"}},
    ),
    *(
        _case(
            f"for the context {value}",
            verdict,
            "kms:Decrypt",
            "*",
            Condition={"StringLike": {"kms:EncryptionContext:PARAMETER_ARN": f"arn:aws:ssm:*:*:parameter/{value}"}},
        )
        for value, verdict in (("*", Verdict.FAIL), ("app/*", Verdict.PASS))
    ),
    _case(
        "by service only",
        Verdict.FAIL,
        "kms:Decrypt",
        "*",
        Condition={"StringEquals": {"kms:ViaService": "ssm.eu-west-1.amazonaws.com"}},
    ),
    Case(
        "the document was refused", Verdict.UNKNOWN, {"name": "x", "document": GAP}, type="iam.policy", region="global"
    ),
    _inline_decrypter_case(
        "an inline policy decrypts all",
        Verdict.FAIL,
        [{"name": "a", "document": {"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}}],
    ),
    _inline_decrypter_case("nothing inline", Verdict.PASS, []),
    _inline_decrypter_case("the inline policies were refused", Verdict.UNKNOWN, GAP),
    _aws_decrypter_case("a policy of AWS's", Verdict.FAIL, WIDE, f"{ROLE}app"),
    _aws_decrypter_case("a policy of AWS's that wasn't read", Verdict.UNKNOWN, GAP, f"{ROLE}app"),
    _aws_decrypter_case("a narrow policy of AWS's", Verdict.PASS, {"Statement": []}, f"{ROLE}app"),
    _aws_decrypter_case(
        "a role of Control Tower", Verdict.PASS, WIDE, f"{ROLE}AWSControlTowerExecution", BY_MANAGEMENT
    ),
    _aws_decrypter_case(
        "AWS Backup's own role", Verdict.PASS, VIA_S3, f"{ROLE}service-role/AWSBackupDefaultServiceRole", BY_BACKUP
    ),
    _aws_decrypter_case("a role made for AWS Backup", Verdict.PASS, VIA_S3, f"{ROLE}backups", BY_BACKUP),
    _aws_decrypter_case("its trust wasn't read", Verdict.UNKNOWN, VIA_S3, f"{ROLE}backups", GAP),
    _aws_decrypter_case("without the fence", Verdict.FAIL, WIDE, f"{ROLE}backups", BY_BACKUP),
    _aws_decrypter_case(
        "beside an Allow without the fence",
        Verdict.FAIL,
        {"Statement": [VIA_S3["Statement"], WIDE["Statement"]]},
        f"{ROLE}backups",
        BY_BACKUP,
    ),
    *(
        _aws_decrypter_case(f"through {said}", Verdict.FAIL, _make_via(condition), f"{ROLE}backups", BY_BACKUP)
        for said, condition in {
            "anything": {"StringLike": {"kms:ViaService": "*"}},
            "any service": {"StringLike": {"kms:ViaService": "*.eu-west-1.amazonaws.com"}},
            "a service or nothing": {"StringLikeIfExists": {"kms:ViaService": "s3.*.amazonaws.com"}},
            "all but one": {"StringNotLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
            "one that calls another": {"StringEquals": {"aws:CalledVia": "backup.amazonaws.com"}},
        }.items()
    ),
    *(
        _aws_decrypter_case(f"through S3, for {said}", Verdict.FAIL, VIA_S3, holder, _make_service_trust(*admitted))
        for said, holder, admitted in (
            ("people", f"{ROLE}people", ({"AWS": "arn:aws:iam::111122223333:root"},)),
            ("AWS Backup and people", f"{ROLE}backups", ({"Service": BACKUP}, {"AWS": "111122223333"})),
            ("AWS Backup and programs", f"{ROLE}backups", ({"Service": [BACKUP, "lambda.amazonaws.com"]},)),
            ("programs", f"{ROLE}app", ({"Service": "ec2.amazonaws.com"},)),
            ("a user", "arn:aws:iam::111122223333:user/ann", ()),
        )
    ),
    Case(
        "through S3, for AWS Backup and a person",
        Verdict.FAIL,
        {"name": "Example", "document": VIA_S3},
        type="iam.aws_policy",
        arn="arn:aws:iam::aws:policy/Example",
        region="global",
        related={
            "iam.aws_policy": {"arn:aws:iam::aws:policy/Example": {"attached_to": [f"{ROLE}backups", f"{USER}/ann"]}},
            "iam.principal": {f"{ROLE}backups": {"trust": BY_BACKUP}, f"{USER}/ann": {"trust": None}},
        },
        reason_has="though only through services (s3). Attached to user/ann. Not counted",
    ),
    Case(
        "the company's own policy for AWS Backup",
        Verdict.FAIL,
        {"name": "own", "document": VIA_S3},
        type="iam.policy",
        arn="arn:aws:iam::111122223333:policy/own",
        region="global",
        related={
            "iam.policy": {"arn:aws:iam::111122223333:policy/own": {"attached_to": [f"{ROLE}backups"]}},
            "iam.principal": {f"{ROLE}backups": {"trust": BY_BACKUP}},
        },
    ),
    _aws_decrypter_case("only its name", Verdict.FAIL, WIDE, f"{ROLE}AWSControlTowerExecution", {"Statement": []}),
]
