"""What becomes of one Target in the joining: counted once, and unknown where joining it failed."""

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
from scans.domain.control import Control, Scope
from scans.domain.engine import about_place, unread
from scans.domain.evidence import GLOBAL, Context, World
from scans.models import PostureCell, Scan, Target
from scans.pipeline.posture_cells import write_totals
from scans.pipeline.reconcile import reconcile
from scans.pipeline.scan_totals import JOINED
from scans.storage import blobs

API = "scan.Join"


def count(target: Target, counts: Mapping[str, int], by_control: Mapping[str, Any], gaps: Iterable[Gap]) -> None:
    """Add a joining's outcomes to the Target, once. Call inside its transaction."""
    fresh = Target.objects.select_for_update().get(pk=target.pk)
    fresh.gaps = missing.with_cost(fresh.gaps, gaps)
    if JOINED not in fresh.counts:
        fresh.counts = dict(Counter(fresh.counts) + Counter(counts) + Counter({JOINED: 1}))
        fresh.by_control = {**fresh.by_control, **by_control}
    fresh.save(update_fields=["gaps", "counts", "by_control"])


def leave_unknown(scan: Scan, target: Target, controls: list[Control], id: str) -> None:
    """Joining this Target failed: its joined controls are unknown, and not what an earlier scan said.

    id: of the error in the log; empty where it is the Scan's own, which says it."""
    gap = Gap(GapKind.INTERNAL, API, "", GLOBAL, f"InternalError {id}".rstrip())
    at = target.collected_at or timezone.now()
    judged = [about_place(*place, unread((gap,))) for place in places(scan, target, controls)]
    try:
        with transaction.atomic():
            done = reconcile(
                scan=scan, account=target.account, at=at, judged=judged,
                judged_places={(item.control.id, item.region) for item in judged}, world=World(()), digests={},
            )  # fmt: skip
            count(target, done.counts, done.by_control, [gap])
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # noqa: BLE001 (recorded; what is left is done without it)
        error_log.record(error, f"keeping that account {target.account.account_id} was not joined in scan {scan.pk}")
        with transaction.atomic():
            blur(target, {control.id for control in controls})
            count(target, {}, {}, [gap])


def places(scan: Scan, target: Target, controls: list[Control]) -> list[tuple[Control, Context, str]]:
    """Where these controls would have been judged."""
    organization, account = scan.organization, target.account.account_id
    context = Context(
        partition=organization.partition, account=account, management_account=organization.management_account_id
    )
    regions = sorted(regions_of(target) - {GLOBAL})
    return [
        (control, context, region)
        for control in controls
        if control.scope is not Scope.ORGANIZATION or account == organization.management_account_id
        for region in (regions if control.scope is Scope.REGION else [GLOBAL])
    ]


def regions_of(target: Target) -> set[str]:
    """The regions that were read; as last known, where what was kept can't be read."""
    try:
        return set(blobs.load_manifest(target.manifest))
    except (LookupError, ValueError):
        return set(target.account.regions)


def blur(target: Target, controls: set[str]) -> None:
    """The last resort, in the roll-ups alone: what passed isn't known to pass."""
    cells = PostureCell.objects.filter(account=target.account, control__in=controls, passed__gt=0)
    cells.update(unknown=F("unknown") + F("passed"), passed=0)
    write_totals(target.account, controls)
