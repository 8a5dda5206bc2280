"""The work on one Target: claim it, read it, judge it, finish it. A message may come twice; a
process may die at any line: the row decides, by lease and token."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from accounts.aws.assume import acting_as
from accounts.aws.deadline import Deadline
from accounts.aws.reader import Counters
from accounts.models import Account
from scans.domain import unread
from scans.models import Target
from scans.pipeline import account_reader, failures, target_evaluation, time_limits
from scans.pipeline.heartbeat import keep_lease_alive
from scans.pipeline.reconcile import reconcile_findings
from scans.pipeline.scan_totals import carry_over_events
from scans.pipeline.target_lease import Lease, LeaseLostError, claim_target, end_target
from scans.pipeline.target_plan import assume_scan_role, plan_collection, refuse_inactive_account
from scans.storage import blobs
from scans.storage.latest import update_latest_evidence

log = structlog.get_logger(__name__)
MAX_TARGET_ATTEMPTS = failures.MAX_WORK_TRIES


def run_target(target_id: int) -> bool:
    """Do one Target's work. False: it wasn't ours to do (done, cancelled, or somebody else's), or not to the end.

    Whatever goes wrong is this Target's alone: it ends with its reason, or is free again for another try."""
    lease = claim_target(target_id)
    if lease is None:
        return False
    counters = Counters()
    try:
        target = Target.objects.select_related("scan__organization", "account__organization").get(pk=target_id)
        process_target(lease, target, counters)
    except (LeaseLostError, account_reader.NoLongerWantedError):
        return log_abandoned_target(lease)
    except BaseException as error:
        try:
            handle_target_failure(lease, counters, error)
        except LeaseLostError:
            log_abandoned_target(lease)
        if not isinstance(error, Exception):
            raise  # this process is being stopped
        return False
    return True


def log_abandoned_target(lease: Lease) -> bool:
    log.info("target.abandoned", target=lease.target_id, why="cancelled, or its lease was lost")
    return False


def process_target(lease: Lease, target: Target, counters: Counters) -> None:
    if target.attempts > MAX_TARGET_ATTEMPTS:
        give_up_target(lease, target.account_id, counters, describe_interruptions(target))
        return
    try:
        with keep_lease_alive(
            partial(renew_target_lease, lease, time_limits.start_target_deadline()),
            f"heartbeat of target {lease.target_id}",
        ):
            read_and_finish_target(lease, target, counters)
    except account_reader.AccountUnreadableError as error:
        mark_target_unreadable(lease, target, counters, error)
    except (time_limits.OutOfTimeError, SoftTimeLimitExceeded):
        time_out_target(lease, counters)


def renew_target_lease(lease: Lease, wall: Deadline) -> None:
    """Extend the lease; beyond the wall the Target has failed, whatever its work is still at."""
    if not wall.passed(time_limits.WALL_SECONDS):
        lease.extend()
    elif lease.held_target().exists():
        time_out_target(lease)


def describe_interruptions(target: Target) -> dict[str, str]:
    """Why a Target is given up that was begun too often: what a try recorded last or, where none could, that they died."""
    begun = f"The work on this account was cut off {MAX_TARGET_ATTEMPTS} times"
    if target.error:
        return {**target.error, "reason": f"{begun}. The last reason that was recorded: {target.error['reason']}"}
    return {
        "reason": f"{begun} (a worker died, was killed or ran out of time each time).",
        "what_to_do": "Look for out-of-memory kills and time limits in the workers' logs, then start a new scan of the account.",
    }


def handle_target_failure(lease: Lease, counters: Counters, error: BaseException) -> None:
    """Say on the Target what went wrong. What may pass frees it for another try, so many times; the rest ends it."""
    failures.drop_broken_connection()
    target = Target.objects.select_related("account").get(pk=lease.target_id)
    said = failures.record_failure(error, f"scan {target.scan_id}, account {target.account.account_id}")
    if not failures.is_transient(error):
        give_up_target(lease, target.account_id, counters, said)
    elif not failures.WORK_BACKOFF.is_exhausted(target.attempts):
        free_again = timezone.now() + failures.compute_retry_delay(target.attempts)
        end_target(lease, "release", counters, owner="", lease_until=free_again, finished_at=None, error=said)
    else:
        reason = f"Given up after {target.attempts} tries. {said['reason']}"
        give_up_target(lease, target.account_id, counters, {**said, "reason": reason})


def read_and_finish_target(lease: Lease, target: Target, counters: Counters) -> None:
    account, scan = target.account, target.scan
    refuse_inactive_account(account)
    controls = target_evaluation.select_scan_controls(scan)
    plan = plan_collection(target, controls, counters)
    plan.still_wanted = lease.held_target().exists
    with acting_as(assume_scan_role(target, plan.collectors)):
        collected = account_reader.collect(plan)
    at = timezone.now()
    run = time_limits.make_timed_runner(plan.deadline)
    judged = target_evaluation.evaluate_target(
        scan, account, collected.evidences, controls, at=at, joined=False, run=run
    )
    with transaction.atomic():
        finish_target(lease, target, collected, judged, counters)


def finish_target(
    lease: Lease,
    target: Target,
    collected: account_reader.CollectionResult,
    judged: target_evaluation.TargetEvaluation,
    counters: Counters,
) -> None:
    """All of the Target's writes, fenced by the token: one transaction, or nothing."""
    manifest_digest, manifest = blobs.store_evidence(collected.evidences)
    digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
    done = reconcile_findings(
        scan=target.scan,
        account=target.account,
        at=judged.at,
        judged=judged.judged,
        judged_places=judged.places,
        world=judged.world,
        digests=digests,
    )
    update_latest_evidence(target.account, collected.evidences, digests, judged.at)
    record_account_reading(target.account, collected, judged.at)
    end_target(
        lease,
        "finish",
        counters,
        collected_at=judged.at,
        manifest=manifest_digest,
        counts=carry_over_events(done.counts, target.counts),
        by_control=done.by_control,
        error=None,
        gaps=unread.add_blocking_gaps(
            [gap.as_dict() for gap in collected.gaps], unread.list_blocking_gaps(judged.judged)
        ),
    )


def record_account_reading(account: Account, collected: account_reader.CollectionResult, at: Any) -> None:
    Account.objects.filter(pk=account.pk).update(
        regions=collected.statuses or account.regions, last_good_scan_at=at, unreadable=None
    )


def mark_target_unreadable(
    lease: Lease, target: Target, counters: Counters, error: account_reader.AccountUnreadableError
) -> None:
    """The account can't be read: say why on the Target and on the Account; its Findings stay as they are."""
    said = {"reason": error.reason, "what_to_do": error.what_to_do, "skipped": error.skipped}
    now = timezone.now()
    with transaction.atomic():
        Account.objects.filter(pk=target.account_id).update(unreadable={**said, "at": now.isoformat()})
        end_target(lease, "miss", counters, error=said)


def give_up_target(lease: Lease, account_id: int, counters: Counters, said: Mapping[str, Any]) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account_id).update(unreadable={**said, "at": timezone.now().isoformat()})
        end_target(lease, "give_up", counters, error=dict(said))


def time_out_target(lease: Lease, counters: Counters | None = None) -> None:
    """Whatever the work is still at, it is not waited for. The heartbeat says so too, and may come first."""
    account_id = Target.objects.values_list("account_id", flat=True).get(pk=lease.target_id)
    try:
        give_up_target(lease, account_id, counters or Counters(), time_limits.describe_time_out())
    except LeaseLostError:
        log.info("target.abandoned", target=lease.target_id, why="it ended as its time did")
