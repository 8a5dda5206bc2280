"""Conditions that hold for whatever is asked, and so limit nothing."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from scans.controls.lib.iam_policies.globs import glob_covers, is_all_wildcards, is_every_arn, parse_glob
from scans.controls.lib.iam_policies.model import Condition
from scans.controls.lib.networks import is_everywhere

# IAM user guide, condition operators: reference_policies_elements_condition_operators.html
WILDCARD_OPERATORS = ("stringlike", "arnequals", "arnlike")
NEGATED_OPERATORS = frozenset(
    {
        "stringnotequals",
        "stringnotequalsignorecase",
        "stringnotlike",
        "numericnotequals",
        "datenotequals",
        "arnnotequals",
        "arnnotlike",
        "notipaddress",
    }
)
# What every value of such a key begins with: a pattern that asks for no more than that matches all of them.
VALUE_PREFIXES = {
    **dict.fromkeys(("kms:resourcealiases", "kms:requestalias"), "alias/"),
    **dict.fromkeys(("aws:principalorgid", "aws:resourceorgid", "aws:sourceorgid"), "o-"),
    **dict.fromkeys(("aws:principalorgpaths", "aws:resourceorgpaths", "aws:sourceorgpaths"), "o-"),
}
# The ARNs that such a key holds, after the partition: a pattern that all of them match asks for nothing. Of the
# encryption contexts: systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html and
# AmazonS3/latest/userguide/UsingKMSEncryption.html
ARN_PATTERNS = {
    "aws:principalarn": "iam::*:*",
    "kms:encryptioncontext:parameter_arn": "ssm:*:*:parameter/*",
    "kms:encryptioncontext:aws:s3:arn": "s3:::*",
}
# Keys that say how, from where or to which region a request comes, and neither who asks nor for what: through an
# endpoint go only requests to its own region.
REQUEST_ROUTE_KEYS = frozenset(
    {
        "aws:securetransport",
        "s3:tlsversion",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourcevpcarn",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:useragent",
        "aws:referer",
        "aws:currenttime",
        "aws:epochtime",
        "aws:requestedregion",
    }
)
# Keys that are false for everybody but AWS services.
SERVICE_ONLY_KEYS = frozenset({"aws:viaawsservice", "aws:principalisawsservice"})
HUGE_NUMBER = Decimal(10) ** 9


def holds_without_key(condition: Condition, *, always_there: bool = False) -> bool:
    """Does it hold for a request that lacks the key? always_there: there is no such request."""
    return (condition.if_exists and not always_there) or condition.each == "forallvalues"


def matches_anything(condition: Condition, value: str) -> bool:
    """Does one value of a positive condition match whatever the key says?"""
    if value.lower().replace(" ", "") == f"${{{condition.key}}}":
        return True  # compared with itself
    if condition.operator not in WILDCARD_OPERATORS:
        return False
    pattern = parse_glob(value)
    if is_all_wildcards(pattern):
        return True
    prefix = VALUE_PREFIXES.get(condition.key, "")
    if prefix and (
        is_all_wildcards(parse_glob(value.removeprefix(prefix))) or glob_covers(pattern, parse_glob(f"{prefix}?*"))
    ):
        return True
    if not (condition.operator.startswith("arn") or value.startswith("arn:")):
        return False
    return is_every_arn(value) or _is_every_arn_of(condition.key, value)


def _is_every_arn_of(key: str, value: str) -> bool:
    fields = value.split(":", 2)
    if key not in ARN_PATTERNS or len(fields) < 3:
        return False
    return glob_covers(parse_glob(value), parse_glob(f"arn:{fields[1]}:{ARN_PATTERNS[key]}"))


def limits_nothing(condition: Condition) -> bool:
    """May the condition hold for any request, or only say how and from where it comes?

    A condition on a way in (transport, network, time) leaves everybody and everything that is asked for as it was."""
    if holds_without_key(condition) or condition.key in REQUEST_ROUTE_KEYS:
        return True
    operator, values = condition.operator, condition.values
    if operator in NEGATED_OPERATORS or operator == "null" or operator.startswith("date"):
        return True
    if operator == "bool":
        asked = {value.lower() for value in values}
        return len(asked) > 1 or (condition.key in SERVICE_ONLY_KEYS and asked == {"false"})
    if operator == "ipaddress":
        return any(is_everywhere(value) for value in values)
    if operator.startswith("numeric"):
        return any(_is_every_number(operator, value) for value in values)
    return any(matches_anything(condition, value) for value in values)


def _is_every_number(operator: str, value: str) -> bool:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    if operator.startswith("numericless"):
        return number >= HUGE_NUMBER
    return operator.startswith("numericgreater") and number <= 0
