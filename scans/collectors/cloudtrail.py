"""The trails that reach this account: one call, and two for each trail in its home region."""

from __future__ import annotations

from functools import partial
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.strict_answers import (
    ShapeError,
    each,
    fact,
    flag,
    listed,
    malformed,
    miss,
    text,
    text_or_none,
)
from scans.domain.collector import Call, CallError, Collector, Reader, Seen
from scans.domain.evidence import Evidence

DESCRIBE = Call("cloudtrail", "DescribeTrails", "cloudtrail:DescribeTrails")
STATUS = Call("cloudtrail", "GetTrailStatus", "cloudtrail:GetTrailStatus")
SELECTORS = Call("cloudtrail", "GetEventSelectors", "cloudtrail:GetEventSelectors")

COLLECTOR = Collector(
    name="cloudtrail",
    scope="global",
    types=("cloudtrail.account", "cloudtrail.organization", "cloudtrail.trail"),
    calls=(DESCRIBE, STATUS, SELECTORS),
)
LISTS = ("cloudtrail.trail",)
GONE = "TrailNotFoundException"


def collect(aws: Reader, seen: Seen) -> Evidence:
    evidence = Evidence("cloudtrail", aws.region)
    # One region lists the multi-region and organization trails of all regions, as shadows. Trails of
    # one other region only are not listed; none of them could satisfy what an account needs.
    found = fact(DESCRIBE, aws.region, lambda: listed(aws.call("cloudtrail", "DescribeTrails"), "trailList"))
    if isinstance(found, Gap):
        miss(evidence, LISTS, found)
    else:
        each(evidence, LISTS, DESCRIBE, aws.region, found, lambda item: trail(aws, evidence, item))
    lists_of_trails(aws, seen, evidence)
    return evidence


def trail(aws: Reader, evidence: Evidence, item: Any) -> None:
    arn, home = text(item, "TrailARN"), text(item, "HomeRegion")
    if any(resource.arn == arn for resource in evidence.resources):
        return  # an organization trail and its shadow
    facts = described(item, home)
    try:
        facts |= {"logging": logging(aws, arn, home), **selectors(aws, arn, home)}
    except GoneError:
        return
    evidence.add("cloudtrail.trail", arn, **facts)


class GoneError(Exception):
    """The trail was deleted between the list and this read."""


def described(item: Any, home: str) -> dict[str, Any]:
    return {
        "name": text(item, "Name"),
        "home_region": home,
        "multi_region": flag(item, "IsMultiRegionTrail"),
        "organization_trail": flag(item, "IsOrganizationTrail", default=False),
        "validation": flag(item, "LogFileValidationEnabled", default=False),
        "kms_key": text_or_none(item, "KmsKeyId"),
        "bucket": text(item, "S3BucketName"),
        "log_group": text_or_none(item, "CloudWatchLogsLogGroupArn"),
    }


def logging(aws: Reader, arn: str, home: str) -> bool | Gap:
    """Nothing else of the status: times of delivery would make evidence differ at each scan."""
    answer = detail(aws, STATUS, home, Name=arn)
    return answer if isinstance(answer, Gap) else fact(STATUS, home, lambda: flag(answer, "IsLogging"))


def selectors(aws: Reader, arn: str, home: str) -> dict[str, Any]:
    names = {"selectors": "EventSelectors", "advanced_selectors": "AdvancedEventSelectors"}
    answer = detail(aws, SELECTORS, home, TrailName=arn)
    if isinstance(answer, Gap):
        return dict.fromkeys(names, answer)
    if not names.values() & answer.keys():
        return dict.fromkeys(names, malformed(SELECTORS, home))
    # A trail has selectors of one of the two forms; AWS leaves the other out.
    return {name: fact(SELECTORS, home, partial(objects, answer, key)) for name, key in names.items()}


def objects(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = listed(answer, key, [])
    if not all(isinstance(one, dict) for one in found):
        raise ShapeError(f"{key} is not a list of objects")
    return found


def detail(aws: Reader, call: Call, home: str, **params: Any) -> dict[str, Any] | Gap:
    try:
        return aws.call(call.service, call.operation, region=home, **params)
    except CallError as error:
        if error.code == GONE:
            raise GoneError from error
        return error.gap


def lists_of_trails(aws: Reader, seen: Seen, evidence: Evidence) -> None:
    trails = [resource for resource in evidence.resources if resource.type == "cloudtrail.trail"]
    gap = next(iter(evidence.gaps.get("cloudtrail.trail", ())), None)
    everything = gap or sorted(resource.arn for resource in trails)
    evidence.add("cloudtrail.account", f"arn:{aws.partition}:cloudtrail::{aws.account}:trail/*", trails=everything)
    context = seen.context
    if context is None or not context.organization or context.management_account != aws.account:
        return
    ours = gap or sorted(r.arn for r in trails if r.facts["organization_trail"])
    place = f"arn:{aws.partition}:organizations::{aws.account}:organization/{context.organization}"
    evidence.add("cloudtrail.organization", place, trails=ours)
