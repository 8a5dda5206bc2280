"""Scanning one account again: who may, how often, and what is answered while it runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account, Organization
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Actor, NotPermittedError, Role, ScopeKind
from scans.errors import ScanRequestError, ScanTooSoonError
from scans.models import Scan
from scans.pipeline import rescan
from scans.pipeline.rescan import explain_unscannable, find_running_rescan, format_wait, rescan_account
from scans.pipeline.start import cancel_scan, start_scan
from tests.scans.orders import company, holding, in_place_of_aws, read_all

pytestmark = pytest.mark.django_db
ID = "111122223334"
OWNER = holding(Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, ID)


@pytest.fixture
def organization() -> Organization:
    return company()


@pytest.fixture
def payments(organization: Organization) -> Account:
    return organization.accounts.select_related("organization", "ou").get(account_id=ID)


def end(scan: Scan) -> None:
    cancel_scan(actor=SYSTEM, scan=scan)


def repeat(account: Account, times: int, actor: Actor = OWNER) -> None:
    for _ in range(times):
        end(rescan_account(actor=actor, account=account).scan)


def test_owner_rescans_whole_account_and_is_audited(payments: Account) -> None:
    done = rescan_account(actor=OWNER, account=payments)
    assert (done.started, done.scan.state, done.scan.started_by) == (True, "running", "p")
    assert done.scan.asked == {"accounts": [ID], "ous": [], "regions": [], "controls": []}
    assert [target.account for target in done.scan.targets.all()] == [payments]
    said = AuditEvent.objects.get(action="scan.rescan")
    assert (said.actor, said.actor_id, said.subject, said.body) == ("p", 1, f"account:{ID}", {"scan": done.scan.pk})


@pytest.mark.parametrize(
    "actor",
    [
        holding(Role.AUDITOR, ScopeKind.ORGANIZATION, "o-1"),
        holding(Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, "o-1"),
        holding(Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, "111122223335"),
        holding(Role.ACCOUNT_OWNER, ScopeKind.ORGANIZATION, "o-2"),
    ],
    ids=["auditor", "admin", "owner of another", "owner elsewhere"],
)
def test_rescan_needs_permission(payments: Account, actor: Actor) -> None:
    with pytest.raises(NotPermittedError):
        rescan_account(actor=actor, account=payments)
    assert not Scan.objects.exists()


@pytest.mark.parametrize(
    "asked", [{}, {"accounts": [ID, "111122223335"]}, {"accounts": [ID], "regions": ["eu-west-1"]}]
)
def test_the_right_to_rescan_starts_no_other_scan(organization: Organization, asked: dict[str, Any]) -> None:
    with pytest.raises(NotPermittedError, match="scan operator"):
        start_scan(actor=OWNER, organization=organization, **asked)


def test_running_rescan_of_any_starter_is_returned(payments: Account) -> None:
    first = start_scan(actor=SYSTEM, organization=payments.organization, accounts=[ID])
    again = rescan_account(actor=OWNER, account=payments)
    assert (again.scan, again.started) == (first, False)
    assert not AuditEvent.objects.filter(action="scan.rescan").exists()
    end(first)
    assert rescan_account(actor=OWNER, account=payments).started


@pytest.mark.parametrize("asked", [{}, {"accounts": [ID], "controls": ["SSM-PS-001"]}, {"accounts": ["111122223335"]}])
def test_wider_or_partial_scan_is_no_rescan(payments: Account, asked: dict[str, Any]) -> None:
    start_scan(actor=SYSTEM, organization=payments.organization, **asked)
    assert find_running_rescan(payments) is None
    assert rescan_account(actor=OWNER, account=payments).started


@pytest.mark.parametrize("status", [status for status in Account.Status if status != "ACTIVE"])
def test_inactive_account_is_refused_with_reason(payments: Account, status: str) -> None:
    Account.objects.filter(pk=payments.pk).update(status=status)
    payments.refresh_from_db()
    assert "is not active" not in explain_unscannable(payments), "each status has words of its own"
    with pytest.raises(ScanRequestError, match=rf"payments \({ID}\) .*, so it can't be scanned"):
        rescan_account(actor=OWNER, account=payments)
    assert not Scan.objects.exists()


def test_rescan_limit_is_enforced(payments: Account, settings: Any) -> None:
    settings.RESCAN_RATE = "2/hour"
    repeat(payments, 2)
    with pytest.raises(ScanTooSoonError, match=r"2 times in the last hour.*Try again in 60 minutes") as refused:
        rescan_account(actor=OWNER, account=payments)
    assert timedelta(minutes=59) < refused.value.wait <= timedelta(hours=1)
    assert Scan.objects.count() == 2
    other = Actor(name="q", grants=OWNER.grants, user_id=2)
    assert rescan_account(actor=other, account=payments).started, "the limit is of each person"


def test_the_limit_is_over_when_its_time_is(payments: Account, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RESCAN_RATE = "2/hour"
    repeat(payments, 2)
    later = rescan.timezone.now() + timedelta(minutes=61)
    monkeypatch.setattr(rescan.timezone, "now", lambda: later)
    assert rescan_account(actor=OWNER, account=payments).started


def test_rescan_limit_per_person_spans_accounts(organization: Organization, settings: Any) -> None:
    settings.RESCAN_RATE, settings.RESCAN_RATE_PERSON = "9/hour", "2/day"
    everywhere = holding(Role.ACCOUNT_OWNER, ScopeKind.ORGANIZATION, "o-1")
    accounts = list(organization.accounts.select_related("organization", "ou"))
    for account in accounts[:2]:
        repeat(account, 1, everywhere)
    with pytest.raises(ScanTooSoonError, match="Accounts were rescanned at your request 2 times in the last day"):
        rescan_account(actor=everywhere, account=accounts[2])


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 second"), (90, "90 seconds"), (91, "2 minutes"), (3600, "60 minutes"), (86400, "24 hours")],
)
def test_wait_text_is_never_too_short(seconds: float, said: str) -> None:
    assert format_wait(timedelta(seconds=seconds)) == said


def test_rescan_changes_no_other_account(organization: Organization, payments: Account, monkeypatch: Any) -> None:
    in_place_of_aws(monkeypatch)
    whole = start_scan(actor=SYSTEM, organization=organization)
    read_all(whole)
    before = list(organization.accounts.exclude(pk=payments.pk).values())
    done = rescan_account(actor=OWNER, account=payments)
    read_all(done.scan)
    assert [target.state for target in done.scan.targets.all()] == ["done"]
    assert list(organization.accounts.exclude(pk=payments.pk).values()) == before
