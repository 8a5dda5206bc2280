"""Conditions that hold for whatever is asked, and so limit nothing."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from scans.networks import is_everywhere
from scans.policies.globs import covers, is_every_arn, is_wild, tokens
from scans.policies.model import Condition

# IAM user guide, condition operators: reference_policies_elements_condition_operators.html
WITH_WILDCARDS = ("stringlike", "arnequals", "arnlike")
NEGATED = frozenset({
    "stringnotequals", "stringnotequalsignorecase", "stringnotlike", "numericnotequals", "datenotequals",
    "arnnotequals", "arnnotlike", "notipaddress",
})  # fmt: skip
# What every value of such a key begins with: a pattern that asks for no more than that matches all of them.
PREFIXES = {
    **dict.fromkeys(("kms:resourcealiases", "kms:requestalias"), "alias/"),
    **dict.fromkeys(("aws:principalorgid", "aws:resourceorgid", "aws:sourceorgid"), "o-"),
    **dict.fromkeys(("aws:principalorgpaths", "aws:resourceorgpaths", "aws:sourceorgpaths"), "o-"),
}
# Keys that say how or from where a request comes, and neither who asks nor for what.
WAYS = frozenset({
    "aws:securetransport", "s3:tlsversion", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpceaccount",
    "aws:vpceorgid", "aws:vpceorgpaths", "aws:useragent", "aws:referer", "aws:currenttime", "aws:epochtime",
})  # fmt: skip
HUGE = Decimal(10) ** 9


def holds_without_key(condition: Condition, *, always_there: bool = False) -> bool:
    """Does it hold for a request that lacks the key? always_there: there is no such request."""
    return (condition.if_exists and not always_there) or condition.each == "forallvalues"


def matches_anything(condition: Condition, value: str) -> bool:
    """Does one value of a positive condition match whatever the key says?"""
    if value.lower().replace(" ", "") == f"${{{condition.key}}}":
        return True  # compared with itself
    if condition.operator not in WITH_WILDCARDS:
        return False
    pattern = tokens(value)
    if is_wild(pattern):
        return True
    prefix = PREFIXES.get(condition.key, "")
    if prefix and (is_wild(tokens(value.removeprefix(prefix))) or covers(pattern, tokens(f"{prefix}?*"))):
        return True
    return (condition.operator.startswith("arn") or value.startswith("arn:")) and is_every_arn(value)


def limits_nothing(condition: Condition) -> bool:
    """May the condition hold for any request, or only say how and from where it comes?

    A condition on a way in (transport, network, time) leaves everybody and everything that is asked for as it was."""
    if holds_without_key(condition) or condition.key in WAYS:
        return True
    operator, values = condition.operator, condition.values
    if operator in NEGATED or operator == "null" or operator.startswith("date"):
        return True
    if operator == "bool":
        return len({value.lower() for value in values}) > 1
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
        return number >= HUGE
    return operator.startswith("numericgreater") and number <= 0
