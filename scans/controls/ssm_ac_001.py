"""No principal may have every action on every resource.

A policy that allows `*` on `*` gives its holder the whole account. If that holder is compromised, so is every
parameter, key, node and log. People and programs need a known, limited set of permissions.

**What is judged.** Every IAM user, group and role, from `iam.GetAccountAuthorizationDetails`. A principal fails if

* the AWS managed policy `AdministratorAccess` is attached; or
* an attached customer managed policy, or an inline one, allows all actions on all resources. A condition (such
  as MFA) doesn't change that. `NotAction` counts as all actions, and `NotResource` as all resources, unless it
  excludes IAM: a principal that can write policies can give itself the rest.

**Unknown** when the attached policies or a document could not be read or understood, and nothing that was read
fails.

**Limits.** Only the policy documents are judged: permissions boundaries and service control policies may reduce
what they allow and are not counted. AWS managed policies other than `AdministratorAccess` are assumed not to be
`*` on `*`. A user who belongs to a failing group is not reported; the group is.

**Source of the facts.** IAM API reference, GetAccountAuthorizationDetails.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from accounts.aws.gaps import Gap, GapError
from scans.controls.lib import fixes
from scans.controls.lib.iam_policies import IDENTITY_POLICY, PolicyError, allows_everything, parse_policy
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
    unknown,
)

ADMINISTRATOR = "policy/AdministratorAccess"

CONTROL = Control(
    id="SSM-AC-001",
    file="ssm_ac_001",
    title="No principal has every permission",
    severity=Severity.CRITICAL,
    scope=ControlScope.GLOBAL,
    version=2,  # 2: a condition given twice in different case is unknown
    facts={"iam.principal": ("attached", "kind")},
    related={"iam.policy": ("name", "document"), "iam.inline": ("policies",)},
    container="arn:{p}:iam::{a}:*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks={"FSBP": ("IAM.1",), "CIS v3.0": ("1.16",), "NIST 800-53 r5": ("AC-6",)},
    empty_reason="The account has no IAM users, groups or roles.",
    remediation=Remediation(
        summary="Give the principal a policy that lists what it needs (IAM Access Analyzer can generate one from "
        "CloudTrail), then detach the wide policy with the line for the principal's kind, or delete it if it is inline.",
        cli="aws iam detach-user-policy --user-name {name} --policy-arn POLICY_ARN\n"
        "aws iam detach-group-policy --group-name {name} --policy-arn POLICY_ARN\n"
        "aws iam detach-role-policy --role-name {name} --policy-arn POLICY_ARN\n"
        "aws iam delete-role-policy --role-name {name} --policy-name POLICY_NAME",
        code='resource "aws_iam_role_policy_attachment" "needed" {\n  role       = "{name}"\n'
        "  policy_arn = aws_iam_policy.only_what_is_needed.arn\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    gaps: list[Gap] = []
    doubts: list[str] = []
    for name, read in _list_policies(resource, gaps):
        try:
            if name.endswith(f":iam::aws:{ADMINISTRATOR}") or allows_everything(parse_policy(read(), IDENTITY_POLICY)):
                return failed(
                    f"The {_read_principal_kind(resource)} has the policy {name}: every action on every resource."
                )
        except GapError as error:
            gaps += error.gaps
        except PolicyError as error:
            doubts.append(f"{name} ({error})")
    if gaps:
        # Only here: a gap in one policy must not hide that another one allows everything (docs/decisions/0001).
        raise GapError(*dict.fromkeys(gaps))
    if doubts:
        return unknown(f"Could not be understood: {'; '.join(doubts)}.")
    return passed("No attached or inline policy allows every action on every resource.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Detach the wide managed policies, delete the wide inline ones."""
    kept = [arn for arn in resource["attached"] if not _is_wide(resource, arn)]
    inline = resource.look_up("iam.inline", resource.arn)
    if inline is None:
        return (fixes.set_facts(resource, attached=kept),)
    narrow = [each for each in inline["policies"] if not _allows_all(each.get("document"))]
    return fixes.set_facts(resource, attached=kept), fixes.set_facts(inline, policies=narrow)


