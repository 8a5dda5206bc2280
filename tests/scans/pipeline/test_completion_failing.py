"""A failure while a Scan ends is its account's or its step's alone, and leaves unknown what could not be judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.utils import timezone

from accounts.models import Organization
from governance.core.policy import SYSTEM
from scans import registry
from scans.domain.control import ControlScope
from scans.hooks import extensions
from scans.management.scan_report import list_unread_accounts
from scans.models import AccountTotal, Finding, PostureCell, Scan, Target
from scans.pipeline import completion, cross_account, failures, reconcile, unjoined_targets
from scans.pipeline.start import start_scan
from tests.scans.orders import REGION, company, in_place_of_aws, read_all
from tests.scans.pipeline.test_completion import state

pytestmark = pytest.mark.django_db

ODD = "111122223334"
JOINED = [item.control for item in registry.controls().values() if item.control.needs_organization]
Break = Callable[[Exception], None]


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> Organization:
    in_place_of_aws(monkeypatch)
    return company()


@pytest.fixture
def scan(organization: Organization) -> Scan:
    made = start_scan(actor=SYSTEM, organization=organization)
    read_all(made)
    return made


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Makes joining one account fail."""
    join_target = completion.cross_evaluate_target

    def install(error: Exception) -> None:
        def joined(scan: Scan, target: Target, *rest: Any) -> None:
            if target.account.account_id == ODD:
                raise error
            join_target(scan, target, *rest)

        monkeypatch.setattr(completion, "cross_evaluate_target", joined)

    return install


def odd(scan: Scan) -> Target:
    return scan.targets.get(account__account_id=ODD)


def test_account_that_fails_to_join_does_not_stop_others(scan: Scan, fails: Break) -> None:
    fails(ZeroDivisionError())
    completion.advance_scan(scan.pk)
    assert state(scan) == "partial"
    (gap,) = [gap for gap in odd(scan).gaps if gap["api"] == "scan.Join"]
    assert (gap["kind"], gap["code"][:13]) == ("internal", "InternalError")
    for target in scan.targets.all():
        assert target.counts["joined"] == 1
        assert ("scan.Join" in str(target.gaps)) == (target.pk == odd(scan).pk)
    (line,) = [line for line in list_unread_accounts(scan) if "scan.Join" in line]
    assert ODD in line
    assert "InternalError " in line


def test_unjoined_account_is_unknown_and_passes_no_more(scan: Scan, fails: Break) -> None:
    control = next(c for c in JOINED if c.scope is ControlScope.GLOBAL)
    account = odd(scan).account
    PostureCell.objects.update_or_create(
        account=account, region="global", control=control.id, defaults={"passed": 7, "changed_at": timezone.now()}
    )
    fails(ZeroDivisionError())
    completion.advance_scan(scan.pk)
    cell = PostureCell.objects.get(account=account, region="global", control=control.id)
    assert (cell.passed, cell.failed, cell.unknown) == (0, 0, 1)
    for each in JOINED:
        if each.scope is not ControlScope.ORGANIZATION:
            place = REGION if each.scope is ControlScope.REGION else "global"
            finding = Finding.objects.get(account=account, control=each.id, region=place)
            assert (finding.verdict, finding.gaps[0]["kind"]) == ("unknown", "internal")
    assert odd(scan).by_control[control.id] == {"unknown": 1}


