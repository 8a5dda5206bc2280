"""Reads the access points of one bucket: one call, and one or two for each access point."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import s3_shape
from scans.collectors.lib.strict_answers import (
    ShapeError,
    add_each_item,
    make_malformed_gap,
    parse_policy_document,
    read_or_gap,
    record_gaps,
    require_arn,
    require_list,
    require_text,
    text_or_none,
)
from scans.domain.collector import Call, CallError, Reader
from scans.domain.evidence import Evidence

TYPE = "s3.access_point"
LIST = Call("s3control", "ListAccessPoints", "s3:ListAccessPoints")
GET = Call("s3control", "GetAccessPoint", "s3:GetAccessPoint")
POLICY = Call("s3control", "GetAccessPointPolicy", "s3:GetAccessPointPolicy")
CALLS = (LIST, GET, POLICY)
MOST_PAGES = 20  # of 1,000 each; an account has at most 10,000 access points in a region


def add_access_points(aws: Reader, evidence: Evidence, bucket: str, region: str, *, blocked: bool) -> None:
    """Add this account's access points of the bucket. blocked: the account's public access block is complete."""

    def add(item: Any) -> None:
        name, arn = require_text(item, "Name"), require_arn(item, "AccessPointArn")
        # The account's complete block overrides the access point's, which then needn't be read.
        block = None if blocked else read_or_gap(make_malformed_gap(GET, region), read_block, aws, name, region)
        policy = read_or_gap(make_malformed_gap(POLICY, region), read_policy, aws, name, region)
        facts = {"name": name, "bucket": bucket, "public_access_block": block, "policy": policy}
        evidence.add(TYPE, arn, region, **facts)

    found = read_or_gap(make_malformed_gap(LIST, region), list_access_points, aws, bucket, region)
    if isinstance(found, Gap):
        record_gaps(evidence, [TYPE], found)
    else:
        add_each_item(evidence, [TYPE], LIST, region, found, add)


def list_access_points(aws: Reader, bucket: str, region: str) -> list[Any]:
    """Every page. botocore has no paginator for this operation.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessPoints.html"""
    found: list[Any] = []
    asked: dict[str, Any] = {"AccountId": aws.account, "Bucket": bucket}
    for _ in range(MOST_PAGES):
        answer = aws.call("s3control", "ListAccessPoints", region=region, **asked)
        found += require_list(answer, "AccessPointList")
        token = text_or_none(answer, "NextToken")
        if token is None:
            return found
        asked["NextToken"] = token
    raise ShapeError("more pages than an account has access points")


def read_block(aws: Reader, name: str, region: str) -> dict[str, bool]:
    answer = aws.call("s3control", "GetAccessPoint", region=region, AccountId=aws.account, Name=name)
    return s3_shape.parse_access_point_block(answer)


def read_policy(aws: Reader, name: str, region: str) -> dict[str, Any] | None:
    try:
        answer = aws.call("s3control", "GetAccessPointPolicy", region=region, AccountId=aws.account, Name=name)
    except CallError as error:
        if error.code == "NoSuchAccessPointPolicy":
            return None
        raise
    return parse_policy_document(answer.get("Policy"))
