from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.identity.grants.delegation import delegate_grant
from governance.identity.models import Grant, User
from governance.identity.people.creation import grant_role
from tests.governance.identity.acting import fresh
from tests.support.inventory import ORG, Inventory
from tests.support.people import person, signed_in, stepped_up

WHOLE = (ScopeKind.ORGANIZATION, ORG)
NEW = {"user": "owen", "role": "account_owner", "where": "account 100000000001", "ends_at": ""}


@pytest.fixture
def grace(inventory: Inventory) -> User:
    return person("grace", (Role.SECURITY_ADMIN, *WHOLE))


@pytest.fixture
def admin(grace: User) -> Client:
    return stepped_up(signed_in(grace))


@pytest.fixture
def owen(inventory: Inventory) -> User:
    return person("owen")


def test_a_role_is_given_on_the_page(admin: Client, owen: User) -> None:
    answer = admin.post(reverse("grant-new"), NEW, follow=True)
    assert answer.status_code == 200
    grant = Grant.objects.get(user=owen)
    assert (grant.scope_kind, grant.scope_id, grant.ends_at) == ("account", "100000000001", None)
    assert b"shop (100000000001)" in answer.content
    assert b"grant.create" in answer.content


def test_the_last_day_is_counted_in(admin: Client, owen: User) -> None:
    admin.post(reverse("grant-new"), {**NEW, "ends_at": "2999-12-31"})
    ends_at = Grant.objects.get(user=owen).ends_at
    assert ends_at is not None
    assert ends_at.isoformat() == "3000-01-01T00:00:00+00:00"


def test_grant_with_old_factor_asks_again_and_keeps_input(grace: User, owen: User) -> None:
    answer = signed_in(grace).post(reverse("grant-new"), NEW)
    assert answer.status_code == 403
    assert b'value="account 100000000001"' in answer.content
    assert not Grant.objects.filter(user=owen).exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"user": "nobody"}, b"No person has the user name nobody"),
        ({"where": "everywhere"}, b"Enter each scope in the form"),
        ({"where": "ou ou-9999-none"}, b"no OU ou-9999-none"),
        ({"ends_at": "2001-01-01"}, b"must be in the future"),
        ({"ends_at": "soon"}, b"Enter a valid date"),
    ],
)
def test_invalid_grant_form_is_reported_and_keeps_input(
    admin: Client, owen: User, typed: dict[str, str], said: bytes
) -> None:
    answer = admin.post(reverse("grant-new"), {**NEW, **typed})
    assert said in answer.content
    assert next(iter(typed.values())).encode() in answer.content
    assert not Grant.objects.filter(user=owen).exists()


def test_grant_page_refuses_self_grant(admin: Client) -> None:
    answer = admin.post(reverse("grant-new"), {**NEW, "user": "grace"})
    page = answer.content.decode()
    assert "You can&#x27;t give a grant to yourself; ask another security admin." in page
    assert 'value="grace"' in page, "what was typed is still there"
    assert Grant.objects.filter(user__username="grace").count() == 1


def test_the_list_filters_and_pages(admin: Client, owen: User) -> None:
    for number in range(60):
        grant_role(actor=SYSTEM, user=owen, role=Role.AUDITOR, scope=ScopeKind.ACCOUNT, scope_id="100000000001")
        Grant.objects.filter(user=owen, ended_at=None).update(ended_at=timezone.now(), ends_at=None)
        assert number >= 0
    listed = admin.get(reverse("grants"))
    assert b"grace" in listed.content
    assert b"owen" not in listed.content
    ended = admin.get(reverse("grants"), {"holds": "ended"})
    assert ended.content.count(b"owen") == 50
    assert b"Next page" in ended.content
    assert b"No grant matches" in admin.get(reverse("grants"), {"role": "integration"}).content
    assert admin.get(reverse("grants"), {"role": "boss"}).status_code == 400


def test_grant_end_is_set_then_grant_is_revoked(admin: Client, owen: User) -> None:
    grant = grant_role(actor=SYSTEM, user=owen, role=Role.AUDITOR, scope=ScopeKind.ORGANIZATION, scope_id=ORG)
    admin.post(reverse("grant-extend", args=[grant.pk]), {"ends_at": "2999-12-31"})
    grant.refresh_from_db()
    assert grant.ends_at is not None
    answer = admin.post(reverse("grant-revoke", args=[grant.pk]), {"reason": "moved on"}, follow=True)
    assert b"moved on" in answer.content
    grant.refresh_from_db()
    assert grant.ended_at is not None


