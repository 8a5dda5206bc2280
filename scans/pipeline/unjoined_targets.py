"""Adds the results of the cross-account evaluation to a Target, and marks them unknown where it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.aws.gaps import Gap, GapKind
from governance.core import error_log
from scans.domain import unread as missing
from scans.domain.control import Control, ControlScope
from scans.domain.engine import make_place_outcome, make_unread_outcome
from scans.domain.evidence import GLOBAL, Context, World
from scans.models import PostureCell, Scan, Target
from scans.pipeline.posture_cells import write_account_totals
from scans.pipeline.reconcile import reconcile_findings
from scans.pipeline.scan_totals import JOINED_KEY
from scans.storage import blobs

JOIN_API = "scan.Join"


def add_cross_account_counts(
    target: Target, counts: Mapping[str, int], by_control: Mapping[str, Any], gaps: Iterable[Gap]
) -> None:
    """Add the outcomes of the cross-account evaluation to the Target, once. Call it inside their transaction."""
    fresh = Target.objects.select_for_update().get(pk=target.pk)
    fresh.gaps = missing.add_blocking_gaps(fresh.gaps, gaps)
    if JOINED_KEY not in fresh.counts:
        fresh.counts = dict(Counter(fresh.counts) + Counter(counts) + Counter({JOINED_KEY: 1}))
        fresh.by_control = {**fresh.by_control, **by_control}
    fresh.save(update_fields=["gaps", "counts", "by_control"])


def mark_joined_unknown(scan: Scan, target: Target, controls: list[Control], id: str) -> None:
    """Mark the cross-account controls of this Target unknown, because their evaluation failed.

    id: of the error in the log; empty if the whole evaluation failed, which the Scan itself reports.
    """
    # Keeping the outcomes of an earlier scan would claim that they were confirmed.
    gap = Gap(GapKind.INTERNAL, JOIN_API, "", GLOBAL, f"InternalError {id}".rstrip())
    at = target.collected_at or timezone.now()
    judged = [
        make_place_outcome(*place, make_unread_outcome((gap,)))
        for place in list_unjoined_places(scan, target, controls)
    ]
    try:
        with transaction.atomic():
            done = reconcile_findings(
                scan=scan,
                account=target.account,
                at=at,
                judged=judged,
                judged_places={(item.control.id, item.region) for item in judged},
                world=World(()),
                digests={},
            )
            add_cross_account_counts(target, done.counts, done.by_control, [gap])
    # The task's own time limit says nothing about this Target, so it is not caught here.
    except SoftTimeLimitExceeded:
        raise
    # If even recording the unknown fails, the roll-ups are corrected without Findings: no pass may survive unproved,
    # and the Scan must still end.
    except Exception as error:  # noqa: BLE001 (logged)
        error_log.log_error(
            error,
            f"recording that account {target.account.account_id} was not evaluated across accounts in scan {scan.pk}",
        )
        with transaction.atomic():
            mark_passed_unknown(target, {control.id for control in controls})
            add_cross_account_counts(target, {}, {}, [gap])


def list_unjoined_places(scan: Scan, target: Target, controls: list[Control]) -> list[tuple[Control, Context, str]]:
    """The places where these controls would have been judged."""
    organization, account = scan.organization, target.account.account_id
    context = Context(
        partition=organization.partition, account=account, management_account=organization.management_account_id
    )
    regions = sorted(read_target_regions(target) - {GLOBAL})
    return [
        (control, context, region)
        for control in controls
        if control.scope is not ControlScope.ORGANIZATION or account == organization.management_account_id
        for region in (regions if control.scope is ControlScope.REGION else [GLOBAL])
    ]


def read_target_regions(target: Target) -> set[str]:
    """The regions that were read, or the last known ones if the manifest can't be loaded."""
    try:
        return set(blobs.load_manifest(target.manifest))
    except (LookupError, ValueError):
        return set(target.account.regions)


def mark_passed_unknown(target: Target, controls: set[str]) -> None:
    """Turn passes into unknowns, in the roll-ups only. The last resort."""
    cells = PostureCell.objects.filter(account=target.account, control__in=controls, passed__gt=0)
    cells.update(unknown=F("unknown") + F("passed"), passed=0)
    write_account_totals(target.account, controls)
