"""Every outcome of a Scan, by judging its stored evidence again: passes are not kept as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account
from scans.domain.engine import Judged
from scans.models import Scan, Target
from scans.pipeline.reconcile import Grounded, evidence_of
from scans.pipeline.target_evaluation import controls_of
from scans.timemachine.rejudge import judge_target


def outcomes_of(scan: Scan, accounts: QuerySet[Account] | None = None) -> Iterator[dict[str, Any]]:
    """One dict an outcome, account by account: control, account, region, resource (ARN), verdict,
    reason, gaps, evidence (digest), collected_at (ISO 8601). accounts: only these."""
    targets = scan.targets.exclude(manifest="").select_related("account").order_by("account__account_id")
    if accounts is not None:
        targets = targets.filter(account__in=accounts)
    for target in targets.iterator(chunk_size=50):
        yield from outcomes_of_target(scan, target)


def unjudged(scan: Scan) -> str:
    """What outcomes_of has nothing of though it was asked for, in words: a Scan that was cut off joined nothing."""
    if scan.joined_context or not any(loaded.control.joins for loaded in controls_of(scan)):
        return ""
    return "controls that need the whole organization were not judged"


def outcomes_of_target(scan: Scan, target: Target) -> Iterator[dict[str, Any]]:
    target.scan = scan  # the same row, already read
    for result, ground in judge_target(target, target.account):
        yield from lines((item, ground) for item in result.judged)


def lines(grounded: Iterable[Grounded]) -> Iterator[dict[str, Any]]:
    for item, ground in grounded:
        yield line(item, evidence_of(item, ground.world, ground.digests), ground.at.isoformat())


def line(item: Judged, evidence: str, collected_at: str) -> dict[str, Any]:
    return {
        "control": item.control.id,
        "account": item.account,
        "region": item.region,
        "resource": item.resource,
        "verdict": str(item.outcome.verdict),
        "reason": item.outcome.reason,
        "gaps": [gap.public() for gap in item.outcome.gaps],
        "evidence": evidence,
        "collected_at": collected_at,
    }
