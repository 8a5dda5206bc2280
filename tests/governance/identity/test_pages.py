"""People and tokens on their pages: who may, who may not, and what is shown once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.core.models import AuditEvent
from governance.core.policy import Role, ScopeKind
from governance.identity.factors import second_factors
from governance.identity.models import ApiToken, User
from governance.identity.people import one_time_links
from tests.support.pages import plain_pages
from tests.support.people import PASSWORD, current_code, enrol, person, signed_in, stepped_up

pytestmark = pytest.mark.django_db
ORG = (ScopeKind.ORGANIZATION, "o-exampleorg1")
ADMIN = (Role.SECURITY_ADMIN, *ORG)
PHRASE = "nine calm otters borrow ladders"


def admin() -> Client:
    return stepped_up(signed_in(person("grace", ADMIN)))


def test_invited_person_sets_password_and_must_enroll() -> None:
    given = {"username": "nina", "full_name": "Nina Ng", "email": "nina@corp.example"}
    url = admin().post(reverse("invite"), given, follow=True).context["url"]
    nina = Client()
    assert nina.get(url)["Location"] == reverse("welcome"), "the word doesn't stay in the address"
    assert nina.post(reverse("welcome"), {"password": "short", "again": "short"}).status_code == 200
    done = nina.post(reverse("welcome"), {"password": PHRASE, "again": PHRASE})
    assert done["Location"] == reverse("me"), "with no Grant yet there is nothing else to see"
    assert nina.get("/")["Location"] == reverse("mfa_index")
    assert Client().get(url, follow=True).status_code == 410, "the link works once"
    assert AuditEvent.objects.filter(action="link.create").exists()


@pytest.mark.parametrize("name", ["nina", "NINA", "Nina "])
def test_no_second_person_with_a_name_that_differs_in_case_only(name: str) -> None:
    """Sign-in doesn't mind the case of a name, so with two of them neither could sign in."""
    person("nina")
    said = admin().post(reverse("invite"), {"username": name, "full_name": "Another", "email": "n@corp.example"})
    assert "already" in said.content.decode()
    assert User.objects.filter(username__iexact="nina").count() == 1
    assert Client().post(reverse("sign-in"), {"login": "nina", "password": PASSWORD}).status_code == 302


def test_new_link_does_not_bypass_existing_factor() -> None:
    """ASVS 6.4.3: a reset never bypasses the second factor."""
    nina = person("nina")
    enrol(nina)
    url = admin().post(reverse("person-link", args=[nina.pk]), follow=True).context["url"]
    browser = Client()
    browser.get(url)
    done = browser.post(reverse("welcome"), {"password": PHRASE, "again": PHRASE})
    assert done["Location"] == reverse("mfa_authenticate")
    assert browser.get(reverse("me"))["Location"].startswith("/sign-in/")


def test_disabling_ends_sessions_and_tokens_at_once() -> None:
    """ASVS 7.4.2, CVE-2025-65430."""
    nina = person("nina")
    browser = Client()
    enrol(nina)
    browser.post(reverse("sign-in"), {"login": "nina", "password": PASSWORD})
    browser.post(reverse("mfa_authenticate"), {"code": current_code(enrol(nina))})
    assert browser.get(reverse("me")).status_code == 200
    robot = User.objects.create_user("robot", is_service=True, responsible=nina)
    token = ApiToken.objects.create(service=robot, name="x", prefix="p", expires_at=timezone.now())
    admin().post(reverse("person-active", args=[nina.pk]), {"active": "0"})
    assert browser.get(reverse("me"))["Location"].startswith("/sign-in/")
    token.refresh_from_db()
    assert token.revoked_at is not None
    User.objects.filter(pk=nina.pk).update(is_active=True)
    assert browser.get(reverse("me"))["Location"].startswith("/sign-in/"), "enabling again revives no session"


def test_resetting_factors_asks_for_step_up_and_starts_anew() -> None:
    nina = person("nina")
    enrol(nina)
    grace = signed_in(person("grace", ADMIN))
    where = reverse("person-reset-factors", args=[nina.pk])
    assert grace.post(where).status_code == 403
    assert second_factors.has_factor(nina)
    assert stepped_up(grace).post(where, follow=True).context["url"]
    nina.refresh_from_db()
    assert not second_factors.has_factor(nina)
    assert not nina.has_usable_password()
    assert AuditEvent.objects.get(action="factor.reset").body["kinds"] == ["totp"]


@pytest.mark.parametrize("name", ["person-active", "person-link", "person-reset-factors"])
def test_admin_can_not_act_on_own_account(name: str) -> None:
    grace = person("grace", ADMIN)
    before = User.objects.get(pk=grace.pk)
    stepped_up(signed_in(grace)).post(reverse(name, args=[grace.pk]), {"active": "0"})
    after = User.objects.get(pk=grace.pk)
    assert (after.is_active, after.password) == (before.is_active, before.password)
    assert second_factors.has_factor(grace)


PAGES = [name for name in plain_pages("people/") if name != "owner-proposals"]  # which shows what the inventory names
ACTS = ["person-active", "person-link", "person-reset-factors", "person-end-sessions"]


@pytest.mark.parametrize("name", PAGES)
def test_the_admin_sees_the_pages_and_an_owner_does_not(name: str) -> None:
    assert admin().get(reverse(name)).status_code == 200
    owner = signed_in(person("owen", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, "111122223333")))
    assert owner.get(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", ACTS)
def test_person_acts_are_403_for_auditor_and_404_if_unknown(name: str) -> None:
    nina = person("nina")
    ada = stepped_up(signed_in(person("ada", (Role.AUDITOR, *ORG))))
    assert ada.get(reverse("person", args=[nina.pk])).status_code == 200
    assert ada.post(reverse(name, args=[nina.pk])).status_code == 403
    assert admin().post(reverse(name, args=[10**6])).status_code == 404


def test_admin_of_one_account_sees_no_people() -> None:
    part = signed_in(person("part", (Role.SECURITY_ADMIN, ScopeKind.ACCOUNT, "111122223333")))
    nina = person("nina")
    assert part.get(reverse("person", args=[nina.pk])).status_code == 404
    assert "nina" not in part.get(reverse("people")).content.decode()


def test_link_works_once_and_newer_link_replaces_it() -> None:
    nina, now = person("nina"), timezone.now()
    from governance.core.policy import SYSTEM

    first = one_time_links.issue_link(actor=SYSTEM, user=nina, purpose=one_time_links.LinkPurpose.WELCOME, now=now)
    second = one_time_links.issue_link(actor=SYSTEM, user=nina, purpose=one_time_links.LinkPurpose.WELCOME, now=now)
    with pytest.raises(one_time_links.LinkRefusedError):
        one_time_links.redeem_link(first, one_time_links.LinkPurpose.WELCOME, now)
    with pytest.raises(one_time_links.LinkRefusedError):
        one_time_links.find_link(second, one_time_links.LinkPurpose.CONNECT, now)
    assert one_time_links.redeem_link(second, one_time_links.LinkPurpose.WELCOME, now).user == nina
    with pytest.raises(one_time_links.LinkRefusedError):
        one_time_links.redeem_link(second, one_time_links.LinkPurpose.WELCOME, now)
    assert first not in str(list(nina.links.values()))
