"""Reads resource data syncs: Inventory and Compliance to a bucket, OpsData from other accounts."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    identify_items,
    make_malformed_gap,
    mapping_or_empty,
    read_or_gap,
    require_text,
    text_or_none,
)
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

LIST = ssm_call("ListResourceDataSync")
COLLECTOR = Collector(
    "ssm_data_syncs", "region", {"ssm.data_sync": ("name", "sync_type", "kms_key", "references")}, (LIST,)
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "ListResourceDataSync", "ResourceDataSyncItems", MaxResults=50)
    gap = make_malformed_gap(LIST, aws.region)
    for name, item in identify_items(evidence, listing, "SyncName", gap, "ssm.data_sync"):
        evidence.add(
            "ssm.data_sync", build_regional_arn(aws, f"resource-data-sync/{name}"), **read_data_sync(name, item, gap)
        )
    return evidence


def read_data_sync(name: str, item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "name": name,
        "sync_type": read_or_gap(gap, sync_type, item),
        "kms_key": read_or_gap(gap, lambda: text_or_none(parse_sync_destination(item), "AWSKMSKeyARN")),
        "references": read_or_gap(gap, find_sync_references, item),
    }


def sync_type(item: Answer) -> str:
    """The type of a sync. Syncs created before types existed have none, and all of them write to a bucket."""
    return text_or_none(item, "SyncType") or "SyncToDestination"


def parse_sync_destination(item: Answer) -> Answer:
    """The bucket that a sync writes to; empty for a sync that only receives data."""
    found = mapping_or_empty(item, "S3Destination")
    if not found and sync_type(item) == "SyncToDestination":
        raise ShapeError("S3Destination")
    return found


def find_sync_references(item: Answer) -> list[references.Reference]:
    place = parse_sync_destination(item)
    # Kinds of data as in ssm_references: 10 is OpsData, 12 inventory and compliance.
    kinds = ["10"] if sync_type(item) == "SyncFromSource" else ["12"]
    if kinds == ["12"] and mapping_or_empty(place, "DestinationDataSharing"):
        kinds.append("10")
    bucket = require_text(place, "BucketName") if place else None
    return [found for kind in kinds for found in references.to_bucket(bucket, kind, "S3Destination.BucketName")]
