"""Conditions that keep strangers out of a statement that names everybody."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from enum import StrEnum

from scans.controls.lib.iam_policies.model import Condition, Statement
from scans.domain.evidence import Context

ACCOUNT_KEYS = (
    "aws:principalaccount", "aws:sourceaccount", "kms:calleraccount", "s3:dataaccesspointaccount", "aws:vpceaccount",
)  # fmt: skip
ORGANIZATION_KEYS = ("aws:principalorgid", "aws:sourceorgid", "aws:vpceorgid")
PATH_KEYS = ("aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths")
ARN_KEYS = ("aws:sourcearn", "aws:principalarn", "aws:sourcevpcarn")
# Whose a network is, its id doesn't tell. Keys that name a service (kms:ViaService, aws:CalledVia) or an address are
# not here: they say by which way a request comes, and anybody can come that way. KMS developer guide, condition keys:
# kms/latest/developerguide/conditions-kms.html; IAM user guide, reference_policies_condition-keys.html
NETWORK_KEYS = ("aws:sourcevpc", "aws:sourcevpce")
POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")
ACCOUNT = re.compile(r"\d{12}")
NETWORK = re.compile(r"vpce?-[0-9a-z]+")
# Variables for the account and organization of what the policy stands on: its own, whatever that is. They hold where
# ids do; one that names the caller (${aws:PrincipalAccount}) lets every caller through. Names of variables don't mind
# their case. One may have a text for when it isn't there (${aws:ResourceOrgID, 'o-example'}), and whether it is isn't
# known here. IAM user guide, policy variables and the condition keys aws:ResourceAccount and aws:ResourceOrgID.
OWN_ACCOUNT = re.compile(r"\$\{\s*aws:resourceaccount\s*\}", re.IGNORECASE)
OWN_ORGANIZATION = re.compile(r"\$\{\s*aws:resourceorgid\s*\}", re.IGNORECASE)
OWN = "own"
WITH_DEFAULT = re.compile(r"\$\{\s*aws:resource(?:account|orgid)\s*,", re.IGNORECASE)


class Fence(StrEnum):
    CLOSED = "closed"  # only the own organization, account or network gets through
    OPEN = "open"
    UNKNOWN = "unknown"  # it names an organization, account or network, and whose isn't known


def fence(statement: Statement, context: Context, networks: AbstractSet[str] = frozenset()) -> Fence:
    """What the statement's conditions say together: all must hold, so one closed fence is enough.

    networks: ids of VPCs and VPC endpoints that are known to be the organization's own."""
    found = {_judge(condition, context, networks) for condition in statement.conditions}
    for answer in (Fence.CLOSED, Fence.UNKNOWN):
        if answer in found:
            return answer
    return Fence.OPEN


def is_fenced(statement: Statement, context: Context) -> bool:
    return fence(statement, context) is Fence.CLOSED


def named_networks(statement: Statement) -> tuple[str, ...]:
    """The ids of VPCs and VPC endpoints that its conditions name."""
    named = (c.values for c in statement.conditions if c.key in NETWORK_KEYS and c.operator in POSITIVE)
    return tuple(dict.fromkeys(value for values in named for value in values))


def _judge(condition: Condition, context: Context, networks: AbstractSet[str]) -> Fence:
    """A condition lets through whoever has any of its values, so each value must be ours."""
    asks = condition.operator in POSITIVE and not condition.if_exists and condition.each != "forallvalues"
    if not asks or not condition.values:
        return Fence.OPEN
    answers = {_value(condition.key, value, context, networks) for value in condition.values}
    for answer in (Fence.OPEN, Fence.UNKNOWN):
        if answer in answers:
            return answer
    return Fence.CLOSED


def _value(key: str, value: str, context: Context, networks: AbstractSet[str]) -> Fence:
    if WITH_DEFAULT.search(value):
        return Fence.UNKNOWN
    if key in NETWORK_KEYS:
        return _network(value, networks)
    if key in ACCOUNT_KEYS:
        return _account(value, context)
    if key in ARN_KEYS:
        fields = OWN_ACCOUNT.sub(OWN, value).split(":", 5)
        return _account(fields[4], context) if len(fields) == 6 else Fence.OPEN
    if key in ORGANIZATION_KEYS:
        return _organization(value, context)
    if key in PATH_KEYS:
        return _organization(value.split("/", 1)[0], context)
    return Fence.OPEN


def _account(value: str, context: Context) -> Fence:
    if OWN_ACCOUNT.sub(OWN, value) == OWN:
        return Fence.CLOSED
    if not ACCOUNT.fullmatch(value):
        return Fence.OPEN
    if value == context.account or value in context.accounts:
        return Fence.CLOSED
    return Fence.OPEN if context.accounts else Fence.UNKNOWN


def _network(value: str, networks: AbstractSet[str]) -> Fence:
    """A pattern takes in networks of others, made today or tomorrow."""
    if value in networks:
        return Fence.CLOSED
    return Fence.UNKNOWN if NETWORK.fullmatch(value) else Fence.OPEN


def _organization(value: str, context: Context) -> Fence:
    if OWN_ORGANIZATION.fullmatch(value):
        return Fence.CLOSED
    if "*" in value or "?" in value or "${" in value:
        return Fence.OPEN
    if not context.organization:
        return Fence.UNKNOWN
    return Fence.CLOSED if value == context.organization else Fence.OPEN
