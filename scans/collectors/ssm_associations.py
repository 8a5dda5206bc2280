"""Reads State Manager associations: what they run, where their output goes, and the parameters of all versions."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.free_text import inspect_free_text, select_free_text
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    call_unless_gone,
    identify_items,
    make_malformed_gap,
    mapping_or_empty,
    read_or_gap,
    require_text,
    text_or_none,
)
from scans.collectors.lib.text_reading import join_hits, prefix_hits
from scans.domain.collector import Collector, EarlierEvidence, Listing, Reader
from scans.domain.evidence import Evidence

LIST = ssm_call("ListAssociations")
DESCRIBE = ssm_call("DescribeAssociation")
VERSIONS = ssm_call("ListAssociationVersions")
GONE = ("AssociationDoesNotExist",)
COLLECTOR = Collector(
    "ssm_associations",
    "region",
    {"ssm.association": ("name", "document", "references", "hits", "url_credentials")},
    (LIST, DESCRIBE, VERSIONS),
    # 2: buckets that can't be placed are told; more documents' parameters
    # 3: hits and url_credentials are of every version
    version=3,
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "ListAssociations", "Associations", MaxResults=50)
    for id, item in identify_items(
        evidence, listing, "AssociationId", make_malformed_gap(LIST, aws.region), "ssm.association"
    ):
        answer = call_unless_gone(aws, DESCRIBE, GONE, AssociationId=id)
        versions = aws.pages("ssm", "ListAssociationVersions", "AssociationVersions", AssociationId=id, MaxResults=50)
        if answer is None or (versions.gap is not None and versions.gap.code in GONE):
            continue
        described = read_described_facts(answer, make_malformed_gap(DESCRIBE, aws.region))
        facts = {
            **read_listed_facts(item, make_malformed_gap(LIST, aws.region)),
            **described,
            **join_association_versions(described, answer, versions, make_malformed_gap(VERSIONS, aws.region)),
        }
        evidence.add("ssm.association", build_regional_arn(aws, f"association/{id}"), **facts)
    return evidence


def read_listed_facts(item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "name": read_or_gap(gap, text_or_none, item, "AssociationName"),
        "document": read_or_gap(gap, require_text, item, "Name"),
    }


def read_described_facts(answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    if isinstance(answer, Gap):
        return dict.fromkeys(("references", "hits", "url_credentials"), answer)
    association = answer.get("AssociationDescription")
    if not isinstance(association, dict):
        return dict.fromkeys(("references", "hits", "url_credentials"), gap)
    texts = inspect_free_text(gap, lambda: select_free_text(association, ("AssociationName",), ("Parameters",)))
    return {"references": read_or_gap(gap, find_association_references, association), **texts}


def join_association_versions(described: Answer, answer: Answer | Gap, versions: Listing, gap: Gap) -> dict[str, Any]:
    """The facts hits and url_credentials of all versions. The parameters of old versions stay readable.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListAssociationVersions.html"""
    association = {} if isinstance(answer, Gap) else answer.get("AssociationDescription")
    current = association.get("AssociationVersion") if isinstance(association, dict) else None
    parts = [described, *(inspect_version(item, gap) for item in versions.items if not is_version(item, current))]
    missing = [] if versions.gap is None else [versions.gap]
    return {name: join_hits([*(part[name] for part in parts), *missing]) for name in ("hits", "url_credentials")}


def is_version(item: Any, version: Any) -> bool:
    return isinstance(item, dict) and version is not None and item.get("AssociationVersion") == version


def inspect_version(item: Any, gap: Gap) -> dict[str, Any]:
    number = read_or_gap(gap, require_text, item, "AssociationVersion")
    if isinstance(number, Gap):
        return {"hits": number, "url_credentials": number}
    texts = inspect_free_text(gap, lambda: select_free_text(item, ("AssociationName",), ("Parameters",)))
    return prefix_hits(number, texts)


def find_association_references(association: Answer) -> list[references.Reference]:
    document = require_text(association, "Name")
    field = "OutputLocation.S3Location.OutputS3BucketName"
    kind = references.output_kind(document, "13")
    found = references.to_bucket(references.output_location(association), kind, field)
    found += references.find_in_parameters(document, mapping_or_empty(association, "Parameters"), "Parameters")
    return references.drop_duplicates(found)
