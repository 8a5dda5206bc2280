"""From the last Target to the end of a Scan: revisit, join, complete. Every step may be repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.aws.gaps import Gap
from governance.core import error_log
from governance.core.policy import SYSTEM
from governance.core.states import SCAN, TARGET, TARGET_ENDED
from governance.core.transitions import LostRaceError, move
from scans import hooks, registry
from scans.domain import unread
from scans.models import Scan, Target
from scans.pipeline import cross_account, failures, target_evaluation, unjoined_targets
from scans.pipeline.heartbeat import LEASE, kept_up
from scans.pipeline.leases import me
from scans.pipeline.reconcile import reconcile
from scans.pipeline.scan_totals import sums_of
from scans.storage import blobs

log = structlog.get_logger(__name__)
# In a Scan's totals: how often its end was tried, and errors that belong to no account.
TRIES, ERRORS = "tries", "errors"


def advance(scan_id: int) -> list[int]:
    """Take a Scan as far as it can go. Returns the ids of Targets that must be visited again.

    Several workers may find at once that nothing is left to read; one of them goes on."""
    scan = Scan.objects.select_related("organization").get(pk=scan_id)
    if scan.state not in {"running", "joining"} or unfinished(scan).exists() or not take(scan):
        return []
    try:
        with kept_up(lambda: extend(scan), f"heartbeat of scan {scan_id}"):
            return go_on(scan)
    except BaseException:
        let_go(scan, scan.totals.get(TRIES, 0))  # a sweep tries again soon, and not when the lease has run out
        raise


def is_ready(scan: Scan) -> bool:
    """Whether nothing of this Scan, which hasn't ended, is left to read, and nobody takes it forward."""
    held = Scan.objects.filter(pk=scan.pk, lease_until__gt=timezone.now())
    return not held.exists() and not unfinished(scan).exists()


def go_on(scan: Scan) -> list[int]:
    if scan.state == "running":
        # Looked at again, now that nobody else can queue a second visit.
        again = [] if unfinished(scan).exists() else visit_again(scan)
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
        lease_until=now + LEASE, owner=me()
    )
    scan.refresh_from_db(fields=["state", "lease_until"])
    return bool(taken)


def holders(scan: Scan) -> models.QuerySet[Scan]:
    return Scan.objects.filter(pk=scan.pk, owner=me(), lease_until__isnull=False)


def extend(scan: Scan) -> None:
    """A sign of life: joining very many accounts outlasts a lease."""
    holders(scan).update(lease_until=timezone.now() + LEASE)


def let_go(scan: Scan, tries: int = 0) -> None:
    """tries: how often it failed in ways that may pass; the next one waits a little."""
    free_at = timezone.now() + failures.pause(tries) if tries else None
    Scan.objects.filter(pk=scan.pk, owner=me()).update(lease_until=free_at)


def try_again(scan: Scan, error: Exception) -> bool:
    """Whether what failed may pass and wasn't tried too often: the sweeper then comes again."""
    if isinstance(error, SoftTimeLimitExceeded):
        return True  # the time of this task is over, which says nothing of the account or the step that it was at
    if not failures.may_pass(error) or is_last_try(scan):
        return False
    failures.mend_connection()
    scan.refresh_from_db(fields=["totals"])
    scan.totals = {**scan.totals, TRIES: scan.totals.get(TRIES, 0) + 1}
    Scan.objects.filter(pk=scan.pk).update(totals=scan.totals)
    return True


def is_last_try(scan: Scan) -> bool:
    return bool(scan.totals.get(TRIES, 0) + 1 >= failures.TRIES)


def tell(scan: Scan, error: Exception, doing: str) -> None:
    """Remember an error that belongs to no account, for the Scan's report, page and API."""
    said = failures.told(error, f"{doing} of scan {scan.pk}")
    scan.totals = {**scan.totals, ERRORS: [*scan.totals.get(ERRORS, []), {"what": doing, **said}]}
    Scan.objects.filter(pk=scan.pk).update(totals=scan.totals)


def visit_again(scan: Scan) -> list[int]:
    """As revisit. If that fails, what owners would have told is not known, and so unknown where it counts."""
    try:
        with transaction.atomic():
            return revisit(scan)
    except Exception as error:
        if try_again(scan, error):
            raise
        tell(scan, error, "finding the accounts to visit again")
        return []


def unfinished(scan: Scan) -> models.QuerySet[Target]:
    return scan.targets.exclude(state__in=TARGET_ENDED)


