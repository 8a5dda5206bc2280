from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.core.models import AuditEvent
from governance.core.policy import (
    Location,
    NotPermittedError,
    Permission,
    Role,
    ScopeKind,
    is_permitted,
    is_permitted_disinterested,
)
from governance.identity.factors.step_up import StepUpRequiredError
from governance.identity.grants.delegation import delegate_grant
from governance.identity.grants.services import GrantError, extend_grant, revoke_grant
from governance.identity.models import Grant, User
from tests.governance.identity.acting import fresh
from tests.support.inventory import ORG, Inventory
from tests.support.people import person

WEEK = timedelta(days=7)
PLACE = Location(ORG, account="100000000001")


@pytest.fixture
def anna(inventory: Inventory) -> User:
    return person("anna", (Role.GOVERNANCE_APPROVER, ScopeKind.ORGANIZATION, ORG))


@pytest.fixture
def bela(db: None) -> User:
    return person("bela")


def lent(anna: User, bela: User, **more: object) -> Grant:
    wanted = {
        "grant": Grant.objects.get(user=anna, role=Role.GOVERNANCE_APPROVER),
        "ends_at": timezone.now() + WEEK,
        **more,
    }
    return delegate_grant(actor=fresh(anna), to=bela, **wanted)  # type: ignore[arg-type]


def decides(user: User, *interested: User) -> bool:
    who = {other.pk for other in interested}
    return is_permitted_disinterested(fresh(user), Permission.EXCEPTION_DECIDE, timezone.now(), PLACE, who)


def test_borrower_decides_until_the_end_and_is_audited(anna: User, bela: User) -> None:
    grant = lent(anna, bela)
    assert decides(bela)
    assert AuditEvent.objects.get(action="grant.delegate").subject == f"user:{bela.pk}"
    Grant.objects.filter(pk=grant.pk).update(ends_at=timezone.now())
    assert not decides(bela)


def test_borrower_decides_no_own_or_lenders_request(anna: User, bela: User) -> None:
    lent(anna, bela)
    assert not decides(bela, bela)
    assert not decides(bela, anna)
    assert decides(bela, person("rita"))


def test_loan_ends_with_the_lenders_grant(anna: User, bela: User) -> None:
    grace = person("grace", (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG))
    grant = lent(anna, bela)
    revoke_grant(actor=fresh(grace), grant=Grant.objects.get(user=anna))
    assert not decides(bela)
    grant.refresh_from_db()
    assert grant.ended_by == grace


def test_loan_ends_when_lender_is_disabled(anna: User, bela: User) -> None:
    lent(anna, bela)
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert not decides(bela)


def test_loan_ends_within_lenders_grant_and_90_days(anna: User, bela: User) -> None:
    with pytest.raises(GrantError, match="latest end date"):
        lent(anna, bela, ends_at=timezone.now() + timedelta(days=91))
    Grant.objects.filter(user=anna).update(ends_at=timezone.now() + timedelta(days=2))
    with pytest.raises(GrantError, match="latest end date"):
        lent(anna, bela)
    lent(anna, bela, ends_at=timezone.now() + timedelta(days=1))


def test_only_the_holder_lends_with_a_fresh_second_factor(anna: User, bela: User) -> None:
    grant, ends_at = Grant.objects.get(user=anna), timezone.now() + WEEK
    with pytest.raises(NotPermittedError):
        delegate_grant(actor=fresh(bela), grant=grant, to=bela, ends_at=ends_at)
    with pytest.raises(GrantError, match="to yourself"):
        delegate_grant(actor=fresh(anna), grant=grant, to=anna, ends_at=ends_at)
    with pytest.raises(StepUpRequiredError):
        delegate_grant(actor=fresh(anna, timedelta(minutes=6)), grant=grant, to=bela, ends_at=ends_at)


def test_loan_is_not_lent_on_or_extended(anna: User, bela: User) -> None:
    grant = lent(anna, bela)
    with pytest.raises(GrantError, match="can't be lent again"):
        delegate_grant(actor=fresh(bela), grant=grant, to=person("cleo"), ends_at=timezone.now() + timedelta(days=1))
    grace = person("grace", (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG))
    with pytest.raises(GrantError, match="only the lender can extend"):
        extend_grant(actor=fresh(grace), grant=grant, ends_at=None)


def test_only_an_approvers_grant_can_be_lent(anna: User, bela: User) -> None:
    owner = Grant.objects.create(user=anna, role=Role.ACCOUNT_OWNER, scope_kind="account", scope_id="100000000001")
    with pytest.raises(GrantError, match="can't be lent"):
        lent(anna, bela, grant=owner)


def test_lender_and_borrower_may_each_end_it(anna: User, bela: User) -> None:
    for who in (anna, bela):
        revoke_grant(actor=fresh(who, timedelta(hours=1)), grant=lent(anna, bela))
        assert not is_permitted(fresh(bela), Permission.EXCEPTION_DECIDE, timezone.now(), PLACE)


def test_repeated_loan_is_refused(anna: User, bela: User) -> None:
    lent(anna, bela)
    with pytest.raises(GrantError, match="already lent this grant"):
        lent(anna, bela)
