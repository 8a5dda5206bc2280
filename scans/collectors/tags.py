"""Secrets and personal data in the tags of all resources: a call per 100 tagged resources."""

from __future__ import annotations

from typing import Any

from scans.collectors.lib.strict_answers import ShapeError, each, fact, listed, miss, text
from scans.detectors import hits
from scans.domain.collector import Call, Collector, Reader, Seen
from scans.domain.evidence import Evidence

GET = Call("resourcegroupstaggingapi", "GetResources", "tag:GetResources")

COLLECTOR = Collector(name="tags", scope="region", types=("tag.resource",), calls=(GET,))


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = Evidence("tags", aws.region)
    found = aws.pages("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", ResourcesPerPage=100)
    miss(evidence, COLLECTOR.types, found.gap)
    each(evidence, COLLECTOR.types, GET, aws.region, found.items, lambda item: resource(evidence, item))
    return evidence


def resource(evidence: Evidence, item: Any) -> None:
    arn = text(item, "ResourceARN")
    # Resources that once had tags are listed too. AWS's order of tags isn't fixed.
    pairs = sorted(pair(tag) for tag in listed(item, "Tags", []))
    if pairs:
        tags = {"tags": [{"key": key, "value": value} for key, value in pairs]}
        evidence.add("tag.resource", arn, hits=fact(GET, evidence.region, lambda: hits(tags)))


def pair(tag: Any) -> tuple[str, str]:
    if not isinstance(tag, dict) or not isinstance(tag.get("Value", ""), str):
        raise ShapeError("not a tag")
    return text(tag, "Key"), tag.get("Value", "")
