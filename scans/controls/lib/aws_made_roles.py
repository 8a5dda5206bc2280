"""Tells roles that AWS makes in an account from roles that have only such a name. Pure.

AWS Organizations, Control Tower, its Account Factory for Terraform (AFT), CloudFormation StackSets and IAM Identity
Center make roles with every permission in member accounts. A name and a path prove nothing, since most of them can be
taken: what counts is which principals the role's trust policy admits.

Sources: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html,
https://docs.aws.amazon.com/controltower/latest/userguide/roles-how.html,
https://docs.aws.amazon.com/controltower/latest/userguide/aft-required-roles.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-activate-trusted-access.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html,
https://docs.aws.amazon.com/singlesignon/latest/userguide/using-service-linked-roles.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapError, GapKind
from scans.controls.lib.iam_policies.model import Condition, Policy, PolicyError, Statement, parse_policy
from scans.domain.control import ResourceView
from scans.domain.evidence import GLOBAL, Context

ASSUME, ASSUME_WITH_SAML = "sts:assumerole", "sts:assumerolewithsaml"
BESIDE = frozenset(
    {"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"}
)  # they admit no principal by themselves
STACK_SETS = (
    "role/aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"
)
# Where StackSets have self-managed permissions, the administrator account's role assumes one in each target account.
STACK_SET_ADMINISTRATION = "role/AWSCloudFormationStackSetAdministrationRole"
# AFT's management account is a member. Its session has this name always.
AFT_ADMIN, AFT_SESSION = "role/AWSAFTAdmin", "assumed-role/AWSAFTAdmin/AWSAFT-Session"
SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
# IAM Identity Center's provider in each account, and the sign-in that it issues assertions for, in every partition.
PROVIDER = re.compile(r"saml-provider/AWSSSO_[0-9a-f]+_DO_NOT_DELETE")
AUDIENCE = re.compile(
    r"https://([a-z0-9-]+\.)?signin\.(aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn|amazonaws\.com\.cn)/saml"
)
# Roles that Control Tower makes for services. None of them may do everything.
CONTROL_TOWER_ROLES = {
    "aws-controltower-ConfigRecorderRole": "config.amazonaws.com",
    "aws-controltower-ForwardSnsNotificationRole": "lambda.amazonaws.com",
    "aws-controltower-AuditAdministratorRole": "lambda.amazonaws.com",
    "aws-controltower-AuditReadOnlyRole": "lambda.amazonaws.com",
    "service-role/AWSControlTowerAdmin": "controltower.amazonaws.com",
    "service-role/AWSControlTowerStackSetRole": "cloudformation.amazonaws.com",
    "service-role/AWSControlTowerCloudTrailRole": "cloudtrail.amazonaws.com",
    "service-role/AWSControlTowerConfigAggregatorRoleForOrganizations": "config.amazonaws.com",
}

# Services that only do their own work with a role, so that no code and no person of the company's gets its credentials.
# Others pass them on: EC2, Lambda, ECS, Glue, SageMaker, DataZone, Systems Manager.
# https://docs.aws.amazon.com/aws-backup/latest/devguide/iam-service-roles.html,
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForScans.html,
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/EC2ImageBuilderExecutionPolicy.html
OWN_WORK_SERVICES = frozenset(
    {"backup.amazonaws.com", "malware-protection.guardduty.amazonaws.com", "imagebuilder.amazonaws.com"}
)


@dataclass(frozen=True, slots=True)
class Maker:
    """A kind of role. role: the end of its ARN. admits: whether a statement admits AWS alone.

    people: a permission set's, which the company writes. Only that it may allow everything is decided elsewhere.
    administers: whether AWS gives such a role everything."""

    name: str
    role: re.Pattern[str]
    admits: Callable[[Statement, Context], bool]
    people: bool = False
    administers: bool = True


def _admits_management_account(statement: Statement, context: Context) -> bool:
    return _admits_only(statement, ASSUME, lambda kind, value: kind == "AWS" and _is_management(value, context))


def _admits_stack_sets(statement: Statement, context: Context) -> bool:
    return _admits_only(
        statement,
        ASSUME,
        lambda kind, value: (
            kind == "AWS" and (_is_management(value, context) or _is_members(value, STACK_SETS, context))
        ),
    )


def _admits_stack_set_administration(statement: Statement, context: Context) -> bool:
    """The management account, or its role of StackSets. Of another account, the company decides who may use it."""
    role = f"arn:{context.partition}:iam::{context.management_account}:{STACK_SET_ADMINISTRATION}"
    return _admits_only(
        statement,
        ASSUME,
        lambda kind, value: (
            kind == "AWS"
            and (_is_management(value, context) or (value == role and context.account != context.management_account))
        ),
    )


def _admits_aft(statement: Statement, context: Context) -> bool:
    return _admits_only(
        statement,
        ASSUME,
        lambda kind, value: (
            kind == "AWS"
            and (_is_members(value, AFT_ADMIN, context) or _is_members(value, AFT_SESSION, context, service="sts"))
        ),
    )


def _admits_audit_role(statement: Statement, context: Context) -> bool:
    """The roles of Control Tower's audit account, which is a member. Which one it is can't be told from here."""
    names = ("role/aws-controltower-AuditAdministratorRole", "role/aws-controltower-AuditReadOnlyRole")
    return _admits_only(
        statement,
        ASSUME,
        lambda kind, value: kind == "AWS" and any(_is_members(value, name, context) for name in names),
    )


def _admits_services(statement: Statement, _context: Context) -> bool:
    return _admits_only(statement, ASSUME, lambda kind, value: kind == "Service" and bool(SERVICE.fullmatch(value)))


def _admit_service(name: str) -> Callable[[Statement, Context], bool]:
    return lambda statement, _context: _admits_only(
        statement, ASSUME, lambda kind, value: kind == "Service" and value in (name, f"{name}.cn")
    )


def _admits_identity_center(statement: Statement, context: Context) -> bool:
    prefix = f"arn:{context.partition}:iam::{context.account}:"
    own = _admits_only(
        statement,
        ASSUME_WITH_SAML,
        lambda kind, value: (
            kind == "Federated" and value.startswith(prefix) and bool(PROVIDER.fullmatch(value.removeprefix(prefix)))
        ),
    )
    return own and any(map(_is_sign_in, statement.conditions))


def _is_sign_in(condition: Condition) -> bool:
    named = condition.operator == "stringequals" and condition.key == "saml:aud"
    certain = not condition.if_exists and condition.each != "forallvalues"
    return named and certain and all(AUDIENCE.fullmatch(value) for value in condition.values)


MAKERS = (
    Maker("AWS Organizations", re.compile("role/OrganizationAccountAccessRole"), _admits_management_account),
    Maker("AWS Control Tower", re.compile("role/AWSControlTowerExecution"), _admits_management_account),
    Maker(
        "AWS Control Tower",
        re.compile("role/aws-controltower-(Administrator|ReadOnly)ExecutionRole"),
        _admits_audit_role,
    ),
    *(
        Maker("AWS Control Tower", re.compile(f"role/{name}"), _admit_service(service), administers=False)
        for name, service in CONTROL_TOWER_ROLES.items()
    ),
    Maker("CloudFormation StackSets", re.compile("role/stacksets-exec-[0-9A-Za-z]+"), _admits_stack_sets),
    Maker(
        "CloudFormation StackSets",
        re.compile("role/AWSCloudFormationStackSetExecutionRole"),
        _admits_stack_set_administration,
    ),
    Maker("AWS Control Tower", re.compile("role/AWSAFT(Execution|Service)"), _admits_aft),
    Maker(
        "IAM Identity Center",
        re.compile(r"role/aws-reserved/sso\.amazonaws\.com/([a-z0-9-]+/)?AWSReservedSSO_[\w+=,.@-]+_[0-9a-f]{16}"),
        _admits_identity_center,
        people=True,
    ),
    Maker(
        "an AWS service",
        re.compile(r"role/aws-service-role/[a-z0-9.-]+/[\w+=,.@-]+"),
        _admits_services,
        administers=False,
    ),
)


def find_maker(role: ResourceView) -> Maker | None:
    """Which part of AWS made a role, if its trust policy admits that part alone. None for every other principal.

    GapError if the trust policy could not be read, or the organization that it is compared with isn't known."""
    end = role.arn.split(":", 5)[-1]
    candidates = [maker for maker in MAKERS if maker.role.fullmatch(end)]
    if not candidates:
        return None
    try:
        trust = parse_policy(role["trust"])
    except PolicyError:
        return None  # what can't be understood isn't known to be AWS's
    return next((maker for maker in candidates if _admits_aws_alone(trust, maker, role.context)), None)


