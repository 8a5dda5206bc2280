"""Resource data syncs: Inventory and Compliance to a bucket, OpsData from other accounts."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_answers import (
    Answer,
    MalformedError,
    arn,
    begin,
    fact,
    malformed,
    maybe_mapping,
    maybe_text,
    named,
    ssm,
    text,
)
from scans.domain.collector import Collector, Reader, Seen
from scans.domain.evidence import Evidence

LIST = ssm("ListResourceDataSync")
COLLECTOR = Collector("ssm_data_syncs", "region", ("ssm.data_sync",), (LIST,))


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = begin(aws, COLLECTOR)
    listing = aws.pages("ssm", "ListResourceDataSync", "ResourceDataSyncItems", MaxResults=50)
    gap = malformed(aws, LIST)
    for name, item in named(evidence, listing, "SyncName", gap, "ssm.data_sync"):
        evidence.add("ssm.data_sync", arn(aws, f"resource-data-sync/{name}"), **transform(name, item, gap))
    return evidence


def transform(name: str, item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "name": name,
        "sync_type": fact(gap, sync_type, item),
        "kms_key": fact(gap, lambda: maybe_text(destination(item), "AWSKMSKeyARN")),
        "references": fact(gap, find_references, item),
    }


def sync_type(item: Answer) -> str:
    """Syncs made before the type existed have none, and all of those go to a bucket."""
    return maybe_text(item, "SyncType") or "SyncToDestination"


def destination(item: Answer) -> Answer:
    """Where it writes: a sync to a destination has one, and one that only takes data in has none."""
    found = maybe_mapping(item, "S3Destination")
    if not found and sync_type(item) == "SyncToDestination":
        raise MalformedError("S3Destination")
    return found


def find_references(item: Answer) -> list[references.Reference]:
    place = destination(item)
    kinds = ["10"] if sync_type(item) == "SyncFromSource" else ["12"]
    if kinds == ["12"] and maybe_mapping(place, "DestinationDataSharing"):
        kinds.append("10")
    bucket = text(place, "BucketName") if place else None
    return [found for kind in kinds for found in references.to_bucket(bucket, kind, "S3Destination.BucketName")]
