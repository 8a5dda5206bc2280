"""The work on one Target: claim it, read it, judge it, finish it. A message may come twice; a
process may die at any line: the row decides, by lease and token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from accounts.aws.assume import AssumedRole, AssumeError, acting_as, assume
from accounts.aws.deadline import Deadline
from accounts.aws.endpoints import home_region
from accounts.aws.reader import Counters
from accounts.models import Account
from governance.core.states import TARGET
from scans import budget, evaluation, failures, missing, registry, runner, store
from scans.collector import VALUE_ROLE
from scans.evidence import Evidence, parse
from scans.heads import move_heads
from scans.holders import me
from scans.leases import LEASE, kept_up
from scans.models import EvidenceHead, Target
from scans.reconcile import reconcile
from scans.sums import with_events
from scans.values import ValueRole, no_role

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = failures.TRIES


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim on a Target. Whoever holds the highest token owns it; older ones write nothing."""

    target_id: int
    token: int

    def holders(self) -> models.QuerySet[Target]:
        return Target.objects.filter(pk=self.target_id, token=self.token, state="running")

    def extend(self) -> None:
        self.holders().update(lease_until=timezone.now() + LEASE)


class LeaseLostError(Exception):
    """Somebody else owns the Target now, or it was cancelled: nothing may be written."""


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
    except (LeaseLostError, runner.NoLongerWantedError):
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
        with kept_up(partial(sign_of_life, lease, budget.of_target()), f"heartbeat of target {lease.target_id}"):
            read_and_finish(lease, target, counters)
    except runner.AccountUnreadableError as error:
        miss(lease, target, counters, error)
    except (budget.OutOfTimeError, SoftTimeLimitExceeded):
        run_out(lease, counters)


def sign_of_life(lease: Lease, wall: Deadline) -> None:
    """Extend the lease; beyond the wall the Target has failed, whatever its work is still at."""
    if not wall.passed(budget.WALL):
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


def claim(target_id: int) -> Lease | None:
    """Take a queued Target, or one whose lease ran out. Losing means that another worker has it."""
    now = timezone.now()
    free = models.Q(state="queued") | models.Q(state="running", lease_until__lt=now)
    claimed = Target.objects.filter(free, pk=target_id, scan__state__in=["queued", "running", "joining"]).update(
        state=TARGET.target("claim"),
        owner=me(),
        token=models.F("token") + 1,
        attempts=models.F("attempts") + 1,
        lease_until=now + LEASE,
        started_at=now,
    )
    if not claimed:
        return None
    return Lease(target_id, Target.objects.values_list("token", flat=True).get(pk=target_id))


def read_and_finish(lease: Lease, target: Target, counters: Counters) -> None:
    account, scan = target.account, target.scan
    refuse_unreadable(account)
    controls = evaluation.controls_of(scan)
    plan = plan_of(target, controls, counters)
    plan.still_wanted = lease.holders().exists
    with acting_as(scan_role(target, plan.collectors)):
        collected = runner.collect(plan)
    at = timezone.now()
    run = budget.judge(plan.deadline)
    judged = evaluation.judge_target(scan, account, collected.evidences, controls, at=at, joined=False, run=run)
    with transaction.atomic():
        finish(lease, target, collected, judged, counters)


def plan_of(target: Target, controls: list[registry.LoadedControl], counters: Counters) -> runner.Plan:
    scan, account = target.scan, target.account
    asked = scan.asked.get("regions", [])
    collectors = (
        registry.needed([c.control for c in controls]) if scan.asked.get("controls") else set(registry.collectors())
    )
    prior: dict[tuple[str, str], Evidence] = {}
    if target.visit > 1:
        # Only what other accounts' settings point at is new: what stands by itself was just read.
        first = {name for name in collectors if registry.collectors()[name].collector.stage == 0}
        prior = store.load_evidence(store.load_manifest(target.manifest), first)
    return runner.Plan(
        account=account.account_id,
        partition=account.organization.partition,
        collectors=collectors,
        regions_wanted=tuple(asked or settings.SCAN_REGIONS),
        regions_limited=bool(asked),
        inbound={name: tuple(kinds) for name, kinds in target.inbound.items()},
        context=store.load_context(scan.context, account=account.account_id, as_of=""),
        prior=prior,
        counters=counters,
        before=remembered(account, collectors),
        value_role=ValueRole(lambda: value_role(target, collectors)),
    )


