"""CloudWatch Logs: groups by prefix, by pattern and by identifiers, in pages."""

from __future__ import annotations

from typing import Any

from moto.logs.models import logs_backends

from demo.cloud.handlers._pages import page
from demo.cloud.protocol import AwsError, Request
from demo.cloud.state import extra


def describe_log_groups(request: Request) -> dict[str, Any]:
    asked = request.params
    identifiers = asked.get("logGroupIdentifiers")
    if identifiers is not None and len(identifiers) > 50:
        raise AwsError("InvalidParameterException", "logGroupIdentifiers: at most 50")
    names = {str(i).split(":log-group:")[-1].removesuffix(":*") for i in identifiers or ()}
    prefix, pattern = asked.get("logGroupNamePrefix", ""), asked.get("logGroupNamePattern", "")
    if prefix and pattern:
        raise AwsError(
            "InvalidParameterException", "LogGroup name prefix and LogGroup name pattern are mutually exclusive."
        )
    groups = logs_backends[request.account][request.region].groups
    if not names <= groups.keys():  # one that doesn't exist makes the whole call fail
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    held = [
        groups[name]
        for name in sorted(groups)
        if name.startswith(prefix) and pattern in name and (identifiers is None or name in names)
    ]
    shape = named if pattern else describe
    return page(request, held, "logGroups", shape, size="limit", token="nextToken")


def describe_resource_policies(request: Request) -> dict[str, Any]:
    """The policies of the account; no log group has one of its own."""
    attached = request.params.get("policyScope") == "RESOURCE"
    held = [] if attached else extra(request.account, request.region).log_policies
    return page(request, held, "resourcePolicies", dict, size="limit", token="nextToken")


def named(group: Any) -> dict[str, Any]:
    """All that CloudWatch Logs tells of a group that it found by a pattern: not its key."""
    return {key: value for key, value in describe(group).items() if key in {"logGroupName", "arn", "creationTime"}}


def describe(group: Any) -> dict[str, Any]:
    answer = {
        "logGroupName": group.name,
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "storedBytes": 0,
        "metricFilterCount": 0,
        "creationTime": 1700000000000,
    }
    return answer | ({"kmsKeyId": group.kms_key_id} if group.kms_key_id else {})


HANDLERS = {"logs.DescribeLogGroups": describe_log_groups, "logs.DescribeResourcePolicies": describe_resource_policies}
