"""Reads the trails that cover this account, of every home region: two calls, and two to three for each trail."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from accounts.aws.gaps import OWNER_ONLY, Gap, GapKind
from scans.collectors.lib.batches import Batch, read_batch
from scans.collectors.lib.strict_answers import (
    ShapeError,
    add_each_item,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_arn,
    require_flag,
    require_list,
    require_region,
    require_text,
    text_or_none,
)
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence
from scans.domain.other_accounts import get_arn_account

LIST = Call("cloudtrail", "ListTrails", "cloudtrail:ListTrails")
DESCRIBE = Call("cloudtrail", "DescribeTrails", "cloudtrail:DescribeTrails")
STATUS = Call("cloudtrail", "GetTrailStatus", "cloudtrail:GetTrailStatus")
SELECTORS = Call("cloudtrail", "GetEventSelectors", "cloudtrail:GetEventSelectors")

COLLECTOR = Collector(
    name="cloudtrail",
    scope="global",
    # 2: the trails of every home region. What AWS tells about a trail to its owner only is a gap with the code OwnerOnly.
    # An incomplete list names the trails that are known.
    version=2,
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
    calls=(LIST, DESCRIBE, STATUS, SELECTORS),
)
LIST_TYPES = ("cloudtrail.trail",)
GONE = "TrailNotFoundException"
# What DescribeTrails tells.
DESCRIBED = ("multi_region", "organization_trail", "validation", "kms_key", "bucket", "log_group")
TRAILS_BY_NAME = Batch(DESCRIBE, "", "trailNameList", size=50)
# Kinds of refusals with which AWS answers a member that asks about a trail of its organization. The codes differ:
# TrailNotFoundException, CloudTrailARNInvalidException, AccessDeniedException. Of another account's resource, AWS says that
# the resource's own policy doesn't allow the call.
# https://github.com/turbot/steampipe-plugin-aws/issues/577, https://github.com/elastic/cloudbeat/issues/1750
REFUSALS_TO_MEMBERS = frozenset(
    {GapKind.REJECTED, GapKind.DENIED, GapKind.DENIED_BY_RESOURCE_POLICY, GapKind.DENIED_OR_MISSING}
)


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("cloudtrail", aws.region)
    # DescribeTrails gives a region's own trails, and all multi-region and organization trails as shadows. Only
    # ListTrails names the trails of a single other region.
    # https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTrails.html
    found = read_or_gap(
        make_malformed_gap(DESCRIBE, aws.region),
        lambda: require_list(aws.call("cloudtrail", "DescribeTrails"), "trailList"),
    )
    if isinstance(found, Gap):
        record_gaps(evidence, LIST_TYPES, found)
    else:
        add_each_item(evidence, LIST_TYPES, DESCRIBE, aws.region, found, lambda item: add_trail(aws, evidence, item))
    add_listed_trails(aws, evidence)
    add_trail_lists(aws, seen, evidence)
    return evidence


def add_listed_trails(aws: Reader, evidence: Evidence) -> None:
    """The trails that only ListTrails names. Each is asked about in its home region."""
    listing = aws.pages("cloudtrail", "ListTrails", "Trails")
    record_gaps(evidence, LIST_TYPES, listing.gap)
    by_home: dict[str, list[str]] = defaultdict(list)

    def add_listed(item: Any) -> None:
        arn, home = require_arn(item, "TrailARN"), require_region(item, "HomeRegion")
        if not is_known(evidence, arn) and arn not in by_home[home]:
            by_home[home].append(arn)

    add_each_item(evidence, LIST_TYPES, LIST, aws.region, listing.items, add_listed)
    for home, arns in sorted(by_home.items()):
        add_trails_of_region(aws, evidence, home, sorted(arns))


def add_trails_of_region(aws: Reader, evidence: Evidence, home: str, arns: list[str]) -> None:
    gap = make_malformed_gap(DESCRIBE, home)
    answer, readable = read_batch(aws, TRAILS_BY_NAME, arns, region=home), True
    for each in answer.items:
        found = read_or_gap(gap, require_list, each, "trailList")
        if isinstance(found, Gap):
            readable = False
        else:
            add_each_item(evidence, LIST_TYPES, DESCRIBE, home, found, lambda item: add_trail(aws, evidence, item))
    for arn in arns:
        # It is listed, so it exists, though it could not be described.
        if not is_known(evidence, arn):
            why = answer.gaps.get(arn)
            hidden = hide_from_member(why or gap, arn, aws.account, absent=why is None and readable)
            add_undescribed_trail(aws, evidence, arn, home, hidden)


def add_undescribed_trail(aws: Reader, evidence: Evidence, arn: str, home: str, gap: Gap) -> None:
    facts: dict[str, Any] = dict.fromkeys(DESCRIBED, gap)
    try:
        facts |= read_trail_state(aws, arn, home)
    except TrailGoneError:
        return
    evidence.add("cloudtrail.trail", arn, name=arn.rpartition("/")[2], home_region=home, **facts)


def is_known(evidence: Evidence, arn: str) -> bool:
    return any(resource.arn == arn for resource in evidence.resources)


def add_trail(aws: Reader, evidence: Evidence, item: Any) -> None:
    arn, home = require_arn(item, "TrailARN"), require_region(item, "HomeRegion")
    if is_known(evidence, arn):
        return  # an organization trail and its shadow
    facts = parse_trail(item, home)
    try:
        facts |= read_trail_state(aws, arn, home)
    except TrailGoneError:
        return
    evidence.add("cloudtrail.trail", arn, **facts)


class TrailGoneError(Exception):
    """The trail of this account was deleted between the list and this read."""


def parse_trail(item: Any, home: str) -> dict[str, Any]:
    return {
        "name": require_text(item, "Name"),
        "home_region": home,
        "multi_region": require_flag(item, "IsMultiRegionTrail"),
        "organization_trail": read_described_flag(item, "IsOrganizationTrail", home),
        "validation": read_described_flag(item, "LogFileValidationEnabled", home),
        "kms_key": text_or_none(item, "KmsKeyId"),
        "bucket": require_text(item, "S3BucketName"),
        "log_group": text_or_none(item, "CloudWatchLogsLogGroupArn"),
    }


def read_described_flag(item: Any, key: str, home: str) -> bool | Gap:
    """A flag that AWS always gives, though its model allows to leave it out: then it is unknown."""
    return read_or_gap(make_malformed_gap(DESCRIBE, home), require_flag, item, key)


def read_trail_state(aws: Reader, arn: str, home: str) -> dict[str, Any]:
    return {"logging": read_logging_status(aws, arn, home), **read_event_selectors(aws, arn, home)}


def read_logging_status(aws: Reader, arn: str, home: str) -> bool | Gap:
    """Whether the trail is logging. The rest of the status is ignored: delivery times would change evidence in every scan."""
    answer = call_trail_api(aws, STATUS, home, arn, Name=arn)
    return (
        answer
        if isinstance(answer, Gap)
        else read_or_gap(make_malformed_gap(STATUS, home), require_flag, answer, "IsLogging")
    )


def read_event_selectors(aws: Reader, arn: str, home: str) -> dict[str, Any]:
    names = {"selectors": "EventSelectors", "advanced_selectors": "AdvancedEventSelectors"}
    answer = call_trail_api(aws, SELECTORS, home, arn, TrailName=arn)
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


def call_trail_api(aws: Reader, call: Call, home: str, arn: str, **params: Any) -> dict[str, Any] | Gap:
    try:
        return aws.call(call.service, call.operation, region=home, **params)
    except CallError as error:
        # "Not found" about another account's trail only says that this account isn't told.
        if error.code == GONE and get_arn_account(arn) == aws.account:
            raise TrailGoneError from error
        return hide_from_member(error.gap, arn, aws.account)


def hide_from_member(gap: Gap, arn: str, account: str, *, absent: bool = False) -> Gap:
    """The gap of a refusal. About another account's trail: that AWS answers its owner only, which is no problem here.

    absent: AWS answered, and left the trail out."""
    if get_arn_account(arn) == account or not (absent or gap.kind in REFUSALS_TO_MEMBERS):
        return gap
    return Gap(GapKind.NOT_READ, gap.api, "", gap.region, OWNER_ONLY)


def add_trail_lists(aws: Reader, seen: EarlierEvidence, evidence: Evidence) -> None:
    trails = [resource for resource in evidence.resources if resource.type == "cloudtrail.trail"]
    # Without any known trail, an incomplete list is stood for by its gap: it doesn't prove that there is none.
    gap = next(iter(evidence.gaps.get("cloudtrail.trail", ())), None)
    everything = sorted(resource.arn for resource in trails) or gap or []
    evidence.add("cloudtrail.account", f"arn:{aws.partition}:cloudtrail::{aws.account}:trail/*", trails=everything)
    context = seen.context
    # Only the management account owns organization trails; member accounts see shadow trails.
    if context is None or not context.organization or context.management_account != aws.account:
        return
    # A trail that could not be described may be the organization's.
    ours = sorted(r.arn for r in trails if r.facts["organization_trail"]) or gap or []
    place = f"arn:{aws.partition}:organizations::{aws.account}:organization/{context.organization}"
    evidence.add("cloudtrail.organization", place, trails=ours)
