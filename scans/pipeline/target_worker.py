"""Does the work on one Target: claim, read, judge, finish.

A message may arrive twice and a process may die at any line. The lease and token in the Target's row decide who works.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

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
from scans.pipeline.target_plan import plan_collection, prepare_scan_sessions, refuse_inactive_account
from scans.storage import blobs
from scans.storage.latest import update_latest_evidence

log = structlog.get_logger(__name__)
MAX_TARGET_ATTEMPTS = failures.MAX_WORK_TRIES


def run_target(target_id: int) -> bool:
    """Do the work on one Target. False: another worker has it, it has ended, or the work could not be finished.

    1. Claim the Target by its lease (target_lease); without the lease, return.
    2. Give up a Target whose work was cut off too often.
    3. Read the account as the scan role while a heartbeat renews the lease (account_reader).
    4. Judge the evidence by the controls that need no other account (target_evaluation).
    5. In one transaction: store evidence, reconcile Findings, update the latest evidence, end the Target.
    6. On failure: free the Target for another try if the error may pass; otherwise end it with its reason.

    A failure affects this Target only. The other Targets of the Scan go on.
    """
    lease = claim_target(target_id)
    if lease is None:
        return False
    counters = Counters()
    try:
        target = Target.objects.select_related("scan__organization", "account__organization").get(pk=target_id)
        process_target(lease, target, counters)
    except (LeaseLostError, account_reader.NoLongerWantedError):
        return log_abandoned_target(lease)
    # BaseException: a worker that is stopped must free its Target too, or the account waits for the lease to expire.
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
    # Only a Target whose process died gets past the limit: an error that was caught has already ended it at the limit.
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
    """Extend the lease. After the hard limit, fail the Target, even if its thread is still running."""
    # A hanging thread can't be stopped in Python, and its heartbeat would keep the Target alive for ever.
    if not wall.passed(time_limits.WALL_SECONDS):
        lease.extend()
    elif lease.held_target().exists():
        time_out_target(lease)


def describe_interruptions(target: Target) -> dict[str, str]:
    """Why a Target is given up after too many attempts: the last recorded reason, or that the workers died."""
    interrupted = f"The work on this account was interrupted {MAX_TARGET_ATTEMPTS} times"
    if target.error:
        return {**target.error, "reason": f"{interrupted}. The last recorded reason: {target.error['reason']}"}
    return {
        "reason": f"{interrupted} (each time a worker died, was killed or ran out of time).",
        "what_to_do": "Check the workers' logs for out-of-memory kills and time limits, then scan the account again.",
    }


def handle_target_failure(lease: Lease, counters: Counters, error: BaseException) -> None:
    """Record the error on the Target. An error that may pass frees it for another try; any other ends it."""
    # First, because a broken connection would also break the queries below, which record the reason.
    failures.drop_broken_connection()
    target = Target.objects.select_related("account").get(pk=lease.target_id)
    problem = failures.record_failure(error, f"scan {target.scan_id}, account {target.account.account_id}")
    if not failures.is_transient(error):
        give_up_target(lease, target.account_id, counters, problem)
    elif not failures.WORK_BACKOFF.is_exhausted(target.attempts):
        # A queued Target with a lease in the future: no worker claims it before then, and the sweeper resends it after.
        free_again = timezone.now() + failures.compute_retry_delay(target.attempts)
        end_target(lease, "release", counters, owner="", lease_until=free_again, finished_at=None, error=problem)
    else:
        reason = f"Given up after {target.attempts} attempts. {problem['reason']}"
        give_up_target(lease, target.account_id, counters, {**problem, "reason": reason})


def read_and_finish_target(lease: Lease, target: Target, counters: Counters) -> None:
    account, scan = target.account, target.scan
    refuse_inactive_account(account)
    controls = target_evaluation.select_scan_controls(scan)
    plan = plan_collection(target, controls, counters)
    plan.still_wanted = lease.held_target().exists
    plan.sessions = prepare_scan_sessions(target, plan.collectors)
    collected = account_reader.collect(plan)
    # The time of the evidence, and the day that time-dependent controls judge by. A replay uses the same one.
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
    """Write everything about the Target in the caller's transaction. end_target checks the token last."""
    manifest_digest, manifest = blobs.store_evidence(collected.evidences)
    digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
    done = reconcile_findings(
        scan=target.scan,
        account=target.account,
        at=judged.at,
        judged=judged.judged,
        judged_places=judged.places,
        world=judged.world,
        settled=judged.settled,
        digests=digests,
    )
    update_latest_evidence(target.account, collected.evidences, digests, judged.at)
    # A replay of this account locks its row (timemachine.replay), so this waits until the replay has committed.
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
    """Record on the Target and the Account why the account can't be read. Its Findings stay unchanged."""
    problem = {"reason": error.reason, "what_to_do": error.what_to_do, "skipped": error.skipped}
    now = timezone.now()
    with transaction.atomic():
        Account.objects.filter(pk=target.account_id).update(unreadable={**problem, "at": now.isoformat()})
        end_target(lease, "miss", counters, error=problem)


def give_up_target(lease: Lease, account_id: int, counters: Counters, problem: Mapping[str, Any]) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account_id).update(unreadable={**problem, "at": timezone.now().isoformat()})
        end_target(lease, "give_up", counters, error=dict(problem))


def time_out_target(lease: Lease, counters: Counters | None = None) -> None:
    """Fail the Target for exceeding its time. The heartbeat may have done the same already."""
    account_id = Target.objects.values_list("account_id", flat=True).get(pk=lease.target_id)
    try:
        give_up_target(lease, account_id, counters or Counters(), time_limits.describe_time_out())
    except LeaseLostError:
        log.info("target.abandoned", target=lease.target_id, why="it ended as its time did")