def list_own_work_services(role: ResourceView) -> tuple[str, ...]:
    """The services of AWS that alone can use a role, for work of their own. Empty for every other principal.

    GapError if the trust policy could not be read."""
    if not role.arn.split(":", 5)[-1].startswith("role/"):
        return ()
    try:
        allowed = parse_policy(role["trust"]).allow_statements
    except PolicyError:
        return ()
    if not allowed or not all(_admits_only(each, ASSUME, _is_own_work_service) for each in allowed):
        return ()
    return tuple(dict.fromkeys(value for each in allowed for _, value in each.principals or ()))


def _is_own_work_service(kind: str, value: str) -> bool:
    return kind == "Service" and value.removesuffix(".cn") in OWN_WORK_SERVICES


def _admits_aws_alone(trust: Policy, maker: Maker, context: Context) -> bool:
    allowed = trust.allow_statements
    return bool(allowed) and all(maker.admits(statement, context) for statement in allowed)


def _admits_only(statement: Statement, action: str, is_own: Callable[[str, str], bool]) -> bool:
    """Whether the statement allows nothing but this way in, and only to such principals. Conditions only narrow it."""
    actions = {each.lower() for each in statement.actions or ()}
    principals = statement.principals or ()
    return (
        action in actions and actions <= {action, *BESIDE} and bool(principals) and all(is_own(*p) for p in principals)
    )


def _is_management(value: str, context: Context) -> bool:
    """Whether it is the organization's management account as a whole. In that account itself, this would be any
    principal of one's own."""
    account = _parse_account_root(value, context.partition)
    if not account or account == context.account:
        return False
    if not context.management_account:
        raise GapError(Gap(GapKind.NOT_READ, "organizations.DescribeOrganization", "", GLOBAL, NOT_COLLECTED))
    return account == context.management_account


def _parse_account_root(value: str, partition: str) -> str:
    """The account of arn:aws:iam::ACCOUNT:root, which may be written as the bare number."""
    found = re.fullmatch(rf"(?:arn:{re.escape(partition)}:iam::)?(\d{{12}})(?::root)?", value)
    whole = found is not None and value in (found[1], f"arn:{partition}:iam::{found[1]}:root")
    return found[1] if found is not None and whole else ""


def _is_members(value: str, resource: str, context: Context, service: str = "iam") -> bool:
    """Whether it is this role, or a session of it, of an account of the organization."""
    found = re.fullmatch(rf"arn:{re.escape(context.partition)}:{service}::(\d{{12}}):{re.escape(resource)}", value)
    if found is None:
        return False
    if not context.accounts:
        raise GapError(Gap(GapKind.NOT_READ, "organizations.ListAccounts", "", GLOBAL, NOT_COLLECTED))
    return found[1] in context.accounts
