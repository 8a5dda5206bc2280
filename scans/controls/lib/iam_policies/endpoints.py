"""Finds statements of a VPC endpoint's policy that give full access."""

from __future__ import annotations

import re

from scans.controls.lib.iam_policies.conditions import limits_nothing
from scans.controls.lib.iam_policies.globs import (
    ONE,
    STAR,
    glob_covers,
    is_every_action,
    is_every_arn,
    parse_glob,
    parse_literal,
)
from scans.controls.lib.iam_policies.model import Policy, Statement
from scans.controls.lib.iam_policies.principals import list_open_principals

# Services whose actions don't begin with the name of their endpoint:
# vpc/latest/privatelink/aws-services-privatelink-support.html and the service authorization reference
ACTION_PREFIXES = {
    "bedrock-agent": "bedrock",
    "bedrock-agent-runtime": "bedrock",
    "bedrock-runtime": "bedrock",
    "email": "ses",
    "git-codecommit": "codecommit",
    "kinesis-firehose": "firehose",
    "kinesis-streams": "kinesis",
    "monitoring": "cloudwatch",
    "s3-global": "s3",
    "sync-states": "states",
    "tagging": "tag",
    "transcribestreaming": "transcribe",
}
# Services whose actions begin with the name of their endpoint, for certain. Of any other it is only likely.
SAME_PREFIX = frozenset(
    ["ssm", "ssmmessages", "ec2messages", "s3", "logs", "kms", "ec2", "sts", "secretsmanager", "dynamodb", "sqs", "sns"]
)
# The end of the ARNs of what a service is for. All of these are as good as every resource.
MAIN_RESOURCES = {
    "dynamodb": "table/?*",
    "kms": "key/?*",
    "logs": "log-group:?*",
    "s3": "?*/?*",
    "secretsmanager": "secret:?*",
}
ONE_SERVICE = re.compile(r"[a-z0-9-]+(?=:)")


def full_access_statements(policy: Policy, service: str | None = None, region: str = "") -> tuple[Statement, ...]:
    """The statements that allow every action on every resource to every principal: the default policy or an equivalent.

    service: the endpoint's service (ssm), if known: only its calls pass through, so all of its actions are full access.
    region: the endpoint's own, whose resources are all that its calls reach."""
    prefix = _get_action_prefix(service)
    return tuple(s for s in _list_unlimited(policy) if _covers_everything(s, prefix, region))


def may_be_full_access(policy: Policy, service: str, region: str) -> bool:
    """Whether a statement allows all of one service, which may be the endpoint's by another name."""
    name = _get_endpoint_name(service)
    if name in SAME_PREFIX or name in ACTION_PREFIXES:
        return False
    return any(
        _covers_everything(s, found.group(), region)
        for s in _list_unlimited(policy)
        for action in s.actions or ()
        if (found := ONE_SERVICE.match(action.lower()))
    )


def _list_unlimited(policy: Policy) -> list[Statement]:
    """The Allows for every principal whose conditions limit nothing."""
    return [s for s in policy.allow_statements if all(map(limits_nothing, s.conditions)) and list_open_principals(s)]


def _get_action_prefix(service: str | None) -> str:
    """The prefix of the service's actions and ARNs: ssm of ssm-fips, ecr of ecr.api."""
    name = _get_endpoint_name(service or "")
    return ACTION_PREFIXES.get(name, name)


def _get_endpoint_name(service: str) -> str:
    return service.partition(".")[0].removesuffix("-fips")


def _covers_everything(statement: Statement, prefix: str, region: str) -> bool:
    """Whether all actions and resources are covered. NotAction and NotResource allow the rest, which is no limit."""
    actions = any(_is_every_action(action, prefix) for action in statement.actions or ())
    resources = any(_is_every_resource(resource, prefix, region) for resource in statement.resources or ())
    return (actions or statement.actions is None) and (resources or statement.resources is None)


def _is_every_action(pattern: str, prefix: str) -> bool:
    if is_every_action(pattern):
        return True
    return bool(prefix) and glob_covers(parse_glob(pattern.lower()), (*parse_literal(prefix), ":", ONE, STAR))


def _is_every_resource(pattern: str, prefix: str, region: str) -> bool:
    if is_every_arn(pattern):
        return True
    fields = pattern.split(":", 2)
    if not prefix or len(fields) < 3:
        return False
    # The ARNs of buckets and objects name no region and no account.
    places = [":"] if prefix == "s3" else ["*:*", *([f"{region}:*"] if region else [])]
    endings = ("*", *([MAIN_RESOURCES[prefix]] if prefix in MAIN_RESOURCES else []))
    shapes = (f"arn:{fields[1]}:{prefix}:{place}:{ending}" for place in places for ending in endings)
    return any(glob_covers(parse_glob(pattern), parse_glob(shape)) for shape in shapes)
