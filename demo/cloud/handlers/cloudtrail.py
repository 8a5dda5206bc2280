"""CloudTrail: organization trails seen from members, trails of one region, AWS's default selectors, sampled events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from moto.cloudtrail.models import cloudtrail_backends

from demo.cloud.handlers._pages import page
from demo.cloud.membership import organization_of
from demo.cloud.protocol import AwsError, Request
from demo.cloud.state import extra

DEFAULT_SELECTORS = [
    {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [], "ExcludeManagementEventSources": []}
]


def visible(request: Request) -> list[Any]:
    """Own trails of this region, multi-region ones of others, and the organization's."""
    trails = own(request.account, request.region)
    organization = organization_of(request.account)
    if organization and not organization.is_management:
        trails += [t for t in own(organization.master_account_id, request.region) if t.is_org_trail]
    return trails


def own(account: str, region: str) -> list[Any]:
    return [
        trail
        for name, backend in list(cloudtrail_backends[account].items())
        for trail in backend.trails.values()
        if name == region or trail.is_multi_region
    ]


def describe_trails(request: Request) -> dict[str, Any]:
    """A shadow is a trail that was made elsewhere: in another region, or by the organization."""
    shadows, wanted = request.params.get("includeShadowTrails", True), request.params.get("trailNameList")
    home = f":{request.region}:{request.account}:"
    return {
        "trailList": [
            describe(trail)
            for trail in visible(request)
            if (shadows or home in trail.arn) and (not wanted or not {trail.arn, trail.trail_name}.isdisjoint(wanted))
        ]
    }


def describe(trail: Any) -> dict[str, Any]:
    answer = {
        "Name": trail.trail_name,
        "S3BucketName": trail.bucket_name,
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": trail.is_multi_region,
        "HomeRegion": trail.region_name,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": trail.log_validation,
        "HasCustomEventSelectors": bool(trail.event_selectors or trail.advanced_event_selectors),
        "HasInsightSelectors": False,
        "IsOrganizationTrail": trail.is_org_trail,
    }
    optional = {"KmsKeyId": trail.kms_key_id, "CloudWatchLogsLogGroupArn": trail.cw_log_group_arn}
    return answer | {name: value for name, value in optional.items() if value}


def list_trails(request: Request) -> dict[str, Any]:
    """The account's own trails of every region, and nothing but their names."""
    trails = [trail for backend in cloudtrail_backends[request.account].values() for trail in backend.trails.values()]
    items: list[dict[str, Any]] = [
        {"TrailARN": each.arn, "Name": each.trail_name, "HomeRegion": each.region_name} for each in trails
    ]
    return page(request, sorted(items, key=lambda item: str(item["TrailARN"])), "Trails")


def find(request: Request, name: str) -> Any:
    """A trail of this account. AWS tells members nothing of what their organization's trail does."""
    for trail in own(request.account, request.region):
        if name in {trail.arn, trail.trail_name}:
            return trail
    if name.startswith("arn:") and f":{request.account}:" not in name and request.operation == "GetEventSelectors":
        message = f"AccountID in ARN is wrong, you can only access resources with AccountID {request.account}."
        raise AwsError("CloudTrailARNInvalidException", message)
    raise AwsError("TrailNotFoundException", f"Unknown trail: {name} for the user: {request.account}")


def get_trail_status(request: Request) -> dict[str, Any]:
    return {"IsLogging": bool(find(request, str(request.params["Name"])).status.is_logging)}


def get_event_selectors(request: Request) -> dict[str, Any]:
    trail = find(request, str(request.params["TrailName"]))
    answer: dict[str, Any] = {"TrailARN": trail.arn}
    if trail.advanced_event_selectors:
        return answer | {"AdvancedEventSelectors": trail.advanced_event_selectors}
    return answer | {"EventSelectors": trail.event_selectors or DEFAULT_SELECTORS}


def lookup_events(request: Request) -> dict[str, Any]:
    """Newest first."""
    asked = {a["AttributeKey"]: a["AttributeValue"] for a in request.params.get("LookupAttributes", [])}
    held = [
        event
        for event in extra(request.account, request.region).events
        if all(event.get(name) == value for name, value in asked.items())
    ]
    return page(request, sorted(held, key=when, reverse=True), "Events")


def when(event: dict[str, Any]) -> float:
    time = event.get("EventTime", 0)
    return time.timestamp() if isinstance(time, datetime) else float(time)


HANDLERS = {
    "cloudtrail.ListTrails": list_trails,
    "cloudtrail.DescribeTrails": describe_trails,
    "cloudtrail.GetTrailStatus": get_trail_status,
    "cloudtrail.GetEventSelectors": get_event_selectors,
    "cloudtrail.LookupEvents": lookup_events,
}
