"""Finds where packages and the attachments of runbooks came from, in CloudTrail's records: no other API tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.strict_answers import ShapeError, json_object, make_malformed_gap, read_or_gap, require_text
from scans.domain.collector import Call, Reader
from scans.domain.evidence import Resource
from scans.domain.s3_places import parse_s3_place

LOOKUP = Call("cloudtrail", "LookupEvents", "cloudtrail:LookupEvents", per_second=2)
ATTACHMENT_EVENTS = ("CreateDocument", "UpdateDocument")
SOURCE_KEYS = ("SourceUrl", "S3FileUrl")
BucketsByDocument = dict[str, set[str]]  # name of the document -> buckets


def add_attachment_sources(aws: Reader, documents: Iterable[Resource]) -> None:
    """Add where the files of packages and the attachments of runbooks came from, and references to known buckets."""
    # LookupEvents allows two calls a second, so accounts without attached files must not pay for it.
    attached = [document for document in documents if _holds_files(document)]
    found = find_recorded_buckets(aws) if attached else {}
    for document in attached:
        is_package = document.facts["document_type"] == "Package"
        fact, kind = ("package_source", "02") if is_package else ("attachment_sources", "05")
        if isinstance(found, Gap):
            document.facts[fact] = found
            continue
        buckets = sorted(found.get(str(document.facts["name"]), ()))
        document.facts[fact] = buckets
        named = document.facts["references"]
        if isinstance(named, list):
            extra = [{"bucket": bucket, "kind": kind, "field": "CreateDocument.attachments"} for bucket in buckets]
            document.facts["references"] = [*named, *extra]


def _holds_files(document: Resource) -> bool:
    return document.facts.get("document_type") == "Package" or document.facts.get("attachments") is True


def find_recorded_buckets(aws: Reader) -> BucketsByDocument | Gap:
    found: BucketsByDocument = {}
    for operation in ATTACHMENT_EVENTS:
        wanted = [{"AttributeKey": "EventName", "AttributeValue": operation}]
        listing = aws.pages("cloudtrail", "LookupEvents", "Events", LookupAttributes=wanted, MaxResults=50)
        if listing.gap is not None:
            return listing.gap
        for event in listing.items:
            read = read_or_gap(make_malformed_gap(LOOKUP, aws.region), parse_attachment_event, event)
            if isinstance(read, Gap):
                return read
            name, buckets = read
            found.setdefault(name, set()).update(buckets)
    return found


def parse_attachment_event(event: Any) -> tuple[str, set[str]]:
    """(name of the document, buckets of its attachments). A call that was refused attached nothing."""
    record = json_object(require_text(event, "CloudTrailEvent"))
    if record is None:
        raise ShapeError("not a CloudTrail record")
    asked = record.get("requestParameters")
    if not isinstance(asked, Mapping) or record.get("errorCode"):
        return "", set()
    attachments = asked.get("attachments")
    places = [
        place
        for attachment in (attachments if isinstance(attachments, list) else ())
        if isinstance(attachment, Mapping) and attachment.get("key") in SOURCE_KEYS
        for place in (attachment.get("values") or ())
        if isinstance(place, str)
    ]
    found = [parse_s3_place(place) for place in places]
    return references.base_name(str(asked.get("name") or "")), {
        place.bucket for place in found if place and place.bucket
    }
