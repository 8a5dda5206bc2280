"""Reads the trails that cover this account: one call, and two for each trail in its home region."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.strict_answers import (
    ShapeError,
    add_each_item,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_flag,
    require_list,
    require_text,
    text_or_none,
)
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

DESCRIBE = Call("cloudtrail", "DescribeTrails", "cloudtrail:DescribeTrails")
STATUS = Call("cloudtrail", "GetTrailStatus", "cloudtrail:GetTrailStatus")
SELECTORS = Call("cloudtrail", "GetEventSelectors", "cloudtrail:GetEventSelectors")

COLLECTOR = Collector(
    name="cloudtrail",
    scope="global",
    facts={
        "cloudtrail.account": ("trails",),
        "cloudtrail.organization": ("trails",),
        "cloudtrail.trail": (
            "name",
            "home_region",
            "multi_region",
            "organization_trail",
            "logging",
            "validation",
            "kms_key",
            "bucket",
            "log_group",
            "selectors",
            "advanced_selectors",
        ),
    },
    calls=(DESCRIBE, STATUS, SELECTORS),
)
LIST_TYPES = ("cloudtrail.trail",)
GONE = "TrailNotFoundException"


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("cloudtrail", aws.region)
    # One region lists the multi-region and organization trails of all regions, as shadow trails. Trails of a single
    # other region are not listed; none of them could satisfy a control.
    found = read_or_gap(
        make_malformed_gap(DESCRIBE, aws.region),
        lambda: require_list(aws.call("cloudtrail", "DescribeTrails"), "trailList"),
    )
    if isinstance(found, Gap):
        record_gaps(evidence, LIST_TYPES, found)
    else:
        add_each_item(evidence, LIST_TYPES, DESCRIBE, aws.region, found, lambda item: add_trail(aws, evidence, item))
    add_trail_lists(aws, seen, evidence)
    return evidence


def add_trail(aws: Reader, evidence: Evidence, item: Any) -> None:
    arn, home = require_text(item, "TrailARN"), require_text(item, "HomeRegion")
    if any(resource.arn == arn for resource in evidence.resources):
        return  # an organization trail and its shadow
    facts = parse_trail(item, home)
    try:
        facts |= {"logging": read_logging_status(aws, arn, home), **read_event_selectors(aws, arn, home)}
    except TrailGoneError:
        return
    evidence.add("cloudtrail.trail", arn, **facts)


class TrailGoneError(Exception):
    """The trail was deleted between the list and this read."""


def parse_trail(item: Any, home: str) -> dict[str, Any]:
    return {
        "name": require_text(item, "Name"),
        "home_region": home,
        "multi_region": require_flag(item, "IsMultiRegionTrail"),
        "organization_trail": require_flag(item, "IsOrganizationTrail", default=False),
        "validation": require_flag(item, "LogFileValidationEnabled", default=False),
        "kms_key": text_or_none(item, "KmsKeyId"),
        "bucket": require_text(item, "S3BucketName"),
        "log_group": text_or_none(item, "CloudWatchLogsLogGroupArn"),
    }


def read_logging_status(aws: Reader, arn: str, home: str) -> bool | Gap:
    """Whether the trail is logging. The rest of the status is ignored: delivery times would change evidence in every scan."""
    answer = call_trail_api(aws, STATUS, home, Name=arn)
    return (
        answer
        if isinstance(answer, Gap)
        else read_or_gap(make_malformed_gap(STATUS, home), require_flag, answer, "IsLogging")
    )


def read_event_selectors(aws: Reader, arn: str, home: str) -> dict[str, Any]:
    names = {"selectors": "EventSelectors", "advanced_selectors": "AdvancedEventSelectors"}
    answer = call_trail_api(aws, SELECTORS, home, TrailName=arn)
    if isinstance(answer, Gap):
        return dict.fromkeys(names, answer)
    # An answer with neither form would look like a trail that records nothing.
    if not names.values() & answer.keys():
        return dict.fromkeys(names, make_malformed_gap(SELECTORS, home))
    # A trail has selectors of one of the two forms; AWS omits the other.
    return {
        name: read_or_gap(make_malformed_gap(SELECTORS, home), require_objects, answer, key)
        for name, key in names.items()
    }


def require_objects(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = require_list(answer, key, [])
    if not all(isinstance(one, dict) for one in found):
        raise ShapeError(f"{key} is not a list of objects")
    return found


def call_trail_api(aws: Reader, call: Call, home: str, **params: Any) -> dict[str, Any] | Gap:
    try:
        return aws.call(call.service, call.operation, region=home, **params)
    except CallError as error:
        if error.code == GONE:
            raise TrailGoneError from error
        return error.gap


def add_trail_lists(aws: Reader, seen: EarlierEvidence, evidence: Evidence) -> None:
    trails = [resource for resource in evidence.resources if resource.type == "cloudtrail.trail"]
    # An incomplete list proves neither that there is a trail for all nor that there is none, so the gap stands for
    # it.
    gap = next(iter(evidence.gaps.get("cloudtrail.trail", ())), None)
    everything = gap or sorted(resource.arn for resource in trails)
    evidence.add("cloudtrail.account", f"arn:{aws.partition}:cloudtrail::{aws.account}:trail/*", trails=everything)
    context = seen.context
    # Only the management account owns organization trails; member accounts see shadow trails.
    if context is None or not context.organization or context.management_account != aws.account:
        return
    ours = gap or sorted(r.arn for r in trails if r.facts["organization_trail"])
    place = f"arn:{aws.partition}:organizations::{aws.account}:organization/{context.organization}"
    evidence.add("cloudtrail.organization", place, trails=ours)
