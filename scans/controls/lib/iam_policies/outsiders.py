"""Tells whether the Denies of a resource's policy keep principals outside the organization from what an Allow grants."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from scans.controls.lib.iam_policies.globs import STAR, Tokens, glob_covers, glob_overlaps, parse_glob, parse_literal
from scans.controls.lib.iam_policies.grants import refuse_too_many
from scans.controls.lib.iam_policies.model import Policy, Statement
from scans.controls.lib.iam_policies.perimeters import Perimeter, assess_exemption
from scans.controls.lib.iam_policies.principals import is_everyone, list_foreign_accounts, list_unknown_principals
from scans.domain.evidence import Context

EVERYTHING: tuple[Tokens, ...] = ((STAR,),)
WORST_FIRST = (Perimeter.OPEN, Perimeter.UNKNOWN, Perimeter.CLOSED)
# Condition keys by which S3 doesn't tell whether a policy is public: they name no fixed principal, account or network.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
KEYS_OF_PUBLIC_POLICIES = frozenset({"aws:securetransport", "s3:tlsversion", "aws:useragent", "aws:referer"})


def assess_denies(
    policy: Policy, allow: Statement, context: Context, networks: AbstractSet[str] = frozenset()
) -> Perimeter:
    """CLOSED if every action on every resource of the Allow is denied to all principals outside the organization.

    Raises PolicyError if there is too much to compare."""
    refuse_too_many(policy)
    denies = [(deny, _assess_deny(deny, context, networks)) for deny in policy.deny_statements]
    effective: list[tuple[Statement, Perimeter]] = [
        (deny, answer) for deny, answer in denies if answer is not Perimeter.OPEN
    ]
    parts = [(action, resource) for action in _list_actions(allow) for resource in _list_resources(allow)]
    found = {_find_best_answer(effective, action, resource) for action, resource in parts}
    # An Allow of which nothing is left names resources of other partitions alone.
    return next((answer for answer in WORST_FIRST if answer in found), Perimeter.CLOSED)


def is_surely_public(policy: Policy) -> bool:
    """Whether S3 counts the policy as public: an Allow for everyone, without a condition that S3 takes for a limit."""
    return any(
        is_everyone(allow) and all(condition.key in KEYS_OF_PUBLIC_POLICIES for condition in allow.conditions)
        for allow in policy.allow_statements
    )


def select_reaching_statements(policy: Policy, arn: str) -> Policy:
    """The policy without the Allows that don't reach this resource or a part of it."""
    whole = (parse_literal(arn), (*parse_literal(arn), ":", STAR))
    kept = (
        each for each in policy.statements if not each.allow or any(_reaches_part(each, resource) for resource in whole)
    )
    return Policy(tuple(kept), policy.partition)


def _reaches_part(allow: Statement, resource: Tokens) -> bool:
    if allow.not_resources is not None:
        return not any(glob_covers(parse_glob(each), resource) for each in allow.not_resources)
    return any(glob_overlaps(parse_glob(each), resource) for each in allow.resources or ())


def _assess_deny(deny: Statement, context: Context, networks: AbstractSet[str]) -> Perimeter:
    """Whether it denies every principal outside the organization what it names."""
    found = {_assess_denied_principals(deny, context), assess_exemption(deny, context, networks)}
    return next(answer for answer in WORST_FIRST if answer in found)


def _assess_denied_principals(deny: Statement, context: Context) -> Perimeter:
    if is_everyone(deny):
        return Perimeter.CLOSED
    if deny.not_principals is None:
        return Perimeter.OPEN
    # Everyone except some: those must be the organization's own.
    spared = Statement(allow=True, principals=deny.not_principals)
    foreign = list_foreign_accounts(spared, context.accounts | {context.account})
    if (foreign and context.accounts) or is_everyone(spared):
        return Perimeter.OPEN
    return Perimeter.UNKNOWN if foreign or list_unknown_principals(spared) else Perimeter.CLOSED


def _find_best_answer(denies: list[tuple[Statement, Perimeter]], action: Tokens, resource: Tokens) -> Perimeter:
    found = {answer for deny, answer in denies if _denies_part(deny, action, resource)}
    return next((answer for answer in reversed(WORST_FIRST) if answer in found), Perimeter.OPEN)


def _denies_part(deny: Statement, action: Tokens, resource: Tokens) -> bool:
    if deny.not_actions is not None:
        acts = not any(glob_overlaps(parse_glob(each.lower()), action) for each in deny.not_actions)
    else:
        acts = any(glob_covers(parse_glob(each.lower()), action) for each in deny.actions or ())
    if not acts:
        return False
    if deny.not_resources is not None:
        return not any(glob_overlaps(parse_glob(each), resource) for each in deny.not_resources)
    return any(glob_covers(parse_glob(each), resource) for each in deny.resources or ())


def _list_actions(allow: Statement) -> tuple[Tokens, ...]:
    return EVERYTHING if allow.actions is None else tuple(parse_glob(each.lower()) for each in allow.actions)


def _list_resources(allow: Statement) -> tuple[Tokens, ...]:
    return EVERYTHING if allow.resources is None else tuple(parse_glob(each) for each in allow.resources)
