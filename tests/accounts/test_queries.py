from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Organization
from accounts.queries import ou_tree, visible_accounts
from governance.core.policy import SYSTEM, Actor, GrantFact, Permission, Role, ScopeKind
from tests.accounts.test_services import LOGS, PAYMENTS, apply

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _inventory():
    apply()


def ids(*grants, permission=Permission.ACCOUNT_VIEW):
    found = visible_accounts(Actor(name="p", grants=grants), permission)
    return set(found.values_list("account_id", flat=True))


def grant(scope, scope_id, role=Role.AUDITOR, ends_at=None):
    return GrantFact(role, scope, scope_id, ends_at)


def test_no_grant_shows_no_accounts():
    assert ids() == set()


def test_grant_scope_limits_visible_accounts():
    everything = {PAYMENTS.id, LOGS.id}
    assert ids(grant(ScopeKind.ORGANIZATION, "o-1")) == everything
    assert ids(grant(ScopeKind.ORGANIZATION, "o-2")) == set()
    assert ids(grant(ScopeKind.OU, "ou-1")) == everything, "an OU with its children"
    assert ids(grant(ScopeKind.OU, "ou-2")) == {PAYMENTS.id}
    assert ids(grant(ScopeKind.OU, "ou")) == set(), "an id is not a prefix"
    assert ids(grant(ScopeKind.ACCOUNT, LOGS.id)) == {LOGS.id}
    assert ids(grant(ScopeKind.ACCOUNT, LOGS.id), grant(ScopeKind.OU, "ou-2")) == everything
    assert set(visible_accounts(SYSTEM)) == set(Account.objects.all())


def test_ended_or_insufficient_grant_shows_no_accounts():
    past = timezone.now() - timedelta(seconds=1)
    assert ids(grant(ScopeKind.ORGANIZATION, "o-1", ends_at=past)) == set()
    operator = grant(ScopeKind.ORGANIZATION, "o-1", Role.SCAN_OPERATOR)
    assert ids(operator, permission=Permission.FINDING_VIEW) == set()


def test_the_tree_shows_only_branches_with_visible_accounts(django_assert_num_queries):
    organization = Organization.objects.get()
    accounts = list(visible_accounts(SYSTEM))
    with django_assert_num_queries(1):
        [root] = ou_tree(organization, accounts)
    assert root.total == 2
    assert [(b.unit.name, [a.name for a in b.accounts]) for b in root.walk()] == [
        ("Root", []),
        ("Core", ["logs"]),
        ("Apps", ["payments"]),
    ]
    [root] = ou_tree(organization, [a for a in accounts if a.name == "logs"])
    assert [b.unit.name for b in root.walk()] == ["Root", "Core"]
    assert ou_tree(organization, []) == []
