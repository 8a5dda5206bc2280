"""Reads own documents: their sessions, buckets and log groups, with whom they are shared, and all versions' texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_packages, ssm_versions
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.ssm_documents import body_facts
from scans.collectors.lib.strict_answers import (
    Answer,
    call_unless_gone,
    identify_items,
    make_malformed_gap,
    read_or_gap,
    require_text,
)
from scans.collectors.lib.text_reading import BoundedReads, compute_reading_revision, index_remembered
from scans.domain.collector import Collector, EarlierEvidence, Listing, Reader
from scans.domain.evidence import Evidence

LIST = ssm_call("ListDocuments")
GET = ssm_versions.GET
SHARES = ssm_call("DescribeDocumentPermission")
GONE = ("InvalidDocument", "InvalidDocumentVersion")
PREFERENCES = "SSM-SessionManagerRunShell"
COLLECTOR = Collector(
    "ssm_documents",
    "region",
    {
        "ssm.document": (
            "name",
            "document_type",
            "session",
            "shared_with",
            "uses_script",
            "references",
            "log_groups",
            "unplaced_log_groups",
            "hits",
            "url_credentials",
            "attachments",
            "attachment_sources",
            "package_source",
            "other_versions",
            "looked_with",
        ),
        "ssm.session_document": ("name", "exists", "session"),
    },
    (LIST, GET, SHARES, ssm_versions.LIST, ssm_packages.LOOKUP),
    # 2: buckets that can't be placed are told; attachments of runbooks
    # 3: hits and url_credentials are of every version; the plugins of schema 1.2 and more API calls are read
    # 4: log groups that can't be placed are told; those that API calls name
    version=4,
    remembers=("ssm_documents",),
)


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    reads, known = BoundedReads(aws), index_known_versions(seen)
    own = [{"Key": "Owner", "Values": ["Self"]}]
    listing = aws.pages("ssm", "ListDocuments", "DocumentIdentifiers", Filters=own, MaxResults=50)
    sessions: set[str] = set()
    for name, item in identify_items(evidence, listing, "Name", make_malformed_gap(LIST, aws.region), *COLLECTOR.types):
        place = build_regional_arn(aws, f"document/{name}")
        facts = read_document(aws, reads, name, item, known.get(place, {}))
        if facts is None:
            continue
        evidence.add("ssm.document", place, **facts)
        kind = facts["document_type"]
        # A document of unknown type may be a Session document.
        evidence.record_gap("ssm.session_document", kind if isinstance(kind, Gap) else None)
        if kind == "Session" or name == PREFERENCES:
            sessions.add(name)
            evidence.add("ssm.session_document", place, name=name, exists=True, session=facts["session"])
    # Recorded even if missing: without preferences the defaults apply, and SSM-SM-001 and SSM-SM-002 judge them.
    if PREFERENCES not in sessions:
        evidence.add(
            "ssm.session_document",
            build_regional_arn(aws, f"document/{PREFERENCES}"),
            **describe_missing_preferences(evidence),
        )
    ssm_packages.add_attachment_sources(aws, evidence.resources)
    return evidence


def index_known_versions(seen: EarlierEvidence) -> dict[str, dict[str, ssm_versions.Version]]:
    """Document ARN -> the versions that the last scan has read."""
    remembered = index_remembered(seen, "ssm.document", ("other_versions",))
    return {arn: facts["other_versions"] for arn, facts in remembered.items()}


def read_document(
    aws: Reader, reads: BoundedReads, name: str, item: Answer, known: Mapping[str, ssm_versions.Version]
) -> dict[str, Any] | None:
    """A document's facts; None if it was deleted meanwhile."""
    answer = call_unless_gone(aws, GET, GONE, Name=name)
    if answer is None:
        return None
    shares = aws.pages(
        "ssm", "DescribeDocumentPermission", "AccountIds", Name=name, PermissionType="Share", MaxResults=200
    )
    if shares.gap is not None and shares.gap.code in GONE:
        return None
    kind = read_or_gap(make_malformed_gap(LIST, aws.region), require_text, item, "DocumentType")
    body = body_facts(answer, kind, make_malformed_gap(GET, aws.region), list_system_variables(aws))
    current = {} if isinstance(answer, Gap) else answer
    others = ssm_versions.read_other_versions(aws, reads, name, kind, current, known)
    if any(gap.code in GONE for gap in others.gaps):
        return None
    return {
        "name": name,
        "document_type": kind,
        "shared_with": shared_with(shares, make_malformed_gap(SHARES, aws.region)),
        **body,
        **ssm_versions.join_document_versions(body, others),
        "other_versions": others.read,
        "looked_with": compute_reading_revision(),
    }


def list_system_variables(aws: Reader) -> dict[str, str]:
    """The system variables of Automation that are known before a run; dates and ids of executions are not."""
    return {"global:ACCOUNT_ID": aws.account, "global:REGION": aws.region, "global:AWS_PARTITION": aws.partition}


def shared_with(shares: Listing, gap: Gap) -> list[str] | Gap:
    """Account ids, or "all". The ids before a refusal are not enough: the rest may include the public."""
    if shares.gap is not None:
        return shares.gap
    if not all(isinstance(id, str) and id for id in shares.items):
        return gap
    return sorted({"all" if id.lower() == "all" else id for id in shares.items})


def describe_missing_preferences(evidence: Evidence) -> dict[str, Any]:
    """The session preferences, if the list lacks them: certainly missing only if the list is complete."""
    gaps = evidence.gaps.get("ssm.session_document", [])
    unknown = gaps[0] if gaps else None
    return {"name": PREFERENCES, "exists": unknown or False, "session": unknown}
