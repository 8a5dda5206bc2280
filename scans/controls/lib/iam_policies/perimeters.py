"""Assesses conditions that limit an open statement to the own organization."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from enum import StrEnum

from scans.controls.lib.iam_policies.model import Condition, Statement
from scans.domain.evidence import Context

ACCOUNT_KEYS = (
    "aws:principalaccount",
    "aws:sourceaccount",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "aws:vpceaccount",
)
ORGANIZATION_KEYS = ("aws:principalorgid", "aws:sourceorgid", "aws:vpceorgid")
PATH_KEYS = ("aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths")
PRINCIPAL_ARN_KEY = "aws:principalarn"
ARN_KEYS = ("aws:sourcearn", PRINCIPAL_ARN_KEY, "aws:sourcevpcarn", "s3:dataaccesspointarn")
# The id of a network doesn't show its owner. Keys that name a service (kms:ViaService, aws:CalledVia) or an address
# are missing on purpose: they limit the route of a request, and any principal can use it. KMS developer guide, condition
# keys:
# kms/latest/developerguide/conditions-kms.html; IAM user guide, reference_policies_condition-keys.html
NETWORK_KEYS = ("aws:sourcevpc", "aws:sourcevpce")
# In a Deny: the condition holds for all that isn't named, and for requests without the key.
NEGATIVE_OPERATORS = ("stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike")
# The unique id of a user or role, whose account it doesn't show.
USER_ID_KEY = "aws:userid"
UNIQUE_ID_OF_ONE = re.compile(r"A[A-Z0-9]{11,}(?::|$)")
POSITIVE_OPERATORS = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")
ACCOUNT = re.compile(r"\d{12}")
ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
NETWORK = re.compile(r"vpce?-[0-9a-z]+")
# Variables for the account and organization of the resource that has the policy. They count like ids; a variable for
# the caller (${aws:PrincipalAccount}) lets every caller through. Names of variables are case-insensitive. A variable may
# have a default (${aws:ResourceOrgID, 'o-example'}), and it is unknown here whether the default applies. IAM user guide, policy variables and the condition keys aws:ResourceAccount and aws:ResourceOrgID.
OWN_ACCOUNT = re.compile(r"\$\{\s*aws:resourceaccount\s*\}", re.IGNORECASE)
OWN_ORGANIZATION = re.compile(r"\$\{\s*aws:resourceorgid\s*\}", re.IGNORECASE)
OWN_MARKER = "own"
WITH_DEFAULT = re.compile(r"\$\{\s*aws:resource(?:account|orgid)\s*,", re.IGNORECASE)


class Perimeter(StrEnum):
    CLOSED = "closed"  # only the own organization, account or network gets through
    OPEN = "open"
    UNKNOWN = "unknown"  # it names an organization, account or network of unknown ownership


def assess_perimeter(statement: Statement, context: Context, networks: AbstractSet[str] = frozenset()) -> Perimeter:
    """Assesses the statement's conditions together: all must hold, so one that is closed is enough.

    networks: ids of VPCs and VPC endpoints that are known to be the organization's own."""
    found = {_assess_condition(condition, context, networks) for condition in statement.conditions}
    for answer in (Perimeter.CLOSED, Perimeter.UNKNOWN):
        if answer in found:
            return answer
    return Perimeter.OPEN


def assess_exemption(statement: Statement, context: Context, networks: AbstractSet[str] = frozenset()) -> Perimeter:
    """What a Deny for everyone lets through: CLOSED if it denies every principal outside the organization.

    All conditions of a Deny must hold, so each one must hold for every outsider."""
    found = {_assess_exempting_condition(condition, context, networks) for condition in statement.conditions}
    for answer in (Perimeter.OPEN, Perimeter.UNKNOWN):
        if answer in found:
            return answer
    return Perimeter.CLOSED


def _assess_exempting_condition(condition: Condition, context: Context, networks: AbstractSet[str]) -> Perimeter:
    if condition.key == "aws:principalisawsservice":
        asked = {value.lower() for value in condition.values}
        if condition.operator != "bool" or "false" not in asked:
            return Perimeter.OPEN
        # Anonymous requests lack the key, so without IfExists they aren't denied. IAM user guide:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        return Perimeter.CLOSED if condition.if_exists else Perimeter.UNKNOWN
    # ForAnyValue: also fails to deny a request without the key.
    if condition.operator not in NEGATIVE_OPERATORS or condition.each == "foranyvalue" or not condition.values:
        return Perimeter.OPEN
    if condition.key == USER_ID_KEY:
        return Perimeter.UNKNOWN
    return _assess_values(condition, context, networks)


