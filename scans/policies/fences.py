"""Conditions that keep strangers out of a statement that names everybody."""

from __future__ import annotations

import re
from enum import StrEnum

from scans.evidence import Context
from scans.policies.globs import STAR, covers, tokens
from scans.policies.model import Condition, Statement

ACCOUNT_KEYS = ("aws:principalaccount", "aws:sourceaccount", "kms:calleraccount", "s3:dataaccesspointaccount")
ORGANIZATION_KEYS = ("aws:principalorgid", "aws:sourceorgid")
PATH_KEYS = ("aws:principalorgpaths", "aws:sourceorgpaths")
ARN_KEYS = ("aws:sourcearn", "aws:principalarn")
PLACE_KEYS = ("kms:viaservice", "aws:sourcevpc", "aws:sourcevpce")
POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")
ACCOUNT = re.compile(r"\d{12}")
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
    UNKNOWN = "unknown"  # it names an organization or account, and whose isn't known


def fence(statement: Statement, context: Context) -> Fence:
    """What the statement's conditions say together: all must hold, so one closed fence is enough."""
    found = {_judge(condition, context) for condition in statement.conditions}
    for answer in (Fence.CLOSED, Fence.UNKNOWN):
        if answer in found:
            return answer
    return Fence.OPEN


def is_fenced(statement: Statement, context: Context) -> bool:
    return fence(statement, context) is Fence.CLOSED


def _judge(condition: Condition, context: Context) -> Fence:
    """A condition lets through whoever has any of its values, so each value must be ours."""
    asks = condition.operator in POSITIVE and not condition.if_exists and condition.each != "forallvalues"
    if not asks or not condition.values:
        return Fence.OPEN
    answers = {_value(condition.key, value, context) for value in condition.values}
    for answer in (Fence.OPEN, Fence.UNKNOWN):
        if answer in answers:
            return answer
    return Fence.CLOSED


def _value(key: str, value: str, context: Context) -> Fence:
    if WITH_DEFAULT.search(value):
        return Fence.UNKNOWN
    if key in PLACE_KEYS:
        return Fence.OPEN if covers(tokens(value), (STAR,)) else Fence.CLOSED
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


def _organization(value: str, context: Context) -> Fence:
    if OWN_ORGANIZATION.fullmatch(value):
        return Fence.CLOSED
    if "*" in value or "?" in value or "${" in value:
        return Fence.OPEN
    if not context.organization:
        return Fence.UNKNOWN
    return Fence.CLOSED if value == context.organization else Fence.OPEN
