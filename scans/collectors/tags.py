"""Finds secrets and personal data in the tags of all resources: a call per 100 tagged resources."""

from __future__ import annotations

from typing import Any

from scans.collectors.lib.strict_answers import (
    ShapeError,
    add_each_item,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_list,
    require_text,
)
from scans.detectors import find_sensitive_fields
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

GET = Call("resourcegroupstaggingapi", "GetResources", "tag:GetResources")

COLLECTOR = Collector(name="tags", scope="region", facts={"tag.resource": ("hits",)}, calls=(GET,))


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("tags", aws.region)
    found = aws.pages("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", ResourcesPerPage=100)
    record_gaps(evidence, COLLECTOR.types, found.gap)
    add_each_item(
        evidence, COLLECTOR.types, GET, aws.region, found.items, lambda item: add_tagged_resource(evidence, item)
    )
    return evidence


def add_tagged_resource(evidence: Evidence, item: Any) -> None:
    arn = require_text(item, "ResourceARN")
    # Sorted, because AWS returns tags in no fixed order, and evidence should change only if tags do. Resources that
    # have lost their tags are listed, too.
    pairs = sorted(parse_tag(tag) for tag in require_list(item, "Tags", []))
    if pairs:
        tags = {"tags": [{"key": key, "value": value} for key, value in pairs]}
        evidence.add(
            "tag.resource", arn, hits=read_or_gap(make_malformed_gap(GET, evidence.region), find_sensitive_fields, tags)
        )


def parse_tag(tag: Any) -> tuple[str, str]:
    if not isinstance(tag, dict) or not isinstance(tag.get("Value", ""), str):
        raise ShapeError("not a tag")
    return require_text(tag, "Key"), tag.get("Value", "")
