"""What a bucket policy refuses to everybody."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from scans.controls.lib.iam_policies.globs import STAR, Tokens, covers, literal, overlaps, tokens
from scans.controls.lib.iam_policies.model import Condition, Policy, Statement
from scans.controls.lib.iam_policies.principals import is_everyone

Test = Callable[[Condition], bool]
S3 = tokens("s3:*")


def denies_insecure_transport(policy: Policy, bucket_arn: str) -> bool:
    """Is every request over plain HTTP to the bucket and to its objects denied, whoever asks?"""
    return _denied(policy, bucket_arn, _is_plain_http)


def denies_old_tls(policy: Policy, bucket_arn: str) -> bool:
    """Is every request with a TLS version below 1.2 denied, whoever asks?"""
    return _denied(policy, bucket_arn, _is_old_tls)


def _denied(policy: Policy, bucket_arn: str, test: Test) -> bool:
    """The bucket and its objects may be covered by one statement or by two."""
    denies = [deny for deny in policy.denies if _is_for_all(deny, test)]
    both = (literal(bucket_arn), (*literal(bucket_arn), "/", STAR))
    return all(any(_speaks_of(deny, part) for deny in denies) for part in both)


def _speaks_of(deny: Statement, part: Tokens) -> bool:
    if deny.not_resources is not None:
        return not any(overlaps(tokens(pattern), part) for pattern in deny.not_resources)
    return any(covers(tokens(pattern), part) for pattern in deny.resources or ())


def _is_for_all(deny: Statement, test: Test) -> bool:
    """Conditions add up: a second one would leave some requests undenied. None denies them all."""
    if deny.not_actions is not None:
        every_action = not any(overlaps(tokens(action.lower()), S3) for action in deny.not_actions)
    else:
        every_action = any(covers(tokens(action.lower()), S3) for action in deny.actions or ())
    return every_action and is_everyone(deny) and all(test(condition) for condition in deny.conditions)


def _is_plain_http(condition: Condition) -> bool:
    named = condition.operator == "bool" and condition.key == "aws:securetransport" and not condition.each
    return named and "false" in {value.lower() for value in condition.values}


def _is_old_tls(condition: Condition) -> bool:
    if condition.key != "s3:tlsversion" or condition.each:
        return False
    versions = [_number(value) for value in condition.values]
    highest = max((version for version in versions if version is not None), default=None)
    if highest is None:
        return False
    if condition.operator == "numericlessthan":
        return highest >= Decimal("1.2")
    return condition.operator == "numericlessthanequals" and highest >= Decimal("1.1")


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
