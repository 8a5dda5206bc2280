"""Takes a Scan from its last Target to its end: second visits, cross-account evaluation, completion.

A worker may die in any step, so every step can be repeated without counting anything twice.
"""

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
from governance.core.claims import claim_rows, extend_claim
from governance.core.policy import SYSTEM
from governance.core.states import SCAN, TARGET, TARGET_ENDED
from governance.core.transitions import LostRaceError, move_state
from scans import hooks, registry
from scans.domain import unread
from scans.models import Scan, Target
from scans.pipeline import cross_account, failures, inbound_keys, target_evaluation, unjoined_targets
from scans.pipeline.heartbeat import LEASE_DURATION, keep_lease_alive
from scans.pipeline.leases import lease_owner
from scans.pipeline.reconcile import reconcile_findings
from scans.pipeline.scan_totals import sum_targets
from scans.storage import blobs

log = structlog.get_logger(__name__)
# In a Scan's totals: how often its end was tried, and errors that belong to no account.
TRIES_KEY, ERRORS_KEY = "tries", "errors"


def advance_scan(scan_id: int) -> list[int]:
    """Take a Scan as far as possible. Returns the ids of Targets that must be visited a second time.

    1. Return unless every Target has ended and this worker gets the Scan's lease.
    2. Queue second visits (queue_second_visits). If there are any, release the lease and return their ids.
    3. Move the Scan to "joining".
    4. Store the organization's context and judge the controls that need it, Target by Target.
    5. Sum up the totals, end the Scan and notify the listeners.

    Several workers can notice the end of the last Target at the same time; the lease lets one of them go on.
    """
    scan = Scan.objects.select_related("organization").get(pk=scan_id)
    if scan.state not in {"running", "joining"} or list_unfinished_targets(scan).exists() or not claim_scan(scan):
        return []
    try:
        with keep_lease_alive(lambda: renew_scan_lease(scan), f"heartbeat of scan {scan_id}"):
            return continue_scan(scan)
    except BaseException:
        # Released, so that the sweeper tries again soon instead of waiting until the lease has expired.
        release_scan_lease(scan, scan.totals.get(TRIES_KEY, 0))
        raise


def is_ready_to_advance(scan: Scan) -> bool:
    """Whether every Target of this running Scan has ended and no worker holds its lease."""
    held = Scan.objects.filter(pk=scan.pk, lease_until__gt=timezone.now())
    return not held.exists() and not list_unfinished_targets(scan).exists()


def continue_scan(scan: Scan) -> list[int]:
    if scan.state == "running":
        # Checked again under the lease: another worker may have queued second visits since advance_scan looked.
        again = [] if list_unfinished_targets(scan).exists() else queue_second_visits(scan)
        if list_unfinished_targets(scan).exists():
            release_scan_lease(scan)
            return again
        try:
            move_state(scan, SCAN, "join", actor=SYSTEM)
        except LostRaceError:
            return []  # it was cancelled in the meantime
    run_cross_account_phase(scan)
    return []


