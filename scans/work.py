"""The work on one Target: claim it, read it, judge it, finish it. A message may come twice; a
process may die at any line: the row decides, by lease and token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from accounts.aws.assume import AssumedRole, AssumeError, acting_as, assume
from accounts.aws.endpoints import home_region
from accounts.aws.reader import Counters
from accounts.models import Account
from governance.core.states import TARGET
from scans import budget, evaluation, missing, registry, runner, store
from scans.collector import VALUE_ROLE
from scans.evidence import Evidence, parse
from scans.heads import move_heads
from scans.holders import me
from scans.models import EvidenceHead, Target
from scans.reconcile import reconcile
from scans.sums import with_events
from scans.values import ValueRole, no_role

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 5
HEARTBEAT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim on a Target. Whoever holds the highest token owns it; older ones write nothing."""

    target_id: int
    token: int

    def holders(self) -> models.QuerySet[Target]:
        return Target.objects.filter(pk=self.target_id, token=self.token, state="running")


class LeaseLostError(Exception):
    """Somebody else owns the Target now, or it was cancelled: nothing may be written."""


def run_target(target_id: int) -> bool:
    """Do one Target's work. False: it wasn't ours to do (done, cancelled, or somebody else's)."""
    lease = claim(target_id)
    if lease is None:
        return False
    target = Target.objects.select_related("scan__organization", "account__organization").get(pk=target_id)
    if target.attempts > MAX_ATTEMPTS:
        give_up(lease, target)
        return True
    counters = Counters()
    try:
        with heartbeat(lease):
            read_and_finish(lease, target, counters)
    except runner.AccountUnreadableError as error:
        miss(lease, target, counters, error)
    except budget.OutOfTimeError:
        run_out(lease, counters)
    except (LeaseLostError, runner.NoLongerWantedError):
        log.info("target.abandoned", target=target_id, why="cancelled, or its lease was lost")
        return False
    return True


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


@contextmanager
def heartbeat(lease: Lease) -> Iterator[None]:
    """Extend the lease while the work goes on, from a thread of its own. Beyond the wall the Target has failed."""
    stop = threading.Event()
    wall = budget.of_target()

    def beat() -> None:
        from django.db import connection

        while not stop.wait(HEARTBEAT_SECONDS):
            if wall.passed(budget.WALL):
                run_out(lease)
                break
            lease.holders().update(lease_until=timezone.now() + LEASE)
        connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{lease.target_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


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


def give_up(lease: Lease, target: Target) -> None:
    said = {
        "reason": f"The work on this account was cut off {MAX_ATTEMPTS} times (a worker died, was killed or ran out of "
        "time each time).",
        "what_to_do": "Look for out-of-memory kills and time limits in the workers' logs, then start a new scan of the "
        "account.",
    }
    fail(lease, target.account_id, Counters(), said)


def run_out(lease: Lease, counters: Counters | None = None) -> None:
    """Whatever the work is still at, it is not waited for. The heartbeat says so too, and may come first."""
    account_id = Target.objects.values_list("account_id", flat=True).get(pk=lease.target_id)
    try:
        fail(lease, account_id, counters or Counters(), budget.reason())
    except LeaseLostError:
        log.info("target.abandoned", target=lease.target_id, why="it ended as its time did")


def fail(lease: Lease, account_id: int, counters: Counters, said: dict[str, Any]) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account_id).update(unreadable={**said, "at": timezone.now().isoformat()})
        end(lease, "give_up", counters, error=said)


def end(lease: Lease, event: str, counters: Counters, **fields: Any) -> None:
    ended = lease.holders().update(
        state=TARGET.target(event),
        finished_at=timezone.now(),
        lease_until=None,
        calls=models.F("calls") + counters.calls,
        retries=models.F("retries") + counters.retries,
        **fields,
    )
    if not ended:
        # Rolls the transaction back: a zombie's writes never land.
        raise LeaseLostError(f"target {lease.target_id} is no longer ours")
