"""No principal may have every action on every resource.

A policy that allows `*` on `*` gives its holder the whole account. If that holder is compromised, so is every
parameter, key, node and log. People and programs need a known, limited set of permissions.

**What is judged.** Every policy that a user, group or role has: AWS managed, customer managed and inline
(`iam.GetAccountAuthorizationDetails`, `iam.ListPolicies`, `iam.GetPolicyVersion`). There is one outcome for each policy
and account, which names those that have it. A policy fails if

* it is AWS's `AdministratorAccess`; or
* it allows all actions on all resources. A condition (such as MFA) doesn't change that. `NotAction` counts as all
  actions, and `NotResource` as all resources, unless it excludes IAM: a principal that can write policies can give
  itself the rest. `NotAction` counts, too, if another statement allows what of IAM it excludes.

ARNs of another partition (`arn:aws-cn:…` in `aws`) match nothing, so they grant nothing.

**Roles that AWS makes.** AWS Organizations, AWS Control Tower, its Account Factory for Terraform, CloudFormation
StackSets and IAM Identity Center make roles with every permission in member accounts: `OrganizationAccountAccessRole`,
`AWSControlTowerExecution`, `aws-controltower-*`, `AWSAFTExecution`, `AWSAFTService`, `stacksets-exec-*`,
`AWSCloudFormationStackSetExecutionRole`, `AWSReservedSSO_*`. Their trust policies decide. The roles don't count if
these admit nothing but the management account as a whole, the roles of StackSets, the roles of Control Tower's audit
account, the role `AWSAFTAdmin` of a member, an AWS service, or Identity Center's own identity provider with AWS's
sign-in as its audience. A role of
such a name that admits another principal, or that has another path, counts like any other. A policy that only roles
have that AWS made passes, and the reason names them: which people administer is decided in Identity Center and in
the management account.

**Not applicable** for a customer managed policy that no principal has.

**Unknown** when attachments, a trust policy or a document could not be read or understood.

**Limits.** Only the policy documents are judged: permissions boundaries and service control policies may reduce
what they allow and are not counted. A user who belongs to a group with such a policy is not named; the group is.

**Source of the facts.** IAM API reference,
[GetAccountAuthorizationDetails](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html),
[ListPolicies](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html),
[GetPolicyVersion](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html);
[Organizations user guide, accessing member accounts](https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html);
[Control Tower user guide, roles](https://docs.aws.amazon.com/controltower/latest/userguide/roles-how.html);
[CloudFormation user guide, trusted access for StackSets](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-activate-trusted-access.html);
[IAM Identity Center user guide, referencing permission sets](https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import GapError
from scans.controls.lib import fixes, security_hub
from scans.controls.lib.iam_policies import IDENTITY_POLICY, Policy, allows_everything, parse_policy
from scans.controls.lib.iam_policies.documents import (
    AWS_POLICY,
    DETACH_COMMANDS,
    DOCUMENT_FACTS,
    HOLDER_FACTS,
    describe_problem,
    find_holders,
    get_partition,
    judge_documents,
    list_holders,
)
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
    not_applicable,
)

ADMINISTRATOR = ":iam::aws:policy/AdministratorAccess"
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

CONTROL = Control(
    id="SSM-AC-001",
    file="ssm_ac_001",
    title="No principal has every permission",
    severity=Severity.CRITICAL,
    scope=ControlScope.GLOBAL,
    # 2: a condition given twice in different case is unknown. 3: one outcome a policy, no longer one a principal; AWS
    # managed policies are judged by their documents; roles that AWS made, and that only AWS can use, don't count.
    # 4: all of another partition is nothing.
    # Also roles of AFT, and of StackSets whose administrator is the management account, are known.
    # Also everything in several statements of one policy.
    version=4,
    regrouped=3,
    facts=DOCUMENT_FACTS,
    related=HOLDER_FACTS,
    container="arn:{p}:iam::{a}:*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks=security_hub.map_requirements("IAM.1", own={"CIS v3.0": ("1.16",), "CIS v5.0": ("1.15",)}),
    empty_reason="No user, group or role of the account has a policy.",
    remediation=Remediation(
        summary="Give each principal a policy that lists what it needs (IAM Access Analyzer can generate one from "
        "CloudTrail), then detach the wide policy with the line for the principal's kind, or delete it if it is inline.",
        cli=DETACH_COMMANDS + "\naws iam delete-role-policy --role-name {name} --policy-name POLICY_NAME",
        code='resource "aws_iam_role_policy_attachment" "needed" {\n  role       = "{name}"\n'
        "  policy_arn = aws_iam_policy.only_what_is_needed.arn\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    try:
        outcome = judge_documents(resource, _find_everything, "It doesn't allow every action on every resource.")
    except GapError:
        if not resource.arn.endswith(ADMINISTRATOR):
            raise
        # The name of this policy is enough, even if AWS refused its document.
        policy = parse_policy(EVERYTHING, IDENTITY_POLICY, get_partition(resource))
        holders = find_holders(resource, policy)
        if holders.are_all_of_aws:
            raise
        return failed(describe_problem(resource, "AdministratorAccess", _find_everything(policy), holders))
    if outcome.verdict is Verdict.FAIL and resource.type == "iam.policy" and not list_holders(resource):
        return _judge_unattached(resource)
    return outcome


def _judge_unattached(resource: ResourceView) -> Outcome:
    """GapError if it isn't known whether a principal has the policy."""
    policy = resource.look_up(resource.type, resource.arn)
    if policy is not None:
        _ = policy["attached_to"]
    return not_applicable("It allows every action on every resource, and no principal has it.")


