"""What goes wrong in the work on one Account is that Target's alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DataError, OperationalError
from django.utils import timezone

from accounts.models import Account, Organization
from governance.core.policy import SYSTEM
from scans.domain.evidence import GLOBAL, Evidence
from scans.domain.storable_evidence import make_storable
from scans.management.scan_report import list_unread_accounts
from scans.models import EvidenceHead, Finding, Scan, Target
from scans.pipeline import account_reader, completion, failures, target_worker
from scans.pipeline.start import start_scan
from tests.scans.orders import Collect, company, first, in_place_of_aws, read_all, volumes

pytestmark = pytest.mark.django_db

ODD = "111122223334"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[Collect], None]:
    """Replaces AWS: what reading an account gives."""

    def replace(collect: Collect) -> None:
        in_place_of_aws(monkeypatch, collect)

    replace(volumes)
    return replace


@pytest.fixture
def organization() -> Organization:
    return company()


@pytest.fixture
def scan(organization: Organization) -> Scan:
    return start_scan(actor=SYSTEM, organization=organization)


def with_odd_policy(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
    """What the make-believe account holds, and a policy that no database takes as it is."""
    found = volumes(plan)
    kept = Evidence("iam", GLOBAL, types=("iam.policy",))
    statement = {"Sid": "x\ud83d", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*\x00", "n\x00": 1e999}
    arn = f"arn:aws:iam::{plan.account}:policy/odd"
    kept.add("iam.policy", arn, name="odd", document={"Statement": [statement]}, attached_to=["a\ud83d"])
    make_storable(kept)
    found.evidences[GLOBAL, "iam"] = kept
    found.gaps += kept.all_gaps()
    return found


def test_odd_text_is_kept_judged_and_told(scan: Scan, reads: Callable[[Collect], None]) -> None:
    reads(with_odd_policy)
    read_all(scan)
    completion.advance_scan(scan.pk)
    assert set(scan.targets.values_list("state", flat=True)) == {"done"}
    assert {gap["code"] for gap in odd(scan).gaps} >= {"TextReplaced"}
    finding = Finding.objects.filter(account=odd(scan).account, resource__endswith="policy/odd").first()
    assert finding is not None
    finding.refresh_from_db()
    (statement,) = finding.facts["document"]["Statement"]
    assert statement == {
        "Sid": "x\ufffd", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*\ufffd", "n\ufffd": "Infinity",
    }  # fmt: skip
    said = [line for line in list_unread_accounts(scan) if "iam.policy.document has characters" in line]
    assert any("(TextReplaced)" in line for line in said)


def failing(error: BaseException, account: str = ODD) -> Collect:
    def collect(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        if plan.account == account:
            raise error
        return volumes(plan)

    return collect


def odd(scan: Scan) -> Target:
    return scan.targets.select_related("account").get(account__account_id=ODD)


DEFECTS = [
    UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"), ValueError("4300 digits"), RecursionError(),
    DataError("unsupported Unicode escape sequence"), ZeroDivisionError(), RuntimeError("dictionary changed size"),
]  # fmt: skip


@pytest.mark.parametrize("error", DEFECTS, ids=lambda error: type(error).__name__)
def test_a_defect_fails_one_account_and_the_scan_ends_partial(
    scan: Scan, reads: Callable[[Collect], None], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    reads(failing(error))
    read_all(scan)
    assert completion.advance_scan(scan.pk) == []
    scan.refresh_from_db()
    assert (scan.state, scan.totals["unreadable"]) == ("partial", 1)
    target = odd(scan)
    assert (target.state, target.lease_until) == ("failed", None)
    assert type(error).__name__ in target.error["reason"]
    assert target.account.unreadable["reason"] == target.error["reason"]
    assert sorted(scan.targets.values_list("state", flat=True)) == ["done", "done", "failed"]
    id = target.error["reason"].partition("(error ")[2][:8]
    assert f"Internal error {id}" in caplog.text


def test_evidence_that_can_not_be_kept_fails_its_account_alone(scan: Scan, reads: Callable[[Collect], None]) -> None:
    """On the way into the database, in the transaction of the Target."""

    def collect(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        found = volumes(plan)
        if plan.account == ODD:
            kept = Evidence("iam", "r" * 40, types=("iam.root",))
            kept.add("iam.root", "arn", odd=object())
            found.evidences["r" * 40, "iam"] = kept
        return found

    reads(collect)
    read_all(scan)
    assert odd(scan).state == "failed"
    assert not EvidenceHead.objects.filter(account=odd(scan).account).exists()
    assert scan.targets.filter(state="done").count() == 2


@pytest.mark.parametrize(
    "error", [OperationalError("disk full"), OSError(28, "No space left on device"), MemoryError()]
)
def test_transient_failure_requeues_the_target(scan: Scan, reads: Callable[[Collect], None], error: Exception) -> None:
    reads(failing(error))
    assert target_worker.run_target(odd(scan).pk) is False
    target = odd(scan)
    assert (target.state, target.owner, target.finished_at) == ("queued", "", None)
    assert target.lease_until is not None
    assert target.lease_until <= timezone.now() + failures.compute_retry_delay(1)
    assert target.account.unreadable is None
    reads(volumes)
    assert target_worker.run_target(target.pk) is True
    assert (odd(scan).state, odd(scan).error) == ("done", None)


def test_target_is_given_up_after_last_try_with_reason(scan: Scan, reads: Callable[[Collect], None]) -> None:
    for number in range(target_worker.MAX_TARGET_ATTEMPTS):
        reads(failing(OperationalError(f"the disk is full, {number}")))
        assert odd(scan).state == "queued"
        target_worker.run_target(odd(scan).pk)
    target = odd(scan)
    assert (target.state, target.attempts) == ("failed", target_worker.MAX_TARGET_ATTEMPTS)
    assert f"Given up after {target_worker.MAX_TARGET_ATTEMPTS} attempts" in target.error["reason"]
    assert f"the disk is full, {target_worker.MAX_TARGET_ATTEMPTS - 1}" in target.error["reason"]
    assert "memory" not in target.error["what_to_do"]


def test_worker_death_after_failure_keeps_recorded_reason(scan: Scan, reads: Callable[[Collect], None]) -> None:
    reads(failing(OperationalError("the disk is full")))
    target_worker.run_target(odd(scan).pk)
    Target.objects.filter(pk=odd(scan).pk).update(attempts=target_worker.MAX_TARGET_ATTEMPTS)
    target_worker.run_target(odd(scan).pk)
    assert odd(scan).state == "failed"
    assert "was interrupted" in odd(scan).error["reason"]
    assert "the disk is full" in odd(scan).error["reason"]


def test_a_process_that_is_stopped_frees_its_target_and_stops(scan: Scan, reads: Callable[[Collect], None]) -> None:
    reads(failing(SystemExit(0)))
    with pytest.raises(SystemExit):
        target_worker.run_target(odd(scan).pk)
    assert odd(scan).state == "queued"


def test_lost_lease_on_unreadable_account_is_no_error(scan: Scan, reads: Callable[[Collect], None]) -> None:
    def taken_over(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        Target.objects.filter(pk=first(scan).pk).update(token=99)
        raise account_reader.AccountUnreadableError("AWS refused.", "Deploy the scan role.")

    reads(taken_over)
    assert target_worker.run_target(first(scan).pk) is False
    assert (first(scan).state, first(scan).error) == ("running", None)
    assert Account.objects.exclude(unreadable=None).count() == 0


def test_lost_lease_during_failure_is_no_error(scan: Scan, reads: Callable[[Collect], None]) -> None:
    def taken_over(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        Target.objects.filter(pk=first(scan).pk).update(token=99)
        raise ZeroDivisionError

    reads(taken_over)
    assert target_worker.run_target(first(scan).pk) is False
    assert first(scan).state == "running"


def test_lost_lease_while_giving_up_is_no_error(
    scan: Scan, reads: Callable[[Collect], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    Target.objects.filter(pk=first(scan).pk).update(attempts=target_worker.MAX_TARGET_ATTEMPTS)
    cut_off = target_worker.describe_interruptions

    def taken_over(target: Target) -> dict[str, str]:
        Target.objects.filter(pk=target.pk).update(token=99)
        return cut_off(target)

    monkeypatch.setattr(target_worker, "describe_interruptions", taken_over)
    assert target_worker.run_target(first(scan).pk) is False
    assert first(scan).state == "running"


def test_failed_second_visit_keeps_first_for_joining(scan: Scan, reads: Callable[[Collect], None]) -> None:
    read_all(scan)
    manifest = odd(scan).manifest
    Target.objects.filter(pk=odd(scan).pk).update(state="queued", visit=2)
    reads(failing(ZeroDivisionError()))
    target_worker.run_target(odd(scan).pk)
    completion.advance_scan(scan.pk)
    scan.refresh_from_db()
    target = odd(scan)
    assert (scan.state, target.state, target.manifest) == ("partial", "failed", manifest)
    assert "joined" in target.counts