def remembered(account: Account, collectors: set[str]) -> dict[tuple[str, str], Evidence]:
    """The evidence of the last scan that a collector builds upon; none where values aren't inspected."""
    if not settings.VALUE_ROLE:
        return {}
    names = {wanted for name in collectors for wanted in registry.collectors()[name].collector.remembers}
    heads = list(EvidenceHead.objects.filter(account=account, collector__in=names))
    contents = store.load(head.digest for head in heads)
    return {(head.region, head.collector): parse(contents[head.digest]) for head in heads}


def refuse_unreadable(account: Account) -> None:
    if account.status != Account.Status.ACTIVE:
        raise runner.AccountUnreadableError(
            f"The account is {account.status} in the organization, so AWS lets nobody assume a role in it.",
            "Nothing, or reactivate the account; it is listed so that nobody takes it for read.",
            skipped=True,
        )


def scan_role(target: Target, collectors: set[str]) -> Any:
    account = target.account
    try:
        return assume(
            account.account_id,
            partition=account.organization.partition,
            role=settings.SCAN_ROLE,
            external_id=settings.EXTERNAL_ID,
            session_name=f"tutela-scan-{target.scan_id}-{target.pk}",
            actions=runner.session_policy(collectors),
            region=home_region(account.organization.partition),
        )
    except AssumeError as error:
        raise runner.AccountUnreadableError(error.reason, error.what_to_do) from error


def value_role(target: Target, collectors: set[str]) -> AssumedRole:
    """The role that may read values. Raises AssumeError, which then is the gap of each value."""
    if not settings.VALUE_ROLE:
        raise no_role()
    account = target.account
    return assume(
        account.account_id,
        partition=account.organization.partition,
        role=settings.VALUE_ROLE,
        external_id=settings.EXTERNAL_ID,
        session_name=f"tutela-values-{target.scan_id}-{target.pk}",
        actions=runner.session_policy(collectors, VALUE_ROLE),
        region=home_region(account.organization.partition),
    )


def finish(
    lease: Lease, target: Target, collected: runner.Collected, judged: evaluation.JudgedTarget, counters: Counters
) -> None:
    """All of the Target's writes, fenced by the token: one transaction, or nothing."""
    manifest_digest, manifest = store.keep_evidence(collected.evidences)
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
        gaps=missing.with_cost([gap.as_dict() for gap in collected.gaps], missing.cost(judged.judged)),
    )  # fmt: skip


def remember_account(account: Account, collected: runner.Collected, at: Any) -> None:
    Account.objects.filter(pk=account.pk).update(
        regions=collected.statuses or account.regions, last_good_scan_at=at, unreadable=None
    )


def miss(lease: Lease, target: Target, counters: Counters, error: runner.AccountUnreadableError) -> None:
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
        give_up(lease, account_id, counters or Counters(), budget.reason())
    except LeaseLostError:
        log.info("target.abandoned", target=lease.target_id, why="it ended as its time did")


def end(lease: Lease, event: str, counters: Counters, **fields: Any) -> None:
    written: dict[str, Any] = {"finished_at": timezone.now(), "lease_until": None, **fields}
    ended = lease.holders().update(
        state=TARGET.target(event),
        calls=models.F("calls") + counters.calls,
        retries=models.F("retries") + counters.retries,
        **written,
    )
    if not ended:
        # Rolls the transaction back: a zombie's writes never land.
        raise LeaseLostError(f"target {lease.target_id} is no longer ours")
