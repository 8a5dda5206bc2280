"""Finds what a bucket policy denies to every principal."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from scans.controls.lib.iam_policies.globs import STAR, Tokens, glob_covers, glob_overlaps, parse_glob, parse_literal
from scans.controls.lib.iam_policies.model import Condition, Policy, Statement
from scans.controls.lib.iam_policies.principals import is_everyone

ConditionTest = Callable[[Condition], bool]
ALL_S3_ACTIONS = parse_glob("s3:*")


def denies_insecure_transport(policy: Policy, bucket_arn: str) -> bool:
    """Whether every request over plain HTTP to the bucket and its objects is denied, for every principal."""
    return _is_always_denied(policy, bucket_arn, _is_plain_http)


def denies_old_tls(policy: Policy, bucket_arn: str) -> bool:
    """Whether every request with a TLS version below 1.3 is denied, for every principal."""
    return _is_always_denied(policy, bucket_arn, _is_old_tls)


def _is_always_denied(policy: Policy, bucket_arn: str, test: ConditionTest) -> bool:
    """The bucket and its objects may be covered by one statement or by two."""
    denies = [deny for deny in policy.deny_statements if _denies_everyone(deny, test)]
    both = (parse_literal(bucket_arn), (*parse_literal(bucket_arn), "/", STAR))
    return all(any(_covers_resources(deny, part) for deny in denies) for part in both)


def _covers_resources(deny: Statement, part: Tokens) -> bool:
    if deny.not_resources is not None:
        return not any(glob_overlaps(parse_glob(pattern), part) for pattern in deny.not_resources)
    return any(glob_covers(parse_glob(pattern), part) for pattern in deny.resources or ())


def _denies_everyone(deny: Statement, test: ConditionTest) -> bool:
    """Whether a Deny covers all actions and principals under exactly the tested condition, or without any.

    All conditions of a statement must hold, so a second one would leave some requests allowed."""
    if deny.not_actions is not None:
        every_action = not any(glob_overlaps(parse_glob(action.lower()), ALL_S3_ACTIONS) for action in deny.not_actions)
    else:
        every_action = any(glob_covers(parse_glob(action.lower()), ALL_S3_ACTIONS) for action in deny.actions or ())
    return every_action and is_everyone(deny) and all(test(condition) for condition in deny.conditions)


def _is_plain_http(condition: Condition) -> bool:
    named = condition.operator == "bool" and condition.key == "aws:securetransport" and not condition.each
    return named and "false" in {value.lower() for value in condition.values}


def _is_old_tls(condition: Condition) -> bool:
    if condition.key != "s3:tlsversion" or condition.each:
        return False
    versions = [_parse_number(value) for value in condition.values]
    highest = max((version for version in versions if version is not None), default=None)
    if highest is None:
        return False
    if condition.operator == "numericlessthan":
        return highest >= Decimal("1.3")
    return condition.operator == "numericlessthanequals" and highest >= Decimal("1.2")


def _parse_number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