def test_if_even_that_can_not_be_kept_the_figures_say_unknown(
    scan: Scan, fails: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    control, account = JOINED[0], odd(scan).account
    PostureCell.objects.update_or_create(
        account=account, region="global", control=control.id,
        defaults={"passed": 7, "failed": 1, "unknown": 0, "not_applicable": 0, "changed_at": timezone.now()},
    )  # fmt: skip
    fails(ZeroDivisionError())
    monkeypatch.setattr(unjoined_targets, "reconcile_findings", lambda **_: 1 // 0)
    completion.advance_scan(scan.pk)
    assert state(scan) == "partial"
    cell = PostureCell.objects.get(account=account, region="global", control=control.id)
    assert (cell.passed, cell.failed, cell.unknown) == (0, 1, 7)
    assert AccountTotal.objects.get(account=account, control=control.id).passed == 0


def test_database_error_in_one_account_spares_others(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL a failed statement spoils its transaction: each account has its own."""
    write = reconcile.write_findings

    def spoiled(batch: reconcile.FindingChanges) -> None:
        if batch.account.account_id == ODD and not any("scan.Join" in str(f.gaps) for f in batch.new):
            with connection.cursor() as cursor:
                cursor.execute("insert into scans_finding (id) values (1)")
        write(batch)

    monkeypatch.setattr(reconcile, "write_findings", spoiled)
    completion.advance_scan(scan.pk)
    assert state(scan) == "partial"
    assert [gap["api"] for gap in odd(scan).gaps] == ["scan.Join"]


def test_transient_join_failure_is_retried_up_to_a_limit(scan: Scan, fails: Break) -> None:
    fails(OperationalError("database is locked"))
    for number in range(1, failures.MAX_WORK_TRIES):
        with pytest.raises(OperationalError):
            completion.advance_scan(scan.pk)
        assert state(scan) == "joining"
        assert scan.totals["tries"] == number
        assert scan.lease_until is not None
        assert scan.lease_until <= timezone.now() + failures.compute_retry_delay(number)
        assert completion.advance_scan(scan.pk) == []  # not before its time
        Scan.objects.filter(pk=scan.pk).update(lease_until=timezone.now())
    completion.advance_scan(scan.pk)
    assert state(scan) == "partial"
    assert [gap["api"] for gap in odd(scan).gaps] == ["scan.Join"]
    assert "tries" not in scan.totals


def test_the_end_of_a_tasks_time_is_no_accounts_failure(scan: Scan, fails: Break) -> None:
    fails(SoftTimeLimitExceeded())
    with pytest.raises(SoftTimeLimitExceeded):
        completion.advance_scan(scan.pk)
    assert state(scan) == "joining"
    assert odd(scan).gaps == []
    assert completion.is_ready_to_advance(scan)  # the sweeper has another worker go on


def test_the_end_of_a_tasks_time_is_no_listeners_failure(scan: Scan) -> None:
    def late(ended: Scan) -> None:
        raise SoftTimeLimitExceeded

    with extensions.override(after_completion=(late,)), pytest.raises(SoftTimeLimitExceeded):
        completion.advance_scan(scan.pk)
    assert (state(scan), scan.totals.get("errors")) == ("joining", None)


def test_failed_organization_context_makes_scan_partial(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "store_organization_context", lambda scan: 1 // 0)
    completion.advance_scan(scan.pk)
    assert state(scan) == "partial"
    (error,) = scan.totals["errors"]
    assert "ZeroDivisionError" in error["reason"]
    assert list_unread_accounts(scan)[0].startswith("Error: cross-account evaluation failed")
    assert not PostureCell.objects.filter(control__in=[c.id for c in JOINED], passed__gt=0).exists()


def test_failed_search_for_second_visits_is_reported(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "requeue_owners", lambda scan: 1 // 0)
    assert completion.advance_scan(scan.pk) == []
    assert state(scan) == "partial"
    assert "read again" in scan.totals["errors"][0]["what"]


def test_unsent_second_visit_is_left_to_next_sweep(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = {ODD: {"logs": ["07"]}}
    monkeypatch.setattr(cross_account, "find_inbound_buckets", lambda organization, owners=None: buckets)
    completion.advance_scan(scan.pk)
    assert odd(scan).state == "queued"
    assert odd(scan).lease_until is not None


def test_failing_listener_undoes_no_other_result(scan: Scan) -> None:
    told: list[str] = []

    def fails(ended: Scan) -> None:
        Organization.objects.update(feature_set="half written")
        with connection.cursor() as cursor:
            cursor.execute("insert into scans_finding (id) values (1)")

    with extensions.override(after_completion=(fails, lambda ended: told.append(ended.state))):
        completion.advance_scan(scan.pk)
    assert state(scan) == "done"
    assert told == ["done"]
    assert "follow-up work (tickets)" in scan.totals["errors"][0]["what"]
    assert not Organization.objects.filter(feature_set="half written").exists()


def test_transient_listener_failure_retries_completion(scan: Scan) -> None:
    def away(ended: Scan) -> None:
        raise OperationalError("away")

    with extensions.override(after_completion=(away,)), pytest.raises(OperationalError):
        completion.advance_scan(scan.pk)
    assert state(scan) == "joining"
    assert scan.totals["tries"] == 1
    Scan.objects.filter(pk=scan.pk).update(lease_until=None)
    with extensions.override(after_completion=()):
        completion.advance_scan(scan.pk)
    assert state(scan) == "done"
