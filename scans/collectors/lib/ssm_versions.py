"""Reads the texts of a document's other versions, which stay readable until they are deleted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_calls import ssm_call
from scans.collectors.lib.ssm_documents import read_text_facts
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    instant_or_none,
    make_malformed_gap,
    read_or_gap,
    require_text,
    text_or_none,
)
from scans.collectors.lib.text_reading import BoundedReads, join_hits, prefix_hits
from scans.domain.collector import Listing, Reader

LIST = ssm_call("ListDocumentVersions")
GET = ssm_call("GetDocument")
GONE = ("InvalidDocument", "InvalidDocumentVersion")
VERSION_HITS = 20  # a document can have 1,000 versions
Version = dict[str, Any]


@dataclass(slots=True)
class OtherVersions:
    """read: version -> when it was made and what was found in it. gaps: why others are unknown."""

    read: dict[str, Version] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


def read_other_versions(
    aws: Reader, reads: BoundedReads, name: str, kind: Any, current: Answer, known: Mapping[str, Version]
) -> OtherVersions:
    """What is found in every version but the current one. A version can't be changed, so known ones aren't read again.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-versions.html"""
    found, gap = OtherVersions(), make_malformed_gap(LIST, aws.region)
    listing = aws.pages("ssm", "ListDocumentVersions", "DocumentVersions", Name=name, MaxResults=50)
    stamps = read_or_gap(gap, parse_versions, listing)
    if listing.gap is not None:
        found.gaps.append(listing.gap)
    if isinstance(stamps, Gap):
        found.gaps.append(stamps)
        return found
    shown = read_or_gap(make_malformed_gap(GET, aws.region), text_or_none, current, "DocumentVersion")
    for version, created in stamps.items():
        if version == shown:
            continue
        # A document that was deleted and made again has a version of the same number, but of another time.
        held = known.get(version)
        if held is not None and created is not None and held.get("created") == created:
            found.read[version] = held
            continue
        answer = reads.read(GET, GONE, Name=name, DocumentVersion=version)
        if answer is None:
            continue
        facts = read_text_facts(answer, kind, make_malformed_gap(GET, aws.region))
        missing = [fact for fact in facts.values() if isinstance(fact, Gap)]
        found.gaps += missing
        known_parts = {fact: [] if isinstance(value, Gap) else value[:VERSION_HITS] for fact, value in facts.items()}
        if not missing or any(known_parts.values()):
            found.read[version] = {"created": None if missing else created, **known_parts}
    return found


def parse_versions(listing: Listing) -> dict[str, str | None]:
    """Version -> when it was made. Every document has a version, so an empty list is a malformed answer."""
    if not listing.items and listing.gap is None:
        raise ShapeError("no versions")
    return {require_text(item, "DocumentVersion"): instant_or_none(item, "CreatedDate") for item in listing.items}


def join_document_versions(current: Mapping[str, Any], others: OtherVersions) -> dict[str, Any]:
    """The facts hits and url_credentials of all versions of a document."""
    parts = [current, *(prefix_hits(version, facts) for version, facts in others.read.items())]
    return {name: join_hits([*(part[name] for part in parts), *others.gaps]) for name in ("hits", "url_credentials")}
