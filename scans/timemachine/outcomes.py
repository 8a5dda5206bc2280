"""Lists every outcome of a Scan by judging its stored evidence again, since passes are not stored as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account
from scans.domain.engine import JudgedOutcome
from scans.models import Scan, Target
from scans.pipeline.reconcile import SourcedOutcome, find_evidence_digest
from scans.pipeline.target_evaluation import select_scan_controls
from scans.timemachine.rejudge import rejudge_target


def iterate_outcomes(scan: Scan, accounts: QuerySet[Account] | None = None) -> Iterator[dict[str, Any]]:
    """One dict per outcome, account by account: control, account, region, resource (ARN), verdict, reason, gaps,
    evidence (digest), collected_at (ISO 8601). accounts: limits it to these."""
    targets = scan.targets.exclude(manifest="").select_related("account").order_by("account__account_id")
    if accounts is not None:
        targets = targets.filter(account__in=accounts)
    for target in targets.iterator(chunk_size=50):
        yield from iterate_target_outcomes(scan, target)


def describe_unjudged(scan: Scan) -> str:
    """What iterate_outcomes lacks although the Scan asked for it, in words. Empty: nothing."""
    # A Scan that was cancelled before its cross-account evaluation has no context for these controls.
    if scan.joined_context or not any(loaded.control.needs_organization for loaded in select_scan_controls(scan)):
        return ""
    return "controls that need the whole organization were not judged"


def iterate_target_outcomes(scan: Scan, target: Target) -> Iterator[dict[str, Any]]:
    target.scan = scan  # the same row, already read
    for result, source in rejudge_target(target, target.account):
        yield from serialize_outcomes((item, source) for item in result.judged)


def serialize_outcomes(sourced: Iterable[SourcedOutcome]) -> Iterator[dict[str, Any]]:
    for item, source in sourced:
        yield serialize_outcome(item, find_evidence_digest(item, source.world, source.digests), source.at.isoformat())


def serialize_outcome(item: JudgedOutcome, evidence: str, collected_at: str) -> dict[str, Any]:
    return {
        "control": item.control.id,
        "account": item.account,
        "region": item.region,
        "resource": item.resource,
        "verdict": str(item.outcome.verdict),
        "reason": item.outcome.reason,
        "gaps": [gap.as_public_dict() for gap in item.outcome.gaps],
        "evidence": evidence,
        "collected_at": collected_at,
    }
