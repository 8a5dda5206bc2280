"""Claims of fixes that can't be proved."""

from __future__ import annotations

import pytest

from accounts.models import Account
from exceptions.errors import WorkflowError
from exceptions.services import proving, tickets
from scans.models import Scan
from tests.exceptions.story import Cast, acting

pytestmark = pytest.mark.django_db


def test_nothing_is_claimed_where_the_account_has_left(people: Cast) -> None:
    [ticket] = tickets.propose(actor=acting(people.owner), findings=[people.inventory.secret])
    tickets.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    Account.objects.filter(pk=people.inventory.shop.pk).update(status=Account.Status.VANISHED)
    before = Scan.objects.count()
    with pytest.raises(WorkflowError, match="can't be read again"):
        proving.claim_fix(actor=acting(people.owner), ticket=ticket, version=ticket.version)
    ticket.refresh_from_db()
    assert ticket.state == "open"
    assert not ticket.notes.filter(text__startswith="Says that").exists()
    assert Scan.objects.count() == before