def list_named_networks(statement: Statement) -> tuple[str, ...]:
    """The ids of VPCs and VPC endpoints that its conditions name: those let in, or in a Deny those left alone."""
    operators = POSITIVE_OPERATORS if statement.allow else NEGATIVE_OPERATORS
    named = (c.values for c in statement.conditions if c.key in NETWORK_KEYS and c.operator in operators)
    return tuple(dict.fromkeys(value for values in named for value in values))


def list_foreign_sources(statement: Statement, context: Context, trusted: AbstractSet[str] = frozenset()) -> list[str]:
    """The accounts and organizations outside the own one for which a condition lets a service act.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"""
    named = [(c.key, value) for c in statement.conditions if c.operator in POSITIVE_OPERATORS for value in c.values]
    found = [_find_foreign_source(key, value, context, trusted) for key, value in named]
    return list(dict.fromkeys(source for source in found if source))


def _find_foreign_source(key: str, value: str, context: Context, trusted: AbstractSet[str]) -> str:
    fields = value.split(":", 5)
    account = value if key == "aws:sourceaccount" else fields[4] if key == "aws:sourcearn" and len(fields) == 6 else ""
    if ACCOUNT.fullmatch(account):
        return "" if account in context.accounts | {context.account} | trusted else f"the account {account}"
    organization = value.partition("/")[0] if key in ("aws:sourceorgid", "aws:sourceorgpaths") else ""
    known = ORGANIZATION.fullmatch(organization) and organization != context.organization
    return f"the organization {organization}" if known else ""


def _assess_condition(condition: Condition, context: Context, networks: AbstractSet[str]) -> Perimeter:
    asks = condition.operator in POSITIVE_OPERATORS and not condition.if_exists and condition.each != "forallvalues"
    if not asks or not condition.values:
        return Perimeter.OPEN
    if condition.key == USER_ID_KEY and all(map(UNIQUE_ID_OF_ONE.match, condition.values)):
        return Perimeter.UNKNOWN
    return _assess_values(condition, context, networks)


def _assess_values(condition: Condition, context: Context, networks: AbstractSet[str]) -> Perimeter:
    """Any of a condition's values lets a request through, so every value must be the organization's own."""
    answers = {_assess_value(condition, value, context, networks) for value in condition.values}
    for answer in (Perimeter.OPEN, Perimeter.UNKNOWN):
        if answer in answers:
            return answer
    return Perimeter.CLOSED


def _assess_value(condition: Condition, value: str, context: Context, networks: AbstractSet[str]) -> Perimeter:
    key = condition.key
    if WITH_DEFAULT.search(value):
        return Perimeter.UNKNOWN
    if key in NETWORK_KEYS:
        return _assess_network(value, networks)
    if key in ACCOUNT_KEYS:
        return _assess_account(value, context)
    if key in ARN_KEYS:
        return _assess_arn(condition, OWN_ACCOUNT.sub(OWN_MARKER, value).split(":", 5), context)
    if key in ORGANIZATION_KEYS:
        return _assess_organization(value, context)
    if key in PATH_KEYS:
        return _assess_organization(value.split("/", 1)[0], context)
    return Perimeter.OPEN


def _assess_arn(condition: Condition, fields: list[str], context: Context) -> Perimeter:
    """A text's star, unlike an ARN's, also matches colons, and a role's path may hold any text with them.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-friendly-names"""
    if len(fields) < 6:
        return Perimeter.OPEN
    loose = condition.operator in ("stringlike", "stringnotlike") and condition.key == PRINCIPAL_ARN_KEY
    answer = _assess_account(fields[4], context)
    if answer is Perimeter.CLOSED and loose and any("*" in field for field in fields[:4]):
        return Perimeter.UNKNOWN
    return answer


def _assess_account(value: str, context: Context) -> Perimeter:
    if OWN_ACCOUNT.sub(OWN_MARKER, value) == OWN_MARKER:
        return Perimeter.CLOSED
    if not ACCOUNT.fullmatch(value):
        return Perimeter.OPEN
    if value == context.account or value in context.accounts:
        return Perimeter.CLOSED
    return Perimeter.OPEN if context.accounts else Perimeter.UNKNOWN


def _assess_network(value: str, networks: AbstractSet[str]) -> Perimeter:
    """A pattern is open: it matches networks of other accounts, existing or future."""
    if value in networks:
        return Perimeter.CLOSED
    return Perimeter.UNKNOWN if NETWORK.fullmatch(value) else Perimeter.OPEN


def _assess_organization(value: str, context: Context) -> Perimeter:
    if OWN_ORGANIZATION.fullmatch(value):
        return Perimeter.CLOSED
    if "*" in value or "?" in value or "${" in value:
        return Perimeter.OPEN
    if not context.organization:
        return Perimeter.UNKNOWN
    return Perimeter.CLOSED if value == context.organization else Perimeter.OPEN
