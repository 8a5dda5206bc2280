"""Finds statements of a VPC endpoint's policy that give full access."""

from __future__ import annotations

from scans.controls.lib.iam_policies.conditions import limits_nothing
from scans.controls.lib.iam_policies.globs import STAR, glob_covers, is_every_arn, parse_glob, parse_literal
from scans.controls.lib.iam_policies.model import Policy, Statement
from scans.controls.lib.iam_policies.principals import list_open_principals

# Services whose actions don't begin with the name of their endpoint:
# vpc/latest/privatelink/aws-services-privatelink-support.html
ACTION_PREFIXES = {"monitoring": "cloudwatch", "git-codecommit": "codecommit"}


def full_access_statements(policy: Policy, service: str | None = None) -> tuple[Statement, ...]:
    """The statements that allow every action on every resource to every principal: the default policy or an equivalent.

    service: the endpoint's service (ssm), if known: only its calls pass through, so all of its actions are full access."""
    prefix = _get_action_prefix(service)
    return tuple(
        s
        for s in policy.allow_statements
        if all(map(limits_nothing, s.conditions)) and list_open_principals(s) and _covers_everything(s, prefix)
    )


def _get_action_prefix(service: str | None) -> str:
    """The prefix of the service's actions and ARNs: ssm of ssm-fips, ecr of ecr.api."""
    name = (service or "").partition(".")[0].removesuffix("-fips")
    return ACTION_PREFIXES.get(name, name)


def _covers_everything(statement: Statement, prefix: str) -> bool:
    """Whether all actions and resources are covered. NotAction and NotResource allow the rest, which is no limit."""
    actions = any(_is_every_action(action, prefix) for action in statement.actions or ())
    resources = any(_is_every_resource(resource, prefix) for resource in statement.resources or ())
    return (actions or statement.actions is None) and (resources or statement.resources is None)


def _is_every_action(pattern: str, prefix: str) -> bool:
    if set(pattern) <= set("*:") and "*" in pattern:
        return True
    return bool(prefix) and glob_covers(parse_glob(pattern.lower()), (*parse_literal(prefix), ":", STAR))


def _is_every_resource(pattern: str, prefix: str) -> bool:
    if is_every_arn(pattern):
        return True
    fields = pattern.split(":", 2)
    if not prefix or len(fields) < 3:
        return False
    place = ":" if prefix == "s3" else "*:*"  # the ARNs of buckets and objects name no region and no account
    return glob_covers(parse_glob(pattern), parse_glob(f"arn:{fields[1]}:{prefix}:{place}:*"))