def _is_wide(resource: ResourceView, arn: str) -> bool:
    if ":iam::aws:" in arn:
        return arn.endswith(f":iam::aws:{ADMINISTRATOR}")
    try:
        return _allows_all(_read_document(resource, arn))
    except (GapError, PolicyError):
        return False  # it stays, and what isn't known of it stays unknown


def _allows_all(document: Any) -> bool:
    try:
        return allows_everything(parse_policy(document))
    except PolicyError:
        return False


def _list_policies(resource: ResourceView, gaps: list[Gap]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each policy's name and how to get its document. What can't be listed goes to the gaps."""
    try:
        for arn in resource["attached"]:
            # The scan reads no documents of AWS managed policies, so AdministratorAccess is known by its ARN alone.
            if arn.endswith(f":iam::aws:{ADMINISTRATOR}") or ":iam::aws:" not in arn:
                yield arn, functools.partial(_read_document, resource, arn)
    except GapError as error:
        gaps += error.gaps
    try:
        inline = resource.look_up("iam.inline", resource.arn)
        for policy in inline["policies"] if inline else ():
            yield policy.get("name", "inline"), functools.partial(policy.get, "document")
    except GapError as error:
        gaps += error.gaps


def _read_document(resource: ResourceView, arn: str) -> Any:
    policy = resource.look_up("iam.policy", arn)
    if policy is None:
        raise PolicyError("it is attached, but not among the account's policies")
    return policy["document"]


def _read_principal_kind(resource: ResourceView) -> str:
    try:
        return str(resource["kind"])
    except GapError:
        return "principal"


ARN = "arn:aws:iam::111122223333:role/app"
ALL_ARN = "arn:aws:iam::111122223333:policy/all"
ADMIN_ARN = f"arn:aws:iam::aws:{ADMINISTRATOR}"
ALL = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
SOME = {"Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]}


def _case(
    name: str,
    verdict: Verdict,
    attached: object,
    *,
    managed: object = None,
    inline: object = None,
    refused: tuple[str, ...] = (),
) -> Case:
    related: dict[str, dict[str, dict[str, Any]]] = {"iam.policy": {}, "iam.inline": {}}
    if managed:
        related["iam.policy"][ALL_ARN] = {"name": "all", "document": managed}
    if inline:
        policies = inline if inline is GAP else [{"name": "own", "document": inline}]
        related["iam.inline"][ARN] = {"policies": policies}
    facts = {"attached": attached, "kind": "role"}
    return Case(name, verdict, facts, related=related, related_gaps=refused, arn=ARN, region="global")


CASES = [
    _case("nothing attached", Verdict.PASS, []),
    _case(
        "narrow policies", Verdict.PASS, [ALL_ARN, "arn:aws:iam::aws:policy/ReadOnlyAccess"], managed=SOME, inline=SOME
    ),
    _case("AdministratorAccess", Verdict.FAIL, [ADMIN_ARN]),
    _case("AdministratorAccess in another partition", Verdict.FAIL, [ADMIN_ARN.replace("aws:iam", "aws-cn:iam")]),
    _case("AdministratorAccess-Amplify is another policy", Verdict.PASS, [f"{ADMIN_ARN}-Amplify"]),
    _case(
        "a customer's policy of that name is judged by its text",
        Verdict.PASS,
        ["arn:aws:iam::111122223333:policy/all"],
        managed=SOME,
    ),
    _case("a customer managed policy allows all", Verdict.FAIL, [ALL_ARN], managed=ALL),
    _case("an inline policy allows all", Verdict.FAIL, [], inline=ALL),
    _case("an inline policy allows all, the attached ones were refused", Verdict.FAIL, GAP, inline=ALL),
    _case("the attached ones were refused", Verdict.UNKNOWN, GAP),
    _case("a document was refused", Verdict.UNKNOWN, [ALL_ARN], managed=GAP),
    _case("the inline policies were refused", Verdict.UNKNOWN, [], inline=GAP),
    _case("the list of inline policies is incomplete", Verdict.UNKNOWN, [], refused=("iam.inline",)),
    _case("the list of policies is incomplete", Verdict.UNKNOWN, [ALL_ARN], refused=("iam.policy",)),
    _case("a document that is not a policy", Verdict.UNKNOWN, [ALL_ARN], managed={"Statement": "x"}),
    _case("an attached policy that isn't listed", Verdict.UNKNOWN, [ALL_ARN]),
]