def test_a_secret_in_the_reason_is_refused(admin: Client, owen: User) -> None:
    grant = grant_role(actor=SYSTEM, user=owen, role=Role.AUDITOR, scope=ScopeKind.ORGANIZATION, scope_id=ORG)
    answer = admin.post(reverse("grant-revoke", args=[grant.pk]), {"reason": "password = Tr0ub4dor&3xyz"})
    assert b"Remove it" in answer.content
    assert Grant.objects.filter(pk=grant.pk, ended_at=None).exists()


def test_an_auditor_reads_and_changes_nothing(inventory: Inventory, owen: User) -> None:
    ada = stepped_up(signed_in(person("ada", (Role.AUDITOR, *WHOLE))))
    grant = grant_role(actor=SYSTEM, user=owen, role=Role.AUDITOR, scope=ScopeKind.ORGANIZATION, scope_id=ORG)
    assert ada.get(reverse("grants")).status_code == 200
    assert b"Revoke" not in ada.get(reverse("grant", args=[grant.pk])).content
    for name, args in (("grant-new", []), ("grant-extend", [grant.pk]), ("grant-revoke", [grant.pk])):
        assert ada.post(reverse(name, args=args), NEW).status_code == 403


def test_foreign_grants_are_not_found(inventory: Inventory, owen: User) -> None:
    carl = stepped_up(signed_in(person("carl", (Role.SECURITY_ADMIN, ScopeKind.OU, "ou-1-sandbox"))))
    grant = grant_role(actor=SYSTEM, user=owen, role=Role.AUDITOR, scope=ScopeKind.OU, scope_id="ou-1-prod")
    assert b"owen" not in carl.get(reverse("grants")).content
    for name in ("grant", "grant-extend", "grant-revoke"):
        act = carl.get if name == "grant" else carl.post
        assert act(reverse(name, args=[grant.pk])).status_code == 404


def test_people_without_the_role_see_no_grants(inventory: Inventory) -> None:
    owner = signed_in(person("olga", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, "100000000001")))
    assert owner.get(reverse("grants")).status_code == 403


def test_own_grants_are_listed_and_can_be_lent(inventory: Inventory, owen: User) -> None:
    anna = person("anna", (Role.GOVERNANCE_APPROVER, *WHOLE))
    mine, grant = stepped_up(signed_in(anna)), Grant.objects.get(user=anna)
    assert b">Lend</a>" in mine.get(reverse("my-grants")).content
    day = f"{timezone.now() + timedelta(days=5):%Y-%m-%d}"
    answer = mine.post(reverse("grant-delegate", args=[grant.pk]), {"to": "owen", "ends_at": day}, follow=True)
    assert b"Grants lent to others" in answer.content
    lent = Grant.objects.get(user=owen)
    theirs = signed_in(owen)
    assert b"lent by anna" in theirs.get(reverse("my-grants")).content
    theirs.post(reverse("grant-give-back", args=[lent.pk]))
    lent.refresh_from_db()
    assert lent.ended_by == owen


def test_too_long_loan_is_reported(inventory: Inventory, owen: User) -> None:
    anna = person("anna", (Role.GOVERNANCE_APPROVER, *WHOLE))
    url = reverse("grant-delegate", args=[Grant.objects.get(user=anna).pk])
    answer = stepped_up(signed_in(anna)).post(url, {"to": "owen", "ends_at": "2999-12-31"})
    assert b"latest end date" in answer.content
    assert b"2999-12-31" in answer.content


def test_foreign_grants_and_loans_are_not_found(inventory: Inventory, owen: User) -> None:
    anna = person("anna", (Role.GOVERNANCE_APPROVER, *WHOLE))
    bob = stepped_up(signed_in(person("bob", (Role.GOVERNANCE_APPROVER, *WHOLE))))
    grant = Grant.objects.get(user=anna)
    lent = delegate_grant(actor=fresh(anna), grant=grant, to=owen, ends_at=timezone.now() + timedelta(days=1))
    assert bob.get(reverse("grant-delegate", args=[grant.pk])).status_code == 404
    assert bob.post(reverse("grant-give-back", args=[lent.pk])).status_code == 404
    assert signed_in(owen).post(reverse("grant-delegate", args=[lent.pk]), {}).status_code == 200
    assert signed_in(person("olga")).get(reverse("grant-delegate", args=[grant.pk])).status_code == 403
