"""Owners set by hand: who may, whom, what it changes, and the page and address for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from accounts.manual_owners import OwnersError, compute_owners_version, set_owners
from accounts.models import Account, AccountEvent, AccountOwner
from accounts.owner_proposals import list_proposals
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, NotPermittedError, Role, ScopeKind
from governance.core.transitions import LostRaceError
from governance.identity.models import User
from governance.identity.queries import build_actor
from tests.scans.api.asking import ROOT, fields, get, refused
from tests.support import readers
from tests.support.inventory import HOSTILE, ORG, Inventory
from tests.support.people import person, signed_in

ADMIN = (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG)
SHOP, PAGE, API = "100000000001", "/accounts/100000000001/owners/", "accounts/100000000001/owners/"


@pytest.fixture
def grace(inventory: Inventory) -> User:
    return person("grace", ADMIN)


@pytest.fixture
def paul(inventory: Inventory) -> User:
    user = person("paul")
    User.objects.filter(pk=user.pk).update(email="Paul@Example.com", first_name="Paul", last_name="Miller")
    return user


def shop() -> Account:
    return Account.objects.select_related("organization", "ou").get(account_id=SHOP)


def owners() -> list[str]:
    return sorted(AccountOwner.objects.filter(account=shop()).values_list("user__username", flat=True))


def put(client: Client, body: Any, *, etag: str | None = None, path: str = API) -> Any:
    tag = etag if etag is not None else client.get(ROOT + path).headers.get("ETag", '"none"')
    return client.put(ROOT + path, body, content_type="application/json", headers={"If-Match": tag})


def test_people_are_set_by_user_name_and_mail_address(grace: User, paul: User) -> None:
    person("Quinn")
    set_owners(actor=build_actor(grace), account=shop(), names=["PAUL@example.com ", "quinn", "paul"])
    row = AccountOwner.objects.get(user=paul)
    assert (owners(), row.set_by) == (["Quinn", "paul"], grace)
    assert (shop().owners, shop().owners_set_by_hand) == (["Quinn", "paul"], True)
    said = AuditEvent.objects.get(action="account.set_owners")
    assert (said.actor, said.subject) == ("grace", f"account:{SHOP}")
    assert said.body["owners"] == ["Quinn", "paul"]
    assert said.body["was"] == ["olga@example.com"]
    event = AccountEvent.objects.get(account=shop(), kind="owners_changed")
    assert event.detail == {"was": ["olga@example.com"], "is": ["Quinn", "paul"], "by": "grace"}


def test_empty_owner_list_restores_tag_owners(grace: User, paul: User) -> None:
    Account.objects.filter(account_id=SHOP).update(tags={"team": "retail, web"})
    set_owners(actor=build_actor(grace), account=shop(), names=["paul"])
    set_owners(actor=build_actor(grace), account=shop(), names=[])
    assert (shop().owners, shop().owners_set_by_hand, owners()) == (["retail", "web"], False, [])


def test_repeated_owners_write_nothing(grace: User, paul: User) -> None:
    for _ in range(2):
        set_owners(actor=build_actor(grace), account=shop(), names=["paul"])
    assert AuditEvent.objects.filter(action="account.set_owners").count() == 1


@pytest.mark.parametrize("name", ["nobody", "", "robot", "gone", "twin@example.com", "a\x00b", "\ud800"])
def test_owner_must_name_one_active_person(grace: User, paul: User, name: str) -> None:
    for each in ("robot", "gone", "twin1", "twin2"):
        person(each)
    User.objects.filter(username="robot").update(is_service=True, responsible=grace)
    User.objects.filter(username="gone").update(is_active=False)
    User.objects.filter(username__startswith="twin").update(email="Twin@example.com")
    with pytest.raises(OwnersError) as refusal:
        set_owners(actor=build_actor(grace), account=shop(), names=["paul", name])
    assert set(refusal.value.problems) == {1}
    assert owners() == []


@pytest.mark.parametrize(
    "grant",
    [
        (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG),
        (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, SHOP),
        (Role.SECURITY_ADMIN, ScopeKind.OU, "ou-1-sandbox"),
    ],
)
def test_setting_owners_needs_permission(inventory: Inventory, paul: User, grant: Any) -> None:
    with pytest.raises(NotPermittedError):
        set_owners(actor=build_actor(person("eve", grant)), account=shop(), names=["paul"])
    assert owners() == []


def test_changed_owners_are_not_overwritten(grace: User, paul: User) -> None:
    person("quinn")
    seen = compute_owners_version(shop())
    set_owners(actor=build_actor(grace), account=shop(), names=["paul"], version=seen)
    with pytest.raises(LostRaceError, match="have changed"):
        set_owners(actor=build_actor(grace), account=shop(), names=["quinn"], version=seen)
    assert owners() == ["paul"]


def test_an_approver_does_not_end_their_own_ownership(inventory: Inventory, paul: User) -> None:
    gina = person("gina", ADMIN, (Role.GOVERNANCE_APPROVER, ScopeKind.ORGANIZATION, ORG))
    User.objects.filter(pk=gina.pk).update(email="olga@example.com")  # whom the tags name
    for names in (["paul"], []):
        Account.objects.filter(account_id=SHOP).update(tags={})
        with pytest.raises(OwnersError, match="another admin must remove you"):
            set_owners(actor=build_actor(gina), account=shop(), names=names)
        set_owners(actor=build_actor(gina), account=shop(), names=["gina", "paul"])
    set_owners(actor=build_actor(person("grace", ADMIN)), account=shop(), names=["paul"])
    assert owners() == ["paul"]


def test_a_person_set_by_hand_is_proposed_for_the_grant(grace: User, paul: User) -> None:
    set_owners(actor=SYSTEM, account=shop(), names=["paul"])
    User.objects.filter(pk=paul.pk).update(username="olga@example.com")
    found = [(each.named, each.user) for each in list_proposals(SYSTEM) if each.account == shop()]
    assert found == [("olga@example.com", paul)], "the person counts, not the name"
    User.objects.filter(pk=paul.pk).update(is_active=False)
    found = [(each.user, each.why_not) for each in list_proposals(SYSTEM) if each.account == shop()]
    assert found == [(None, "this person is disabled")]


def test_text_of_earlier_releases_becomes_people(inventory: Inventory, paul: User) -> None:
    migration = import_module("accounts.migrations.0003_link_owners_set_by_hand")
    Account.objects.filter(account_id=SHOP).update(owners=["PAUL@example.com", "team"], owners_set_by_hand=True)
    Account.objects.filter(pk=inventory.play.pk).update(owners=["team"], owners_set_by_hand=True)
    migration.link(apps, None)
    inventory.play.refresh_from_db()
    assert (owners(), shop().owners_set_by_hand) == (["paul"], True)
    assert (inventory.play.owners, inventory.play.owners_set_by_hand) == (["team"], False)


def test_owner_page_sets_owners_and_shows_who_did(grace: User, paul: User) -> None:
    client = signed_in(grace)
    assert f'href="{PAGE}?organization={ORG}"' in client.get(f"/accounts/{SHOP}/").content.decode()
    page = client.get(PAGE)
    assert "The tags name olga@example.com, but this matches no single person" in page.content.decode()
    sent = {"owners": ["paul", ""], "version": page.context["version"]}
    shown = client.post(PAGE, sent, follow=True).content.decode()
    assert "Owners saved." in shown
    assert "(set by hand by grace, " in shown
    assert "Owners changed from olga@example.com to paul by hand, by grace" in shown
    again = client.get(PAGE)
    assert "Paul Miller" in again.content.decode()
    client.post(PAGE, {"reset": "1", "owners": ["paul"], "version": again.context["version"]})
    assert owners() == []


def test_refused_owner_page_keeps_input(grace: User, paul: User) -> None:
    client = signed_in(grace)
    version = client.get(PAGE).context["version"]
    wrong = client.post(PAGE, {"owners": ["paul", HOSTILE], "version": version})
    text = wrong.content.decode()
    assert wrong.status_code == 422
    assert 'value="paul"' in text
    assert "<script>alert" not in text
    assert client.post(PAGE, {"owners": [""], "version": version}).status_code == 422
    late = client.post(PAGE, {"owners": ["paul"], "version": "old"})
    assert (late.status_code, "have changed" in late.content.decode()) == (409, True)
    assert owners() == []


def test_the_page_is_for_security_admins_of_the_account(inventory: Inventory, paul: User) -> None:
    for client in (readers.auditor(), readers.owner(SHOP)):
        assert client.get(PAGE).status_code == 403
        assert client.post(PAGE, {"owners": ["paul"]}).status_code == 403
        assert "Set owners" not in client.get(f"/accounts/{SHOP}/").content.decode()
    elsewhere = signed_in(person("carl", (Role.SECURITY_ADMIN, ScopeKind.OU, "ou-1-sandbox")))
    assert elsewhere.post(PAGE, {"owners": ["paul"]}).status_code == 404
    assert Client().get(PAGE).status_code == 302
    assert owners() == []


def test_api_sets_owners_with_the_read_version(grace: User, paul: User) -> None:
    client = signed_in(grace)
    before = get(client, API)
    assert before == {
        "owners": ["olga@example.com"], "set_by_hand": False, "set_by": None, "set_at": None, "by_tags": ["retail"],
    }  # fmt: skip
    answer = put(client, {"owners": ["paul@example.com"]})
    assert answer.status_code == 200, answer.content
    made = answer.json()
    assert (made["owners"], made["set_by_hand"], made["set_by"]) == (["paul"], True, "grace")
    assert client.get(ROOT + API)["ETag"] == answer["ETag"]
    detail = get(client, f"accounts/{SHOP}/")
    assert (detail["owners_set_by"], detail["owners_set_at"]) == ("grace", made["set_at"])
    refused(put(client, {"owners": []}, etag='"old"'), 412)
    refused(client.put(ROOT + API, {"owners": []}, content_type="application/json"), 428)
    assert put(client, {"owners": []}).json()["owners"] == ["retail"]


def test_api_names_each_refused_owner(grace: User, paul: User) -> None:
    client = signed_in(grace)
    assert fields(refused(put(client, {"owners": ["paul", "nobody"]}), 400)) == {"owners.1"}
    assert fields(refused(put(client, {"owners": ["x"] * 51}), 400)) == {"owners"}
    assert fields(refused(put(client, {}), 400)) == {"owners"}
    refused(put(signed_in(person("anna", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG))), {"owners": ["paul"]}), 403)
    carl = signed_in(person("carl", (Role.SECURITY_ADMIN, ScopeKind.OU, "ou-1-sandbox")))
    refused(put(carl, {"owners": ["paul"]}, etag='"x"'), 404)
    refused(put(Client(), {"owners": ["paul"]}, etag='"x"'), 401)
    assert owners() == []


def test_refused_tags_are_not_reported_as_none(grace: User) -> None:
    Account.objects.filter(account_id=SHOP).update(tags=None)
    assert get(signed_in(grace), API)["by_tags"] is None