def revisit(scan: Scan) -> list[int]:
    """Queue the owners of buckets that others' settings point at and that were not looked at yet."""
    controls = [c.control for c in target_evaluation.controls_of(scan)]
    if "s3_buckets" not in registry.needed(controls):
        return []
    inbound = cross_account.inbound_of(scan.organization)
    again: list[int] = []
    targets = scan.targets.filter(state="done", visit=1, account__account_id__in=inbound).select_related("account")
    for target in targets:
        wanted = inbound[target.account.account_id]
        if any(set(kinds) - set(target.inbound.get(name, ())) for name, kinds in wanted.items()):
            again += [target.pk] * target.__class__.objects.filter(pk=target.pk, state="done", visit=1).update(
                state=TARGET.target("revisit"), visit=2, inbound=wanted, attempts=0, lease_until=timezone.now(),
                finished_at=None,
            )  # fmt: skip
    return again


def join(scan: Scan) -> None:
    """Judge the controls that need the whole organization, then end the Scan."""
    controls = [c for c in target_evaluation.controls_of(scan) if c.control.joins]
    try:
        foreign = prepare(scan)
    except Exception as error:
        if try_again(scan, error):
            raise
        tell(scan, error, "joining what the accounts' evidence says of each other")
        foreign = None
    if controls:
        for target in read_targets(scan).iterator(chunk_size=200):
            if not holders(scan).exists():
                log.info("scan.abandoned", scan=scan.pk, why="another worker joins its accounts")
                return
            join_apart(scan, target, controls, foreign)
    try:
        complete(scan)
    except LostRaceError:
        log.info("scan.abandoned", scan=scan.pk, why="cancelled while its accounts were joined")
    except failures.PASSING as error:
        try_again(scan, error)  # counted outside of the transaction that failed
        raise


def prepare(scan: Scan) -> frozenset[Gap]:
    """Keep what the organization's accounts say of each other. Returns the gaps in it that are other accounts'."""
    joined = cross_account.joined_context(scan)
    foreign = unread.of_others(joined)
    Scan.objects.filter(pk=scan.pk).update(joined_context=blobs.keep_context(joined))
    scan.refresh_from_db()
    return foreign


def read_targets(scan: Scan) -> models.QuerySet[Target]:
    """What this Scan read: also an account whose second visit failed."""
    return scan.targets.filter(Q(state="done") | Q(visit__gt=1) & ~Q(manifest="")).select_related("account")


def join_apart(
    scan: Scan, target: Target, controls: list[registry.LoadedControl], foreign: frozenset[Gap] | None
) -> None:
    """Join one Target. A failure is recorded there, leaves unknown what could not be judged, and ends nothing else.

    foreign None: what the accounts say of each other isn't known."""
    try:
        if foreign is not None:
            join_target(scan, target, controls, foreign)
            return
    except Exception as error:
        if try_again(scan, error):
            raise
        id = error_log.record(error, f"joining account {target.account.account_id} in scan {scan.pk}")
    else:
        id = ""
    unjoined_targets.leave_unknown(scan, target, [c.control for c in controls], id)


def join_target(scan: Scan, target: Target, controls: list[registry.LoadedControl], foreign: frozenset[Gap]) -> None:
    manifest = blobs.load_manifest(target.manifest)
    wanted = {registry.types()[t] for c in controls for t in (*c.control.facts, *c.control.related)}
    evidences = blobs.load_evidence(manifest, wanted)
    at = target.collected_at or timezone.now()
    judged = target_evaluation.judge_target(scan, target.account, evidences, controls, at=at, joined=True)
    digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
    with transaction.atomic():
        done = reconcile(
            scan=scan, account=target.account, at=at, judged=judged.judged, judged_places=judged.places,
            world=judged.world, digests=digests,
        )  # fmt: skip
        unjoined_targets.count(target, done.counts, done.by_control, unread.cost(judged.judged, foreign))


def complete(scan: Scan) -> None:
    totals = totals_of(scan)
    event = "complete_partly" if totals["partial"] else "complete"
    last = is_last_try(scan)
    with transaction.atomic():
        move(scan, SCAN, event, actor=SYSTEM, finished_at=timezone.now(), totals=totals, lease_until=None)
        for listen in hooks.after_completion:
            retell(scan, listen, last=last)


def retell(scan: Scan, listen: Callable[[Scan], None], *, last: bool) -> None:
    """A listener that fails takes nobody's result with it; what it wrote is undone, and the Scan says that it failed."""
    try:
        with transaction.atomic():
            listen(scan)
    except Exception as error:
        if isinstance(error, SoftTimeLimitExceeded) or (failures.may_pass(error) and not last):
            raise
        tell(scan, error, "follow-up work (tickets)")


def totals_of(scan: Scan) -> dict[str, Any]:
    """Sums over the Scan's Targets: accounts by state, calls, outcomes by verdict, gaps."""
    totals, errors = sums_of(scan.targets.all()).totals(), scan.totals.get(ERRORS, [])
    return {**totals, "partial": True, ERRORS: errors} if errors else totals
