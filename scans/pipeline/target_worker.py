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
from scans.pipeline.heartbeat import kept_up
from scans.pipeline.reconcile import reconcile
from scans.pipeline.scan_totals import with_events
from scans.pipeline.target_lease import Lease, LeaseLostError, claim, end
from scans.pipeline.target_plan import plan_of, refuse_unreadable, scan_role
from scans.storage import blobs
from scans.storage.latest import move_heads

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = failures.TRIES


def run_target(target_id: int) -> bool:
    """Do one Target's work. False: it wasn't ours to do (done, cancelled, or somebody else's), or not to the end.

    Whatever goes wrong is this Target's alone: it ends with its reason, or is free again for another try."""
    lease = claim(target_id)
    if lease is None:
        return False
    counters = Counters()
    try:
        target = Target.objects.select_related("scan__organization", "account__organization").get(pk=target_id)
        work_on(lease, target, counters)
    except (LeaseLostError, account_reader.NoLongerWantedError):
        return abandoned(lease)
    except BaseException as error:
        try:
            fail(lease, counters, error)
        except LeaseLostError:
            abandoned(lease)
        if not isinstance(error, Exception):
            raise  # this process is being stopped
        return False
    return True


def abandoned(lease: Lease) -> bool:
    log.info("target.abandoned", target=lease.target_id, why="cancelled, or its lease was lost")
    return False


def work_on(lease: Lease, target: Target, counters: Counters) -> None:
    if target.attempts > MAX_ATTEMPTS:
        give_up(lease, target.account_id, counters, cut_off(target))
        return
    try:
        with kept_up(partial(sign_of_life, lease, time_limits.of_target()), f"heartbeat of target {lease.target_id}"):
            read_and_finish(lease, target, counters)
    except account_reader.AccountUnreadableError as error:
        miss(lease, target, counters, error)
    except (time_limits.OutOfTimeError, SoftTimeLimitExceeded):
        run_out(lease, counters)


def sign_of_life(lease: Lease, wall: Deadline) -> None:
    """Extend the lease; beyond the wall the Target has failed, whatever its work is still at."""
    if not wall.passed(time_limits.WALL):
        lease.extend()
    elif lease.holders().exists():
        run_out(lease)


def cut_off(target: Target) -> dict[str, str]:
    """Why a Target is given up that was begun too often: what a try recorded last or, where none could, that they died."""
    begun = f"The work on this account was cut off {MAX_ATTEMPTS} times"
    if target.error:
        return {**target.error, "reason": f"{begun}. The last reason that was recorded: {target.error['reason']}"}
    return {
        "reason": f"{begun} (a worker died, was killed or ran out of time each time).",
        "what_to_do": "Look for out-of-memory kills and time limits in the workers' logs, then start a new scan of the account.",
    }


def fail(lease: Lease, counters: Counters, error: BaseException) -> None:
    """Say on the Target what went wrong. What may pass frees it for another try, so many times; the rest ends it."""
    failures.mend_connection()
    target = Target.objects.select_related("account").get(pk=lease.target_id)
    said = failures.told(error, f"scan {target.scan_id}, account {target.account.account_id}")
    if not failures.may_pass(error):
        give_up(lease, target.account_id, counters, said)
    elif target.attempts < MAX_ATTEMPTS:
        free_again = timezone.now() + failures.pause(target.attempts)
        end(lease, "release", counters, owner="", lease_until=free_again, finished_at=None, error=said)
    else:
        reason = f"Given up after {target.attempts} tries. {said['reason']}"
        give_up(lease, target.account_id, counters, {**said, "reason": reason})


def read_and_finish(lease: Lease, target: Target, counters: Counters) -> None:
    account, scan = target.account, target.scan
    refuse_unreadable(account)
    controls = target_evaluation.controls_of(scan)
    plan = plan_of(target, controls, counters)
    plan.still_wanted = lease.holders().exists
    with acting_as(scan_role(target, plan.collectors)):
        collected = account_reader.collect(plan)
    at = timezone.now()
    run = time_limits.judge(plan.deadline)
    judged = target_evaluation.judge_target(scan, account, collected.evidences, controls, at=at, joined=False, run=run)
    with transaction.atomic():
        finish(lease, target, collected, judged, counters)


def finish(
    lease: Lease,
    target: Target,
    collected: account_reader.Collected,
    judged: target_evaluation.JudgedTarget,
    counters: Counters,
) -> None:
    """All of the Target's writes, fenced by the token: one transaction, or nothing."""
    manifest_digest, manifest = blobs.keep_evidence(collected.evidences)
    digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
    done = reconcile(
        scan=target.scan, account=target.account, at=judged.at, judged=judged.judged,
        judged_places=judged.places, world=judged.world, digests=digests,
    )  # fmt: skip
    move_heads(target.account, collected.evidences, digests, judged.at)
    remember_account(target.account, collected, judged.at)
    end(
        lease, "finish", counters, collected_at=judged.at, manifest=manifest_digest,
        counts=with_events(done.counts, target.counts), by_control=done.by_control, error=None,
        gaps=unread.with_cost([gap.as_dict() for gap in collected.gaps], unread.cost(judged.judged)),
    )  # fmt: skip


def remember_account(account: Account, collected: account_reader.Collected, at: Any) -> None:
    Account.objects.filter(pk=account.pk).update(
        regions=collected.statuses or account.regions, last_good_scan_at=at, unreadable=None
    )


def miss(lease: Lease, target: Target, counters: Counters, error: account_reader.AccountUnreadableError) -> None:
    """The account can't be read: say why on the Target and on the Account; its Findings stay as they are."""
    said = {"reason": error.reason, "what_to_do": error.what_to_do, "skipped": error.skipped}
    now = timezone.now()
    with transaction.atomic():
        Account.objects.filter(pk=target.account_id).update(unreadable={**said, "at": now.isoformat()})
        end(lease, "miss", counters, error=said)


def give_up(lease: Lease, account_id: int, counters: Counters, said: Mapping[str, Any]) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account_id).update(unreadable={**said, "at": timezone.now().isoformat()})
        end(lease, "give_up", counters, error=dict(said))


def run_out(lease: Lease, counters: Counters | None = None) -> None:
    """Whatever the work is still at, it is not waited for. The heartbeat says so too, and may come first."""
    account_id = Target.objects.values_list("account_id", flat=True).get(pk=lease.target_id)
    try:
        give_up(lease, account_id, counters or Counters(), time_limits.reason())
    except LeaseLostError:
        log.info("target.abandoned", target=lease.target_id, why="it ended as its time did")
