from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.queries import visible_accounts
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Actor, NotPermittedError, Permission, Role, ScopeKind, is_permitted
from governance.identity.factors.step_up import StepUpRequiredError
from governance.identity.grants.services import (
    GrantError,
    extend_grant,
    grant_role,
    list_grantors,
    revoke_grant,
    visible_grants,
)
from governance.identity.models import Grant, User
from governance.identity.queries import build_actor
from tests.governance.identity.acting import fresh
from tests.support.inventory import ORG, Inventory
from tests.support.people import person

ACCOUNT = "100000000001"  # shop, in Production / Retail
ADMIN = (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG)
HOUR = timedelta(hours=1)


@pytest.fixture
def grace(inventory: Inventory) -> User:
    return person("grace", ADMIN)


@pytest.fixture
def owen(db: None) -> User:
    return person("owen")


def given(actor: Actor, user: User, **more: object) -> Grant:
    wanted = {"role": Role.ACCOUNT_OWNER, "scope": ScopeKind.ACCOUNT, "scope_id": ACCOUNT, **more}
    return grant_role(actor=actor, user=user, **wanted)  # type: ignore[arg-type]


def accounts_of(user: User) -> list[str]:
    return sorted(visible_accounts(build_actor(User.objects.get(pk=user.pk))).values_list("name", flat=True))


def test_security_admin_grant_is_audited_and_mailed(
    grace: User, owen: User, django_capture_on_commit_callbacks: object
) -> None:
    owen.email = "owen@example.com"
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        grant = given(fresh(grace), owen, ends_at=timezone.now() + HOUR)
    assert (grant.granted_by, accounts_of(owen)) == (grace, ["shop"])
    event = AuditEvent.objects.get(action="grant.create", actor="grace")
    assert (event.subject, event.body["scope"]) == (f"user:{owen.pk}", f"account:{ACCOUNT}")
    assert mail.outbox[0].to == ["owen@example.com"]
    assert f"account owner on the account {ACCOUNT}, until" in mail.outbox[0].body


def test_granting_needs_a_fresh_second_factor(grace: User, owen: User) -> None:
    with pytest.raises(StepUpRequiredError):
        given(build_actor(grace), owen)
    with pytest.raises(StepUpRequiredError):
        given(fresh(grace, timedelta(minutes=6)), owen)
    assert accounts_of(owen) == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SECURITY_ADMIN])
def test_no_other_role_grants(inventory: Inventory, owen: User, role: Role) -> None:
    other = person("other", (role, ScopeKind.ORGANIZATION, ORG))
    with pytest.raises(NotPermittedError):
        given(fresh(other), owen)


def test_ou_admin_grants_only_inside_the_ou(inventory: Inventory, owen: User) -> None:
    carl = person("carl", (Role.SECURITY_ADMIN, ScopeKind.OU, "ou-1-prod"))
    given(fresh(carl), owen)
    given(fresh(carl), owen, scope=ScopeKind.OU, scope_id="ou-1-retail")
    for scope, scope_id in ((ScopeKind.OU, "ou-1-sandbox"), (ScopeKind.ORGANIZATION, ORG)):
        with pytest.raises(NotPermittedError):
            given(fresh(carl), owen, scope=scope, scope_id=scope_id)
    assert set(visible_grants(fresh(carl)).values_list("user__username", flat=True)) == {"carl", "owen"}


def test_self_grant_is_refused(grace: User) -> None:
    with pytest.raises(GrantError, match="to yourself"):
        given(fresh(grace), grace)
    other = person("other", ADMIN)
    grant = given(fresh(other), grace)
    with pytest.raises(GrantError, match="to yourself"):
        extend_grant(actor=fresh(grace), grant=grant, ends_at=None)