def claim_scan(scan: Scan) -> bool:
    """Claim the Scan's lease. False: another worker has it. If that one dies, the sweeper tries again."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    free_scan = Scan.objects.filter(free, pk=scan.pk, state__in=["running", "joining"])
    taken = claim_rows(free_scan, now + LEASE_DURATION, owner=lease_owner())
    scan.refresh_from_db(fields=["state", "lease_until"])
    return bool(taken)


def filter_held_scan(scan: Scan) -> models.QuerySet[Scan]:
    return Scan.objects.filter(pk=scan.pk, owner=lease_owner(), lease_until__isnull=False)


def renew_scan_lease(scan: Scan) -> None:
    """Extend the lease, since evaluating many accounts takes longer than one lease."""
    extend_claim(filter_held_scan(scan), LEASE_DURATION)


def release_scan_lease(scan: Scan, tries: int = 0) -> None:
    """tries: how often it failed with transient errors. With any, the lease ends a little later instead of now."""
    free_at = timezone.now() + failures.compute_retry_delay(tries) if tries else None
    Scan.objects.filter(pk=scan.pk, owner=lease_owner()).update(lease_until=free_at)


def register_retry(scan: Scan, error: Exception) -> bool:
    """Whether the step should be tried again by the sweeper. Counts the attempt."""
    if isinstance(error, SoftTimeLimitExceeded):
        return True  # the task's time is over, which says nothing about the account or step in work
    if not failures.is_transient(error) or is_last_try(scan):
        return False
    failures.drop_broken_connection()
    scan.refresh_from_db(fields=["totals"])
    scan.totals = {**scan.totals, TRIES_KEY: scan.totals.get(TRIES_KEY, 0) + 1}
    Scan.objects.filter(pk=scan.pk).update(totals=scan.totals)
    return True


def is_last_try(scan: Scan) -> bool:
    return failures.WORK_BACKOFF.is_exhausted(scan.totals.get(TRIES_KEY, 0) + 1)


def record_scan_error(scan: Scan, error: Exception, doing: str) -> None:
    """Store an error that belongs to no account, for the Scan's report, page and API."""
    problem = failures.record_failure(error, f"{doing} of scan {scan.pk}")
    scan.totals = {**scan.totals, ERRORS_KEY: [*scan.totals.get(ERRORS_KEY, []), {"what": doing, **problem}]}
    Scan.objects.filter(pk=scan.pk).update(totals=scan.totals)


def queue_second_visits(scan: Scan) -> list[int]:
    """Queue second visits. If that fails for good, the Scan goes on, and what they would have read is unknown."""
    try:
        with transaction.atomic():
            return requeue_owners(scan)
    except Exception as error:
        if register_retry(scan, error):
            raise
        record_scan_error(scan, error, "finding the accounts to read again")
        return []


def list_unfinished_targets(scan: Scan) -> models.QuerySet[Target]:
    return scan.targets.exclude(state__in=TARGET_ENDED)


def requeue_owners(scan: Scan) -> list[int]:
    """Queue the owners of buckets and keys that other accounts' settings name, if they were not read for that yet."""
    controls = [c.control for c in target_evaluation.select_scan_controls(scan)]
    # A limited scan whose controls look at neither needs no second visit.
    inbound = inbound_keys.find_inbound_resources(scan.organization, registry.find_needed_collectors(controls))
    again: list[int] = []
    targets = scan.targets.filter(state="done", visit=1, account__account_id__in=inbound).select_related("account")
    for target in targets:
        wanted = inbound[target.account.account_id]
        if any(set(kinds) - set(target.inbound.get(name, ())) for name, kinds in wanted.items()):
            # update() returns 0 if another worker was faster, and then the id must not be sent twice.
            again += [target.pk] * target.__class__.objects.filter(pk=target.pk, state="done", visit=1).update(
                state=TARGET.target("revisit"),
                visit=2,
                inbound=wanted,
                attempts=0,
                lease_until=timezone.now(),
                finished_at=None,
            )
    return again


def run_cross_account_phase(scan: Scan) -> None:
    """Judge the controls that need the whole organization, then complete the Scan."""
    controls = [c for c in target_evaluation.select_scan_controls(scan) if c.control.needs_organization]
    try:
        foreign = store_organization_context(scan)
    except Exception as error:
        if register_retry(scan, error):
            raise
        record_scan_error(scan, error, "cross-account evaluation")
        foreign = None
    if controls:
        for target in list_read_targets(scan).iterator(chunk_size=200):
            # Checked for each Target: the heartbeat can't extend a lease that was lost, and two workers must not go on.
            if not filter_held_scan(scan).exists():
                log.info("scan.abandoned", scan=scan.pk, why="another worker evaluates its accounts")
                return
            try_cross_evaluate_target(scan, target, controls, foreign)
    try:
        complete_scan(scan)
    except LostRaceError:
        log.info("scan.abandoned", scan=scan.pk, why="cancelled during the cross-account evaluation")
    except failures.INFRASTRUCTURE_ERRORS as error:
        # Counted here, because a count inside the failed transaction would be rolled back.
        register_retry(scan, error)
        raise


