"""Recognizes conditions that limit nothing, because every request meets them."""

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
# The prefix of every value of such a key: a pattern that requires nothing more matches all of them.
VALUE_PREFIXES = {
    **dict.fromkeys(("kms:resourcealiases", "kms:requestalias"), "alias/"),
    **dict.fromkeys(("aws:principalorgid", "aws:resourceorgid", "aws:sourceorgid"), "o-"),
    **dict.fromkeys(("aws:principalorgpaths", "aws:resourceorgpaths", "aws:sourceorgpaths"), "o-"),
}
# The ARNs that such a key can have, after the partition: a pattern that matches all of them limits nothing. For the
# encryption contexts: systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html and
# AmazonS3/latest/userguide/UsingKMSEncryption.html
ARN_PATTERNS = {
    "aws:principalarn": "iam::*:*",
    "kms:encryptioncontext:parameter_arn": "ssm:*:*:parameter/*",
    "kms:encryptioncontext:aws:s3:arn": "s3:::*",
}
# Keys for how, from where or to which region a request comes, not for its principal or resource. The region limits
# nothing at an endpoint: only requests to its own region pass through it.
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
# Keys that are false for every principal except AWS services.
SERVICE_ONLY_KEYS = frozenset({"aws:viaawsservice", "aws:principalisawsservice"})
# "Less than" this, or "greater than" 0, holds for every number that AWS compares: no limit.
HUGE_NUMBER = Decimal(10) ** 9


def holds_without_key(condition: Condition, *, always_there: bool = False) -> bool:
    """Whether it holds for a request that lacks the key. always_there: no request lacks it."""
    return (condition.if_exists and not always_there) or condition.each == "forallvalues"


def matches_anything(condition: Condition, value: str) -> bool:
    """Whether one value of a positive condition matches every value of its key."""
    if value.lower().replace(" ", "") == f"${{{condition.key}}}":
        return True  # the key compared with itself
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
    """Whether the condition may hold for any principal and resource.

    A condition on the route alone (transport, network, time) limits neither principals nor resources."""
    if holds_without_key(condition) or condition.key in REQUEST_ROUTE_KEYS:
        return True
    operator, values = condition.operator, condition.values
    if operator in NEGATED_OPERATORS or operator == "null" or operator.startswith("date"):
        return True
    if operator == "bool":
        asked = {value.lower() for value in values}
        # true and false together match every request.
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