def test_database_refuses_self_grant(grace: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(user=grace, role=Role.AUDITOR, scope_kind="account", scope_id=ACCOUNT, granted_by=grace)
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(user=grace).update(granted_by=grace)


def test_unknown_scope_is_reported(grace: User, owen: User) -> None:
    with pytest.raises(GrantError, match="no OU ou-9-none"):
        given(fresh(grace), owen, scope=ScopeKind.OU, scope_id="ou-9-none")


def test_repeated_grant_is_refused_with_reason(grace: User, owen: User) -> None:
    given(fresh(grace), owen)
    with pytest.raises(GrantError, match="already has account owner in this scope"):
        given(fresh(grace), owen)


def test_grant_ends_by_time_alone(grace: User, owen: User) -> None:
    grant = given(fresh(grace), owen, ends_at=timezone.now() + HOUR)
    Grant.objects.filter(pk=grant.pk).update(ends_at=timezone.now())
    assert accounts_of(owen) == []
    again = given(fresh(grace), owen)
    assert again.pk != grant.pk
    grant.refresh_from_db()
    assert grant.ended_at == grant.ends_at


def test_an_end_in_the_past_is_refused(grace: User, owen: User) -> None:
    with pytest.raises(GrantError, match="future"):
        given(fresh(grace), owen, ends_at=timezone.now())


def test_extended_grant_has_new_end_and_is_audited(grace: User, owen: User) -> None:
    grant = given(fresh(grace), owen, ends_at=timezone.now() + HOUR)
    extend_grant(actor=fresh(grace), grant=grant, ends_at=None)
    assert Grant.objects.get(pk=grant.pk).ends_at is None
    assert AuditEvent.objects.filter(action="grant.extend", subject=f"user:{owen.pk}").exists()


def test_grantor_stays_after_extension(grace: User, owen: User) -> None:
    other = person("other", ADMIN)
    grant = given(fresh(grace), owen, role=Role.GOVERNANCE_APPROVER)
    for actor in (fresh(other), fresh(other), SYSTEM):
        extend_grant(actor=actor, grant=grant, ends_at=timezone.now() + HOUR)
    grant.refresh_from_db()
    assert grant.granted_by == grace
    assert list(grant.extenders.all()) == [other]
    assert list_grantors(owen, Role.GOVERNANCE_APPROVER) == {grace.pk, other.pk}
    assert list_grantors(owen, Role.AUDITOR) == set()
    revoke_grant(actor=fresh(grace), grant=grant)
    assert list_grantors(owen, Role.GOVERNANCE_APPROVER) == set()


def test_revocation_ends_grant_at_once(grace: User, owen: User) -> None:
    grant = given(fresh(grace), owen)
    revoke_grant(actor=fresh(grace), grant=grant, reason="moved on")
    assert accounts_of(owen) == []
    assert AuditEvent.objects.get(action="grant.revoke").body["reason"] == "moved on"
    for act in (revoke_grant, extend_grant):
        with pytest.raises(GrantError, match=r"has (already )?ended"):
            act(actor=fresh(grace), grant=grant, **({"ends_at": None} if act is extend_grant else {}))


def test_the_last_security_admin_stays(grace: User) -> None:
    grant = Grant.objects.get(user=grace)
    with pytest.raises(GrantError, match="last security admin"):
        revoke_grant(actor=fresh(grace), grant=grant)
    other = person("other", ADMIN)
    revoke_grant(actor=fresh(other), grant=grant)
    with pytest.raises(GrantError, match="last security admin"):
        revoke_grant(actor=SYSTEM, grant=Grant.objects.get(user=other))


def test_an_ou_grant_follows_accounts_as_they_move(inventory: Inventory, owen: User) -> None:
    given(SYSTEM, owen, scope=ScopeKind.OU, scope_id="ou-1-retail")
    assert accounts_of(owen) == ["shop", "till"]
    inventory.shop.ou, inventory.play.ou = inventory.sandbox, inventory.retail
    inventory.shop.save()
    inventory.play.save()
    assert accounts_of(owen) == ["play", "till"]


def test_a_disabled_person_and_a_service_account(grace: User, owen: User) -> None:
    robot = User.objects.create(username="robot", is_service=True, responsible=grace)
    with pytest.raises(GrantError, match="for people"):
        given(fresh(grace), robot, role=Role.GOVERNANCE_APPROVER)
    given(fresh(grace), robot, role=Role.INTEGRATION)
    owen.is_active = False
    with pytest.raises(GrantError, match="disabled"):
        given(fresh(grace), owen)


def test_token_can_not_grant_roles(grace: User) -> None:
    from dataclasses import replace

    token = replace(fresh(grace), token_id=1)
    assert not is_permitted(token, Permission.GRANT_MANAGE, timezone.now())
