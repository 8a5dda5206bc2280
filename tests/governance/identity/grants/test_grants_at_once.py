"""Two security admins at once: exactly one wins. SQLite has one writer, so this needs PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from governance.core.models import AuditEvent
from governance.core.policy import Role, ScopeKind
from governance.identity.grants.services import GrantError, grant_role, revoke_grant
from governance.identity.models import Grant, User
from tests.governance.core.test_audit_at_once import at_once
from tests.governance.identity.acting import fresh
from tests.support.inventory import ORG, make
from tests.support.people import person
from tests.support.trails import found

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.racing]
ADMIN = (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG)


@pytest.fixture
def admins() -> tuple[User, User]:
    make()
    return person("grace", ADMIN), person("greta", ADMIN)


def attempt(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except GrantError as error:
        return error


def test_concurrent_equal_grants_make_one(admins: tuple[User, User]) -> None:
    owen = person("owen")
    give = partial(grant_role, user=owen, role=Role.AUDITOR, scope=ScopeKind.ORGANIZATION, scope_id=ORG)
    results = at_once(*(partial(attempt, partial(give, actor=fresh(admin))) for admin in admins))
    assert sorted(type(result).__name__ for result in results) == ["Grant", "GrantError"]
    assert Grant.objects.filter(user=owen).count() == 1
    assert AuditEvent.objects.filter(action="grant.create", subject=f"user:{owen.pk}").count() == 1
    assert found() == []


def test_concurrent_revocations_let_one_win(admins: tuple[User, User]) -> None:
    grant = Grant.objects.get(user=person("owen", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)))
    results = at_once(
        *(
            partial(attempt, partial(revoke_grant, actor=fresh(admin), grant=Grant.objects.get(pk=grant.pk)))
            for admin in admins
        )
    )
    assert sorted(type(result).__name__ for result in results) == ["Grant", "GrantError"]
    assert AuditEvent.objects.filter(action="grant.revoke").count() == 1


def test_two_admins_who_revoke_each_other_leave_one(admins: tuple[User, User]) -> None:
    grace, greta = admins
    at_once(
        partial(attempt, partial(revoke_grant, actor=fresh(grace), grant=Grant.objects.get(user=greta))),
        partial(attempt, partial(revoke_grant, actor=fresh(greta), grant=Grant.objects.get(user=grace))),
    )
    assert Grant.objects.filter(role=Role.SECURITY_ADMIN, ended_at=None).count() == 1