def store_organization_context(scan: Scan) -> frozenset[Gap]:
    """Store the context of the whole organization. Returns the gaps in it that belong to other accounts."""
    joined = cross_account.build_organization_context(scan)
    foreign = unread.list_foreign_gaps(joined)
    Scan.objects.filter(pk=scan.pk).update(joined_context=blobs.store_context(joined))
    scan.refresh_from_db()
    return foreign


def list_read_targets(scan: Scan) -> models.QuerySet[Target]:
    """The Targets that this Scan read, including those whose second visit failed."""
    return scan.targets.filter(Q(state="done") | Q(visit__gt=1) & ~Q(manifest="")).select_related("account")


def try_cross_evaluate_target(
    scan: Scan, target: Target, controls: list[registry.LoadedControl], foreign: frozenset[Gap] | None
) -> None:
    """Evaluate one Target across accounts. A failure makes its outcomes unknown and doesn't stop the other Targets.

    foreign None: the organization's context could not be stored, so every outcome is unknown.
    """
    try:
        if foreign is not None:
            cross_evaluate_target(scan, target, controls, foreign)
            return
    except Exception as error:
        if register_retry(scan, error):
            raise
        id = error_log.log_error(
            error, f"cross-account evaluation of account {target.account.account_id} in scan {scan.pk}"
        )
    else:
        id = ""
    unjoined_targets.mark_joined_unknown(scan, target, [c.control for c in controls], id)


def cross_evaluate_target(
    scan: Scan, target: Target, controls: list[registry.LoadedControl], foreign: frozenset[Gap]
) -> None:
    manifest = blobs.load_manifest(target.manifest)
    evidences = blobs.load_manifest_evidence(manifest, target_evaluation.select_collectors(controls))
    at = target.collected_at or timezone.now()
    judged = target_evaluation.evaluate_target(scan, target.account, evidences, controls, at=at, joined=True)
    digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
    with transaction.atomic():
        done = reconcile_findings(
            scan=scan,
            account=target.account,
            at=at,
            judged=judged.judged,
            judged_places=judged.places,
            world=judged.world,
            settled=judged.settled,
            digests=digests,
        )
        unjoined_targets.add_cross_account_counts(
            target, done.counts, done.by_control, unread.list_blocking_gaps(judged.judged, foreign)
        )


def complete_scan(scan: Scan) -> None:
    totals = sum_scan_totals(scan)
    event = "complete_partly" if totals["partial"] else "complete"
    last = is_last_try(scan)
    # The state moves before the listeners run: move_state fails if the scan was cancelled, and then no listener runs.
    with transaction.atomic():
        move_state(scan, SCAN, event, actor=SYSTEM, finished_at=timezone.now(), totals=totals, lease_until=None)
        for listen in hooks.extensions.required().after_completion:
            notify_listener(scan, listen, last=last)


def notify_listener(scan: Scan, listen: Callable[[Scan], None], *, last: bool) -> None:
    """Call a listener. If it fails, its writes are rolled back and the Scan records the error; others still run."""
    # The nested atomic is a savepoint. A transient error is raised so that the whole completion is tried again, except
    # in the last attempt, when the Scan must end.
    try:
        with transaction.atomic():
            listen(scan)
    except Exception as error:
        if isinstance(error, SoftTimeLimitExceeded) or (failures.is_transient(error) and not last):
            raise
        record_scan_error(scan, error, "follow-up work (tickets)")


def sum_scan_totals(scan: Scan) -> dict[str, Any]:
    """Sums over the Scan's Targets: accounts by state, calls, outcomes by verdict, gaps. Errors make it partial."""
    totals, errors = sum_targets(scan.targets.all()).totals(), scan.totals.get(ERRORS_KEY, [])
    return {**totals, "partial": True, ERRORS_KEY: errors} if errors else totals
