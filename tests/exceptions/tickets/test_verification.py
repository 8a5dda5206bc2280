"""Claims of fixes that can't be proved."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from exceptions.errors import WorkflowError
from exceptions.tickets import lifecycle, verification
from governance.core import audit
from scans.models import Scan
from scans.pipeline import cross_account
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


def test_fix_is_not_claimed_in_departed_account(people: Cast) -> None:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    Account.objects.filter(pk=people.inventory.shop.pk).update(status=Account.Status.VANISHED)
    before = Scan.objects.count()
    with pytest.raises(WorkflowError, match="can't be rescanned"):
        verification.claim_fix(actor=acting(people.owner), ticket=ticket, version=ticket.version)
    ticket.refresh_from_db()
    assert ticket.state == "open"
    assert not ticket.notes.filter(text__startswith="Says that").exists()
    assert Scan.objects.count() == before


def test_deciding_accounts_are_found_before_trail_lock(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    order: list[str] = []
    witnesses, hold = cross_account.list_deciding_accounts, audit.hold_trail_end

    def look(*given: Any) -> list[str]:
        order.append("evidence")
        return witnesses(*given)

    def held(why: str) -> audit.AuditHead:
        order.append("trail")
        return hold(why)

    monkeypatch.setattr(cross_account, "list_deciding_accounts", look)
    monkeypatch.setattr(audit, "hold_trail_end", held)
    verification.claim_fix(actor=acting(people.owner), ticket=ticket, version=ticket.version)
    assert order[:2] == ["evidence", "trail"]
