"""Finds secrets and personal data in the tags of all resources, by tag key: a call per 100 tagged resources.

A key stands on many resources, because a template sets it. So its key is what is judged, and what one fixes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from scans.collectors.lib.ssm_calls import build_regional_arn
from scans.collectors.lib.strict_answers import (
    ShapeError,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_list,
    require_text,
)
from scans.detectors import PERSONAL_DETECTORS, detect_in_text, find_sensitive_fields
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

GET = Call("resourcegroupstaggingapi", "GetResources", "tag:GetResources")
TYPE = "tag.key"
COLLECTOR = Collector(
    name="tags",
    scope="region",
    facts={TYPE: ("key", "resources", "secrets", "personal")},
    calls=(GET,),
    version=2,  # 2: by tag key, with secrets and personal data apart
)
# A key that may be part of an ARN: plain, and no secret itself. All others are one resource together.
SHOWN_KEY = re.compile(r"\w(?:[\w .:/-]{0,126}[\w/-])?")
NOT_SHOWN = "(keys that are not shown)"
EXAMPLES = 3
# The field of find_sensitive_fields -> what the evidence calls it.
PLACES = {"tag.key": "key", "tag.value": "value"}
Hit = tuple[str, str]  # detector, "key" or "value"


@dataclass(slots=True)
class TagKey:
    """One tag key in a region: how many resources have it, and where detectors found something."""

    resources: int = 0
    found: dict[Hit, list[str]] = field(default_factory=dict)

    def describe_hits(self, *, personal: bool) -> list[dict[str, Any]]:
        """Per detector and place: on how many resources, and some of their ARNs. Never the text."""
        return [
            {"detector": detector, "in": place, "resources": len(arns), "examples": sorted(arns)[:EXAMPLES]}
            for (detector, place), arns in sorted(self.found.items())
            if (detector in PERSONAL_DETECTORS) is personal
        ]


class TagKeys:
    """The tag keys of one region. Many resources have the same tags, so what was found in one is kept meanwhile."""

    def __init__(self) -> None:
        self.by_key: dict[str, TagKey] = {}
        self._name, self._detect = cache(name_key), cache(detect_in_tag)

    def add_resource(self, item: Any) -> None:
        """Add one resource's tags. One that has lost its tags is listed, too, with an empty list."""
        arn = require_text(item, "ResourceARN")
        pairs = [parse_tag(tag) for tag in require_list(item, "Tags")]
        for name in {self._name(key) for key, _ in pairs}:
            self.by_key.setdefault(name, TagKey()).resources += 1
        for key, value in pairs:
            for hit in self._detect(key, value):
                arns = self.by_key[self._name(key)].found.setdefault(hit, [])
                if arn not in arns[-1:]:
                    arns.append(arn)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("tags", aws.region)
    listing = aws.pages("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", ResourcesPerPage=100)
    record_gaps(evidence, COLLECTOR.types, listing.gap)
    keys = TagKeys()
    for item in listing.items:
        missing = read_or_gap(make_malformed_gap(GET, aws.region), keys.add_resource, item)
        record_gaps(evidence, COLLECTOR.types, missing)
    for key, held in sorted(keys.by_key.items()):
        evidence.add(
            TYPE,
            build_regional_arn(aws, "hidden-keys" if key == NOT_SHOWN else f"key/{key}", service="tagging"),
            key=key,
            resources=held.resources,
            secrets=held.describe_hits(personal=False),
            personal=held.describe_hits(personal=True),
        )
    return evidence


def parse_tag(tag: Any) -> tuple[str, str]:
    if not isinstance(tag, dict) or not isinstance(tag.get("Value", ""), str):
        raise ShapeError("not a tag")
    return require_text(tag, "Key"), tag.get("Value", "")


def name_key(key: str) -> str:
    return key if SHOWN_KEY.fullmatch(key) and not detect_in_text(key) else NOT_SHOWN


def detect_in_tag(key: str, value: str) -> list[Hit]:
    """What the detectors find in one tag. A value is judged together with its key: db_password=…"""
    found = find_sensitive_fields({"tag": {"key": key, "value": value}})
    return [(hit["detector"], PLACES[hit["field"]]) for hit in found]
