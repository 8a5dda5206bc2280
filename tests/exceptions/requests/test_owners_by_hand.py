"""A person who was set by hand as an owner decides nothing over that account, whatever its tags say."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.manual_owners import set_owners
from exceptions.errors import ConflictOfInterestError
from exceptions.models import Decision
from exceptions.overview.inbox import build_inbox
from governance.core.policy import SYSTEM
from governance.identity.models import User
from tests.support.story import Cast, acting, show_snapshot

pytestmark = pytest.mark.django_db


def test_approver_set_as_owner_does_not_decide(people: Cast) -> None:
    request = people.submitted()
    set_owners(actor=acting(people.admin), account=people.inventory.shop, names=["ada"])
    with pytest.raises(ConflictOfInterestError, match="You own shop"):
        people.decides(request, people.approver)
    waiting = build_inbox(people.approver, acting(people.approver), timezone.now())
    assert "You own shop" in waiting.conflicts[request.pk]
    people.decides(request, people.second)


def test_database_refuses_approver_set_as_owner(people: Cast) -> None:
    request = people.submitted()
    set_owners(actor=SYSTEM, account=people.inventory.shop, names=["ada"])
    digest, _ = show_snapshot(request)
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Decision.objects.create(
            request=request, round=1, by=people.approver, requester=people.owner, act="approve", at=timezone.now(),
            second_factor_at=timezone.now(), shown_id=digest,
        )  # fmt: skip


def test_the_person_counts_and_not_the_name(people: Cast) -> None:
    """Somebody who comes to be called as an owner was is not that owner, and the owner stays one."""
    request = people.submitted()
    set_owners(actor=SYSTEM, account=people.inventory.shop, names=["ada"])
    User.objects.filter(pk=people.approver.pk).update(username="ada-new")
    User.objects.filter(pk=people.second.pk).update(email="ada")
    people.approver.refresh_from_db()
    people.second.refresh_from_db()
    with pytest.raises(ConflictOfInterestError):
        people.decides(request, people.approver)
    people.decides(request, people.second)


def test_tag_owner_counts_unless_owners_are_set_by_hand(people: Cast) -> None:
    shop = people.inventory.shop
    User.objects.filter(pk=people.approver.pk).update(email="retail")
    people.approver.refresh_from_db()
    shop.owners = ["retail"]
    shop.save()
    request = people.submitted()
    with pytest.raises(ConflictOfInterestError):
        people.decides(request, people.approver)
    set_owners(actor=SYSTEM, account=shop, names=["owen"])
    set_owners(actor=SYSTEM, account=shop, names=[])
    with pytest.raises(ConflictOfInterestError):
        people.decides(request, people.approver)
    set_owners(actor=SYSTEM, account=shop, names=["owen"])
    people.decides(request, people.approver)
