"""From the last Target to the end of a Scan: revisit, join, complete. Every step may be repeated."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import structlog
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.aws.gaps import Gap
from governance.core.policy import SYSTEM
from governance.core.states import SCAN, TARGET, TARGET_ENDED
from governance.core.transitions import LostRaceError, move
from scans import evaluation, hooks, joining, missing, registry, store
from scans.holders import me
from scans.models import Scan, Target
from scans.reconcile import reconcile
from scans.sums import JOINED, sums_of

log = structlog.get_logger(__name__)
JOIN_LEASE = timedelta(minutes=15)


def advance(scan_id: int) -> list[int]:
    """Take a Scan as far as it can go. Returns the ids of Targets that must be visited again.

    Several workers may find at once that nothing is left to read; one of them goes on."""
    scan = Scan.objects.select_related("organization").get(pk=scan_id)
    if scan.state not in {"running", "joining"} or unfinished(scan).exists() or not take(scan):
        return []
    try:
        return go_on(scan)
    except BaseException:
        let_go(scan)  # the next sweep tries again, not the one after the lease
        raise


def is_ready(scan: Scan) -> bool:
    """Whether nothing of this Scan, which hasn't ended, is left to read, and nobody takes it forward."""
    held = Scan.objects.filter(pk=scan.pk, lease_until__gt=timezone.now())
    return not held.exists() and not unfinished(scan).exists()


def go_on(scan: Scan) -> list[int]:
    if scan.state == "running":
        # Looked at again, now that nobody else can queue a second visit.
        again = [] if unfinished(scan).exists() else revisit(scan)
        if unfinished(scan).exists():
            let_go(scan)
            return again
        try:
            move(scan, SCAN, "join", actor=SYSTEM)
        except LostRaceError:
            return []  # it was cancelled meanwhile
    join(scan)
    return []


def take(scan: Scan) -> bool:
    """Losing means that another worker is taking the Scan forward. If that one dies, the sweeper comes again."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    taken = Scan.objects.filter(free, pk=scan.pk, state__in=["running", "joining"]).update(
        lease_until=now + JOIN_LEASE, owner=me()
    )
    scan.refresh_from_db(fields=["state", "lease_until"])
    return bool(taken)


def hold(scan: Scan) -> bool:
    """Extend a lease that is half used up: joining very many accounts outlasts one. False: it was lost."""
    now = timezone.now()
    if scan.lease_until is not None and scan.lease_until - now > JOIN_LEASE / 2:
        return True
    scan.lease_until = now + JOIN_LEASE
    return bool(Scan.objects.filter(pk=scan.pk, owner=me()).update(lease_until=scan.lease_until))


def let_go(scan: Scan) -> None:
    Scan.objects.filter(pk=scan.pk, owner=me()).update(lease_until=None)


def unfinished(scan: Scan) -> models.QuerySet[Target]:
    return scan.targets.exclude(state__in=TARGET_ENDED)


def revisit(scan: Scan) -> list[int]:
    """Queue the owners of buckets that others' settings point at and that were not looked at yet."""
    controls = [c.control for c in evaluation.controls_of(scan)]
    if "s3_buckets" not in registry.needed(controls):
        return []
    inbound = joining.inbound_of(scan.organization)
    again: list[int] = []
    targets = scan.targets.filter(state="done", visit=1, account__account_id__in=inbound).select_related("account")
    for target in targets:
        wanted = inbound[target.account.account_id]
        if any(set(kinds) - set(target.inbound.get(name, ())) for name, kinds in wanted.items()):
            again += [target.pk] * target.__class__.objects.filter(pk=target.pk, state="done", visit=1).update(
                state=TARGET.target("revisit"), visit=2, inbound=wanted, attempts=0, lease_until=None, finished_at=None
            )
    return again


def join(scan: Scan) -> None:
    """Judge the controls that need the whole organization, then end the Scan."""
    joined = joining.joined_context(scan)
    Scan.objects.filter(pk=scan.pk).update(joined_context=store.keep_context(joined))
    scan.refresh_from_db()
    controls = [c for c in evaluation.controls_of(scan) if c.control.joins]
    if controls:
        foreign = missing.of_others(joined)
        for target in scan.targets.filter(state="done").select_related("account").iterator(chunk_size=200):
            if not hold(scan):
                log.info("scan.abandoned", scan=scan.pk, why="another worker joins its accounts")
                return
            join_target(scan, target, controls, foreign)
    try:
        complete(scan)
    except LostRaceError:
        log.info("scan.abandoned", scan=scan.pk, why="cancelled while its accounts were joined")


def join_target(scan: Scan, target: Target, controls: list[registry.LoadedControl], foreign: frozenset[Gap]) -> None:
    manifest = store.load_manifest(target.manifest)
    wanted = {registry.types()[t] for c in controls for t in (*c.control.facts, *c.control.related)}
    evidences = store.load_evidence(manifest, wanted)
    at = target.collected_at or timezone.now()
    judged = evaluation.judge_target(scan, target.account, evidences, controls, at=at, joined=True)
    digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
    with transaction.atomic():
        done = reconcile(
            scan=scan, account=target.account, at=at, judged=judged.judged, judged_places=judged.places,
            world=judged.world, digests=digests,
        )  # fmt: skip
        if JOINED not in target.counts:
            merged = Counter(target.counts) + done.counts + Counter({JOINED: 1})
            Target.objects.filter(pk=target.pk, state="done").update(
                counts=dict(merged), by_control={**target.by_control, **done.by_control},
                gaps=missing.with_cost(target.gaps, missing.cost(judged.judged, foreign)),
            )  # fmt: skip


def complete(scan: Scan) -> None:
    totals = totals_of(scan)
    event = "complete_partly" if totals["partial"] else "complete"
    with transaction.atomic():
        move(scan, SCAN, event, actor=SYSTEM, finished_at=timezone.now(), totals=totals, lease_until=None)
        for listen in hooks.after_completion:
            listen(scan)


def totals_of(scan: Scan) -> dict[str, Any]:
    """Sums over the Scan's Targets: accounts by state, calls, outcomes by verdict, gaps."""
    return sums_of(scan.targets.all()).totals()
