"""What the policy of a VPC endpoint lets through."""

from __future__ import annotations

from scans.controls.lib.iam_policies.conditions import limits_nothing
from scans.controls.lib.iam_policies.globs import STAR, glob_covers, is_every_arn, parse_glob, parse_literal
from scans.controls.lib.iam_policies.model import Policy, Statement
from scans.controls.lib.iam_policies.principals import list_open_principals

# Services whose actions don't begin with the name of their endpoint:
# vpc/latest/privatelink/aws-services-privatelink-support.html
ACTION_PREFIXES = {"monitoring": "cloudwatch", "git-codecommit": "codecommit"}


def full_access_statements(policy: Policy, service: str | None = None) -> tuple[Statement, ...]:
    """The statements that let everybody do everything to everything: the default policy, or the same in other words.

    service: whose endpoint it is (ssm), if that is known: only its calls go through, so all of them are everything."""
    prefix = _get_action_prefix(service)
    return tuple(
        s
        for s in policy.allow_statements
        if all(map(limits_nothing, s.conditions)) and list_open_principals(s) and _covers_everything(s, prefix)
    )


def _get_action_prefix(service: str | None) -> str:
    """What the service's actions and ARNs begin with: ssm of ssm-fips, ecr of ecr.api."""
    name = (service or "").partition(".")[0].removesuffix("-fips")
    return ACTION_PREFIXES.get(name, name)


def _covers_everything(statement: Statement, prefix: str) -> bool:
    """What only leaves something out (NotAction, NotResource) lets the rest through, and that is no limit."""
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
