"""Finds the source buckets of Distributor packages in CloudTrail's records: no other API returns them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.strict_answers import ShapeError, json_object, make_malformed_gap, read_or_gap, require_text
from scans.domain.collector import Call, Reader
from scans.domain.evidence import Resource

LOOKUP = Call("cloudtrail", "LookupEvents", "cloudtrail:LookupEvents", per_second=2)
PACKAGE_EVENTS = ("CreateDocument", "UpdateDocument")
SOURCE_KEYS = ("SourceUrl", "S3FileUrl")
BucketsByDocument = dict[str, set[str]]  # name of the document -> buckets


def add_package_sources(aws: Reader, documents: Iterable[Resource]) -> None:
    """Add `package_source` to each package and, if its bucket is known, a reference to it."""
    packages = [document for document in documents if document.facts.get("document_type") == "Package"]
    # LookupEvents allows two calls a second, so accounts without packages must not pay for it.
    found = find_recorded_buckets(aws) if packages else {}
    for package in packages:
        if isinstance(found, Gap):
            package.facts["package_source"] = found
            continue
        buckets = sorted(found.get(str(package.facts["name"]), ()))
        package.facts["package_source"] = buckets
        named = package.facts["references"]
        if isinstance(named, list):
            extra = [{"bucket": bucket, "kind": "02", "field": "CreateDocument.attachments"} for bucket in buckets]
            package.facts["references"] = [*named, *extra]


def find_recorded_buckets(aws: Reader) -> BucketsByDocument | Gap:
    found: BucketsByDocument = {}
    for operation in PACKAGE_EVENTS:
        wanted = [{"AttributeKey": "EventName", "AttributeValue": operation}]
        listing = aws.pages("cloudtrail", "LookupEvents", "Events", LookupAttributes=wanted, MaxResults=50)
        if listing.gap is not None:
            return listing.gap
        for event in listing.items:
            read = read_or_gap(make_malformed_gap(LOOKUP, aws.region), parse_package_event, event)
            if isinstance(read, Gap):
                return read
            name, buckets = read
            found.setdefault(name, set()).update(buckets)
    return found


def parse_package_event(event: Any) -> tuple[str, set[str]]:
    """(name of the document, buckets of its attachments). Refused calls are harmless: they name no existing document."""
    record = json_object(require_text(event, "CloudTrailEvent"))
    if record is None:
        raise ShapeError("not a CloudTrail record")
    asked = record.get("requestParameters")
    if not isinstance(asked, Mapping):
        return "", set()
    attachments = asked.get("attachments")
    places = [
        place
        for attachment in (attachments if isinstance(attachments, list) else ())
        if isinstance(attachment, Mapping) and attachment.get("key") in SOURCE_KEYS
        for place in (attachment.get("values") or ())
        if isinstance(place, str)
    ]
    return references.base_name(str(asked.get("name") or "")), {
        b for p in places if (b := references.parse_bucket_name(p))
    }
