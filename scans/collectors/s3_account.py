"""Lists the account's buckets with their regions, and reads its public access block: two calls."""

from __future__ import annotations

from typing import Any

from scans.collectors.lib import s3_shape
from scans.collectors.lib.strict_answers import (
    ShapeError,
    is_region_name,
    make_malformed_gap,
    read_or_gap,
    require_text,
    text_or_none,
)
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

LIST = Call("s3", "ListBuckets", "s3:ListAllMyBuckets")
BLOCK = Call("s3control", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock")

COLLECTOR = Collector(
    name="s3_account",
    scope="global",
    facts={"s3.account": ("public_access_block",), "s3.inventory": ("buckets",)},
    calls=(LIST, BLOCK),
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("s3_account", aws.region)
    arn = f"arn:{aws.partition}:s3::{aws.account}"
    evidence.add(
        "s3.account",
        f"{arn}:account",
        public_access_block=read_or_gap(make_malformed_gap(BLOCK, aws.region), read_account_block, aws),
    )
    listing = aws.pages("s3", "ListBuckets", "Buckets", MaxBuckets=1000)
    read = read_or_gap(make_malformed_gap(LIST, aws.region), map_bucket_regions, listing.items)
    buckets = listing.gap or read
    evidence.add("s3.inventory", f"{arn}:inventory", buckets=buckets)
    return evidence


def read_account_block(aws: Reader) -> dict[str, bool] | None:
    try:
        answer = aws.call("s3control", "GetPublicAccessBlock", AccountId=aws.account)
    except CallError as error:
        if error.code == "NoSuchPublicAccessBlockConfiguration":
            return None
        raise
    return s3_shape.parse_public_access_block(answer)


def map_bucket_regions(items: list[Any]) -> dict[str, str | None]:
    """Bucket -> region; None where it must be asked for. S3 omits it only from answers that aren't paginated."""
    if not all(isinstance(item, dict) for item in items):
        raise ShapeError("not a list of buckets")
    regions = {require_text(item, "Name"): text_or_none(item, "BucketRegion") for item in items}
    return {name: region if region and is_region_name(region) else None for name, region in regions.items()}
