"""Claiming, fencing, giving up, cancelling, resuming: the row decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Organization
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Actor, GrantFact, NotPermittedError, Role, ScopeKind
from scans.domain.evidence import Evidence
from scans.errors import ScanRequestError
from scans.models import Blob, EvidenceHead, Scan, Target
from scans.pipeline import account_reader, completion, target_lease, target_worker, time_limits
from scans.pipeline.start import cancel_scan, resume_scan, start_scan

pytestmark = pytest.mark.django_db

Collect = Callable[[account_reader.CollectionPlan], account_reader.CollectionResult]


@pytest.fixture
def organization() -> Organization:
    made = Organization.objects.create(org_id="o-1", partition="aws", management_account_id="111122223333")
    for number, name in enumerate(("management", "payments", "sandbox")):
        Account.objects.create(organization=made, account_id=f"{111122223333 + number}", name=name)
    return made


@pytest.fixture
def scan(organization: Organization) -> Scan:
    return start_scan(actor=SYSTEM, organization=organization)


def nothing_found(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
    evidence = Evidence("ec2_account", "eu-west-1", types=("ec2.ebs_default",))
    evidence.add("ec2.ebs_default", f"arn:aws:ec2:eu-west-1:{plan.account}:ebs-encryption-by-default", enabled=True)
    return account_reader.CollectionResult(
        {("eu-west-1", "ec2_account"): evidence}, {"eu-west-1": "ENABLED"}, ["eu-west-1"], []
    )


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[Collect], None]:
    """Replaces AWS: what reading an account gives."""

    def replace(collect: Collect) -> None:
        monkeypatch.setattr(target_worker, "prepare_scan_sessions", lambda target, collectors: None)
        monkeypatch.setattr(account_reader, "collect", collect)

    replace(nothing_found)
    return replace


def first(scan: Scan) -> Target:
    target = scan.targets.order_by("id").first()
    assert target is not None
    return target


def test_starting_makes_one_target_an_account_and_an_audit_row(scan: Scan) -> None:
    assert scan.state == "running"
    assert scan.targets.count() == 3
    assert AuditEvent.objects.filter(action="scan.start", subject=f"scan:{scan.pk}").exists()


def test_a_second_message_for_the_same_target_loses(scan: Scan) -> None:
    assert target_lease.claim_target(first(scan).pk) is not None
    assert target_lease.claim_target(first(scan).pk) is None


def test_expired_lease_is_reclaimed_and_fences_old_owner(scan: Scan, reads: Callable[[Collect], None]) -> None:
    target = first(scan)
    zombie = target_lease.claim_target(target.pk)
    assert zombie
    Target.objects.filter(pk=target.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert target_worker.run_target(target.pk) is True
    target.refresh_from_db()
    with pytest.raises(target_lease.LeaseLostError):
        target_lease.end_target(zombie, "finish", account_reader.Counters())
    assert target.state == "done"


def test_a_lease_lost_while_reading_writes_nothing(scan: Scan, reads: Callable[[Collect], None]) -> None:
    def taken_over_meanwhile(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        Target.objects.filter(pk=first(scan).pk).update(token=99)
        return nothing_found(plan)

    reads(taken_over_meanwhile)
    assert target_worker.run_target(first(scan).pk) is False
    assert not EvidenceHead.objects.exists()
    assert first(scan).state == "running"


def test_a_done_target_is_not_done_again(scan: Scan, reads: Callable[[Collect], None]) -> None:
    assert target_worker.run_target(first(scan).pk) is True
    assert target_worker.run_target(first(scan).pk) is False


def test_killed_workers_target_fails_after_last_attempt(scan: Scan, reads: Callable[[Collect], None]) -> None:
    target = first(scan)
    for _ in range(target_worker.MAX_TARGET_ATTEMPTS):
        assert target_lease.claim_target(target.pk)
        Target.objects.filter(pk=target.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert target_worker.run_target(target.pk) is True
    target.refresh_from_db()
    assert target.state == "failed"
    assert target.error is not None
    assert "was interrupted" in target.error["reason"]
    assert "out of time" in target.error["reason"]


def test_a_scan_with_a_failed_target_ends_partial(scan: Scan, reads: Callable[[Collect], None]) -> None:
    Target.objects.filter(pk=first(scan).pk).update(state="failed", error={"reason": "r", "what_to_do": "w"})
    for target in scan.targets.filter(state="queued"):
        target_worker.run_target(target.pk)
    completion.advance_scan(scan.pk)
    scan.refresh_from_db()
    assert (scan.state, scan.totals["unreadable"]) == ("partial", 1)


def test_suspended_account_does_not_make_scan_partial(
    organization: Organization, reads: Callable[[Collect], None]
) -> None:
    organization.accounts.filter(name="sandbox").update(status=Account.Status.SUSPENDED)
    scan = start_scan(actor=SYSTEM, organization=organization)
    for target in scan.targets.all():
        target_worker.run_target(target.pk)
    completion.advance_scan(scan.pk)
    scan.refresh_from_db()
    assert scan.state == "done"
    assert "SUSPENDED" in organization.accounts.get(name="sandbox").unreadable["reason"]


def test_an_unreadable_account_says_why_and_keeps_its_findings(scan: Scan, reads: Callable[[Collect], None]) -> None:
    def refuse(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        raise account_reader.AccountUnreadableError("AWS refused.", "Deploy the scan role.")

    reads(refuse)
    target_worker.run_target(first(scan).pk)
    target = first(scan)
    assert (target.state, target.error["what_to_do"]) == ("unreadable", "Deploy the scan role.")
    assert target.account.unreadable["reason"] == "AWS refused."


def test_rescanning_an_unchanged_account_writes_no_evidence(
    organization: Organization, reads: Callable[[Collect], None]
) -> None:
    def run() -> None:
        scan = start_scan(actor=SYSTEM, organization=organization)
        for target in scan.targets.all():
            target_worker.run_target(target.pk)
        completion.advance_scan(scan.pk)

    run()
    before = (Blob.objects.count(), list(EvidenceHead.objects.values_list("digest", "changed_at")))
    run()
    assert (Blob.objects.count(), list(EvidenceHead.objects.values_list("digest", "changed_at"))) == before


def test_resume_reads_only_unread_accounts(scan: Scan, reads: Callable[[Collect], None]) -> None:
    target_worker.run_target(first(scan).pk)
    cancel_scan(actor=SYSTEM, scan=scan)
    assert sorted(scan.targets.values_list("state", flat=True)) == ["cancelled", "cancelled", "done"]
    assert target_lease.claim_target(scan.targets.filter(state="cancelled").first().pk) is None
    resume_scan(actor=SYSTEM, scan=scan)
    assert sorted(scan.targets.values_list("state", flat=True)) == ["done", "queued", "queued"]


def test_a_target_that_is_cancelled_while_reading_writes_nothing(scan: Scan, reads: Callable[[Collect], None]) -> None:
    def cancelled_meanwhile(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        cancel_scan(actor=SYSTEM, scan=scan)
        return nothing_found(plan)

    reads(cancelled_meanwhile)
    assert target_worker.run_target(first(scan).pk) is False
    assert not EvidenceHead.objects.exists()


def test_an_ended_scan_can_be_neither_cancelled_nor_resumed(scan: Scan) -> None:
    Scan.objects.filter(pk=scan.pk).update(state="done")
    scan.refresh_from_db()
    with pytest.raises(ScanRequestError, match="already ended"):
        cancel_scan(actor=SYSTEM, scan=scan)
    with pytest.raises(ScanRequestError, match="only a cancelled scan"):
        resume_scan(actor=SYSTEM, scan=scan)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"accounts": ["999999999999"]}, "Unknown account: 999999999999"),
        ({"ous": ["ou-none"]}, "Unknown OU: ou-none"),
        ({"regions": ["eu-nowhere-1"]}, "Unknown region: eu-nowhere-1"),
        ({"controls": ["SSM-ZZ-999"]}, "Unknown control: SSM-ZZ-999"),
    ],
)
def test_unknown_ids_are_refused_by_name(organization: Organization, asked: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ScanRequestError, match=message):
        start_scan(actor=SYSTEM, organization=organization, **asked)
    assert not Scan.objects.exists()


def person(role: Role, scope: ScopeKind, scope_id: str) -> Actor:
    return Actor(name="p", grants=(GrantFact(role, scope, scope_id),), user_id=1)


def test_starting_a_scan_needs_permission_for_its_scope(organization: Organization) -> None:
    operator = person(Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")
    assert start_scan(actor=operator, organization=organization).targets.count() == 3
    one = person(Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, "111122223334")
    assert start_scan(actor=one, organization=organization, accounts=["111122223334"]).targets.count() == 1
    for actor, accounts in (
        (person(Role.AUDITOR, ScopeKind.ORGANIZATION, "o-1"), []),
        (person(Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-2"), []),
        (one, []),
        (one, ["111122223335"]),
    ):
        with pytest.raises(NotPermittedError):
            start_scan(actor=actor, organization=organization, accounts=accounts)


def test_past_time_limit_lease_ends_and_target_fails(
    scan: Scan, reads: Callable[[Collect], None], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """The heartbeat's own thread would need a connection of its own, so its sign is given here."""
    settings.TARGET_SECONDS = -time_limits.WALL_SECONDS
    signs: list[Callable[[], None]] = []

    @contextmanager
    def kept_up(extend: Callable[[], None], _name: str) -> Iterator[None]:
        signs.append(extend)
        yield

    def beating_meanwhile(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        signs[0]()
        assert first(scan).state == "failed"
        signs[0]()
        return nothing_found(plan)

    monkeypatch.setattr(target_worker, "keep_lease_alive", kept_up)
    reads(beating_meanwhile)
    target_worker.run_target(first(scan).pk)
    target = first(scan)
    assert (target.state, target.lease_until, target.attempts) == ("failed", None, 1)
    assert "exceeded its time limit" in target.error["reason"]
    assert target.account.unreadable["reason"] == target.error["reason"]
    assert not EvidenceHead.objects.exists()


def test_endless_judging_fails_target_as_out_of_time(
    scan: Scan, reads: Callable[[Collect], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: Any, **__: Any) -> None:
        raise time_limits.OutOfTimeError

    reads(nothing_found)
    monkeypatch.setattr(target_worker.target_evaluation, "evaluate_target", endless)
    assert target_worker.run_target(first(scan).pk) is True
    assert (first(scan).state, first(scan).error) == ("failed", time_limits.describe_time_out())