def _find_everything(policy: Policy) -> str:
    return "allows every action on every resource" if allows_everything(policy) else ""


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Detach a managed policy, delete the inline ones that are wide."""
    if resource.type == AWS_POLICY:
        return fixes.narrow_documents(resource, _find_everything, ())
    if resource.type == "iam.policy":
        return (fixes.set_facts(resource, attached_to=[]),)
    narrow = [each for each in resource["policies"] if not _allows_all(resource, each.get("document"))]
    return (fixes.set_facts(resource, policies=narrow),)


def _allows_all(resource: ResourceView, document: Any) -> bool:
    return allows_everything(parse_policy(document, IDENTITY_POLICY, get_partition(resource)))


ACCOUNT, MANAGEMENT = "111122223333", "999900001111"
ARN = f"arn:aws:iam::{ACCOUNT}:role/app"
ALL_ARN = f"arn:aws:iam::{ACCOUNT}:policy/all"
ADMIN_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"
SOME = {"Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]}
ORGANIZATION = {"management_account": MANAGEMENT, "accounts": frozenset({ACCOUNT, MANAGEMENT})}
TOWER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/AWSControlTowerExecution"


def _make_trust(principal: object, action: object = "sts:AssumeRole", **more: object) -> dict[str, object]:
    return {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, **more}]}


def _make_union(action: object, resource: object = "*") -> dict[str, object]:
    """A policy that excludes IAM in one statement and allows it in another."""
    rest = {"Effect": "Allow", "NotAction": ["iam:*", "account:*"], "Resource": "*"}
    return {"Statement": [rest, {"Effect": "Allow", "Action": action, "Resource": resource}]}


MANAGED = _make_trust({"AWS": f"arn:aws:iam::{MANAGEMENT}:root"})


def _managed_case(
    name: str, verdict: Verdict, document: object, *held_by: str, arn: str = ALL_ARN, trust: object = None, **more: Any
) -> Case:
    """held_by: ARNs of principals; trust: that of each of them."""
    type = AWS_POLICY if ":iam::aws:" in arn else "iam.policy"
    facts = {"name": arn.rpartition("/")[2], "document": document}
    attached = more.pop("attached_to", list(held_by))
    related = {type: {arn: {"attached_to": attached}}, "iam.principal": {each: {"trust": trust} for each in held_by}}
    context = ORGANIZATION | {"partition": arn.split(":")[1]}
    return Case(name, verdict, facts, type=type, arn=arn, region="global", related=related, context=context, **more)


def _inline_case(name: str, verdict: Verdict, policies: object, arn: str = ARN, trust: object = None) -> Case:
    principals = {arn: {"trust": trust}}
    return Case(
        name,
        verdict,
        {"policies": policies},
        type="iam.inline",
        arn=arn,
        region="global",
        related={"iam.principal": principals},
        context=ORGANIZATION,
    )


CASES = [
    _managed_case("a narrow policy", Verdict.PASS, SOME, ARN),
    _managed_case("a policy that allows all", Verdict.FAIL, EVERYTHING, ARN, reason_has="Attached to role/app."),
    _managed_case(
        "all of another partition",
        Verdict.PASS,
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws-cn:*"}]},
        ARN,
    ),
    _managed_case("all but IAM, and IAM", Verdict.FAIL, _make_union("iam:*"), ARN),
    _managed_case("all but IAM, and all by name", Verdict.FAIL, _make_union(["*:Get*", "IAM:*"]), ARN),
    _managed_case("all but IAM, and a part of it", Verdict.PASS, _make_union("iam:Get*"), ARN),
    _managed_case("all but IAM, and IAM of one path", Verdict.PASS, _make_union("iam:*", f"{ARN}/*"), ARN),
    _managed_case("no principal has it", Verdict.NOT_APPLICABLE, EVERYTHING),
    _managed_case("its holders were refused", Verdict.UNKNOWN, EVERYTHING, attached_to=GAP),
    _managed_case("the document was refused", Verdict.UNKNOWN, GAP, ARN),
    _managed_case("a document that is not a policy", Verdict.UNKNOWN, {"Statement": "x"}, ARN),
    _managed_case("AdministratorAccess", Verdict.FAIL, EVERYTHING, ARN, arn=ADMIN_ARN, reason_has="role/app"),
    _managed_case("AdministratorAccess, its document refused", Verdict.FAIL, GAP, ARN, arn=ADMIN_ARN),
    _managed_case(
        "AdministratorAccess in another partition",
        Verdict.FAIL,
        GAP,
        ARN,
        arn=ADMIN_ARN.replace("aws:iam", "aws-cn:iam"),
    ),
    _managed_case("another policy of AWS's", Verdict.PASS, SOME, ARN, arn=f"{ADMIN_ARN}-Amplify"),
    _managed_case("another one, not read", Verdict.UNKNOWN, GAP, ARN, arn=f"{ADMIN_ARN}-Amplify"),
    _managed_case(
        "Control Tower's role alone",
        Verdict.PASS,
        EVERYTHING,
        TOWER_ROLE,
        arn=ADMIN_ARN,
        trust=MANAGED,
        reason_has="AWSControlTowerExecution (AWS Control Tower)",
    ),
    _managed_case(
        "Control Tower's role beside another",
        Verdict.FAIL,
        EVERYTHING,
        TOWER_ROLE,
        ARN,
        arn=ADMIN_ARN,
        trust=MANAGED,
        reason_has="Not counted",
    ),
    _managed_case(
        "the name without the trust",
        Verdict.FAIL,
        EVERYTHING,
        TOWER_ROLE,
        arn=ADMIN_ARN,
        trust=_make_trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
    ),
    _managed_case("the trust was refused", Verdict.UNKNOWN, EVERYTHING, TOWER_ROLE, arn=ADMIN_ARN, trust=GAP),
    _managed_case(
        "other holders may be hidden",
        Verdict.UNKNOWN,
        EVERYTHING,
        TOWER_ROLE,
        arn=ADMIN_ARN,
        trust=MANAGED,
        related_gaps=(AWS_POLICY,),
    ),
    _inline_case("an inline policy allows all", Verdict.FAIL, [{"name": "own", "document": EVERYTHING}]),
    _inline_case("a narrow inline policy", Verdict.PASS, [{"name": "own", "document": SOME}]),
    _inline_case(
        "the inline policy of the role that Organizations makes",
        Verdict.PASS,
        [{"name": "AdministratorAccess", "document": EVERYTHING}],
        f"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole",
        MANAGED,
    ),
    _inline_case("the inline policies were refused", Verdict.UNKNOWN, GAP),
]
