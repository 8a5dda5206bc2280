"""Whoever gave an approver their grant, or prolonged it, gets nothing decided by them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from exceptions.errors import ConflictOfInterestError
from exceptions.models import Decision, ExceptionRequest
from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.identity.grants.delegation import delegate_grant
from governance.identity.grants.services import extend_grant
from governance.identity.models import User
from governance.identity.people.creation import grant_role
from tests.support.people import person
from tests.support.story import Cast, acting, show_snapshot

pytestmark = pytest.mark.django_db


def extended(people: Cast) -> tuple[User, ExceptionRequest]:
    """An approver's grant that somebody gave and the requester prolonged, and the request."""
    friend = person("fay")
    where = {"scope": ScopeKind.ACCOUNT, "scope_id": people.inventory.shop.account_id}
    grant = grant_role(actor=SYSTEM, user=friend, role=Role.GOVERNANCE_APPROVER, **where)
    extend_grant(actor=acting(people.admin), grant=grant, ends_at=timezone.now() + timedelta(days=9))
    request = people.submitted()
    ExceptionRequest.objects.filter(pk=request.pk).update(requested_by=people.admin)
    request.refresh_from_db()
    return friend, request


def test_approver_whose_grant_requester_extended_is_refused(people: Cast) -> None:
    friend, request = extended(people)
    with pytest.raises(ConflictOfInterestError, match="given or extended by a person behind"):
        people.decides(request, friend)


def test_database_refuses_approver_whose_grant_was_extended(people: Cast) -> None:
    friend, request = extended(people)
    digest, _ = show_snapshot(request)
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Decision.objects.create(
            request=request, round=1, by=friend, requester=people.admin, act="approve", at=timezone.now(),
            second_factor_at=timezone.now(), shown_id=digest,
        )  # fmt: skip


def test_grantor_stays_conflicted_after_another_extension(people: Cast) -> None:
    friend = person("fay")
    where = {"scope": ScopeKind.ACCOUNT, "scope_id": people.inventory.shop.account_id}
    grant = grant_role(actor=acting(people.admin), user=friend, role=Role.GOVERNANCE_APPROVER, **where)
    extend_grant(actor=SYSTEM, grant=grant, ends_at=timezone.now() + timedelta(days=9))
    request = people.submitted()
    ExceptionRequest.objects.filter(pk=request.pk).update(requested_by=people.admin)
    request.refresh_from_db()
    with pytest.raises(ConflictOfInterestError, match="given or extended by a person behind"):
        people.decides(request, friend)


@pytest.mark.parametrize("prolonged", [False, True])
def test_grant_from_requester_can_not_decide_when_lent(people: Cast, prolonged: bool) -> None:
    friend, borrower = person("fay"), person("gus")
    giver, end = (SYSTEM if prolonged else acting(people.admin)), timezone.now() + timedelta(days=9)
    where = {"scope": ScopeKind.ACCOUNT, "scope_id": people.inventory.shop.account_id}
    grant = grant_role(actor=giver, user=friend, role=Role.GOVERNANCE_APPROVER, **where)
    if prolonged:
        extend_grant(actor=acting(people.admin), grant=grant, ends_at=end)
    delegate_grant(actor=acting(friend), grant=grant, to=borrower, ends_at=timezone.now() + timedelta(days=2))
    request = people.submitted()
    people.decides(people.submitted(), borrower)  # what somebody else asked for they decide
    ExceptionRequest.objects.filter(pk=request.pk).update(requested_by=people.admin)
    request.refresh_from_db()
    with pytest.raises(ConflictOfInterestError, match="the one that was lent to you"):
        people.decides(request, borrower)
    digest, _ = show_snapshot(request)
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Decision.objects.create(
            request=request, round=1, by=borrower, requester=people.admin, act="approve", at=timezone.now(),
            second_factor_at=timezone.now(), shown_id=digest,
        )  # fmt: skip
