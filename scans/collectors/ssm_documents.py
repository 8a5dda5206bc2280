"""Reads own documents: their sessions, buckets and log groups, and with whom they are shared."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_packages
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
from scans.domain.collector import Collector, EarlierEvidence, Listing, Reader
from scans.domain.evidence import Evidence

LIST = ssm_call("ListDocuments")
GET = ssm_call("GetDocument")
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
            "hits",
            "url_credentials",
            "attachments",
            "attachment_sources",
        ),
        "ssm.session_document": ("name", "exists", "session"),
    },
    (LIST, GET, SHARES, ssm_packages.LOOKUP),
    version=2,  # 2: buckets that can't be placed are told; attachments of runbooks
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    own = [{"Key": "Owner", "Values": ["Self"]}]
    listing = aws.pages("ssm", "ListDocuments", "DocumentIdentifiers", Filters=own, MaxResults=50)
    sessions: set[str] = set()
    for name, item in identify_items(evidence, listing, "Name", make_malformed_gap(LIST, aws.region), *COLLECTOR.types):
        facts = read_document(aws, name, item)
        if facts is None:
            continue
        place = build_regional_arn(aws, f"document/{name}")
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


def read_document(aws: Reader, name: str, item: Answer) -> dict[str, Any] | None:
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
    return {
        "name": name,
        "document_type": kind,
        "shared_with": shared_with(shares, make_malformed_gap(SHARES, aws.region)),
        **body_facts(answer, kind, make_malformed_gap(GET, aws.region), list_system_variables(aws)),
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
