"""What an outsider can do to somebody with "forgotten", and what a mailbox alone opens: nothing."""

from __future__ import annotations

import json

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.core.policy import Role, ScopeKind
from governance.identity.factors import second_factors
from governance.identity.models import FactorStep, User
from governance.identity.people import one_time_links, password_resets
from tests.support.passkeys import new_passkey
from tests.support.people import PASSWORD, current_code, enrol, person, signed_in, stepped_up

pytestmark = pytest.mark.django_db
ADMIN = (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, "o-exampleorg1")
MAIL = "petra@corp.example"
PHRASE = "nine calm otters borrow ladders"


@pytest.fixture(autouse=True)
def _limits() -> None:
    cache.clear()


@pytest.fixture
def petra() -> User:
    user = person("petra", ADMIN)
    User.objects.filter(pk=user.pk).update(email=MAIL)
    return user


def forgotten(address: str = MAIL) -> None:
    answer = Client().post(reverse("account_reset_password"), {"email": address})
    assert (answer.status_code, answer["Location"]) == (302, reverse("account_reset_password_done"))


def with_password(password: str = PASSWORD) -> Client:
    client = Client()
    client.post(reverse("sign-in"), {"login": "petra", "password": password})
    return client


def enrol_app(client: Client) -> None:
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200
    FactorStep.objects.all().update(step=-1)
    done = client.post(reverse("mfa_activate_totp"), {"code": current_code(page.context["form"].secret)})
    assert done.status_code == 302


def enrol_passkey(client: Client) -> None:
    page = client.get(reverse("mfa_add_webauthn"))
    assert page.status_code == 200
    options = json.loads(json.dumps(page.context["js_data"]["creation_options"]))
    done = client.post(reverse("mfa_add_webauthn"), {"name": "Laptop", "credential": new_passkey(options)})
    assert done.status_code == 302, done.context["form"].errors


def link_in(body: str) -> str:
    link = next(word for word in body.split() if "/sign-in/reset/" in word)
    return link[link.index("/sign-in/") :]


def take(link: str) -> bool:
    """Whether the link of a mail lets its reader choose a password."""
    client = Client()
    page = client.get(link, follow=True)
    done = client.post(page.request["PATH_INFO"], {"password1": PHRASE, "password2": PHRASE})
    return done.status_code == 302


@pytest.mark.parametrize("add", [enrol_app, enrol_passkey])
def test_forgotten_password_does_not_block_enrollment(petra: User, add) -> None:
    forgotten()
    client = with_password()
    assert client.get("/controls/")["Location"] == reverse("mfa_index")
    add(client)
    assert second_factors.has_factor(petra)
    assert client.get(reverse("me")).status_code == 200


def test_forgotten_password_does_not_block_new_factor(petra: User) -> None:
    client = stepped_up(signed_in(petra))
    forgotten()
    enrol_passkey(client)
    assert client.post(reverse("mfa_deactivate_totp")).status_code == 302
    enrol_app(client)
    kinds = Authenticator.objects.filter(user=petra).values_list("type", flat=True)
    assert {"totp", "webauthn"} <= set(kinds)


def test_unverified_address_does_not_block_enrollment(petra: User) -> None:
    EmailAddress.objects.create(user=petra, email=MAIL, verified=False)
    enrol_app(with_password())
    assert second_factors.has_factor(petra)


def test_sign_in_pages_write_no_address(petra: User) -> None:
    """Neither asking for the mail nor opening a made-up link of it."""
    enrol(petra)
    forgotten()
    uid = link_in_uid(petra)
    Client().get(f"/sign-in/reset/{uid}-dabc12-{'0' * 32}/", follow=True)
    assert not EmailAddress.objects.exists()


def link_in_uid(user: User) -> str:
    from allauth.account.utils import user_pk_to_url_str

    return str(user_pk_to_url_str(user))


def test_an_old_row_of_addresses_moves_no_mail(petra: User, mailoutbox) -> None:
    """Else a mailbox that somebody once had would still get their mail."""
    enrol(petra)
    EmailAddress.objects.create(user=petra, email="old@corp.example", verified=True, primary=True)
    forgotten("old@corp.example")
    assert mailoutbox == []
    forgotten()
    assert take(link_in(mailoutbox[0].body))
    assert {to for mail in mailoutbox for to in mail.to} == {MAIL}


def without_password(user: User) -> None:
    enrol(user)
    user.set_unusable_password()
    user.save()


def disabled(user: User) -> None:
    enrol(user)
    User.objects.filter(pk=user.pk).update(is_active=False)


def service(user: User) -> None:
    enrol(user)
    User.objects.filter(pk=user.pk).update(is_service=True, responsible=person("grace"))


def not_enrolled(user: User) -> None:
    """They took their link and chose a password, and enrolled nothing yet."""


@pytest.mark.parametrize("lacks", [without_password, disabled, service, not_enrolled])
def test_ineligible_person_gets_no_reset_mail(petra: User, mailoutbox, lacks) -> None:
    lacks(petra)
    forgotten()
    forgotten("nobody@corp.example")
    assert mailoutbox == []


@pytest.mark.parametrize("lacks", [without_password, disabled, not_enrolled])
def test_old_reset_mail_is_void_once_ineligible(petra: User, mailoutbox, lacks) -> None:
    enrol(petra)
    forgotten()
    link = link_in(mailoutbox[0].body)
    if lacks is not_enrolled:
        Authenticator.objects.all().delete()
    lacks(petra)
    before = User.objects.get(pk=petra.pk).password
    assert not take(link)
    assert User.objects.get(pk=petra.pk).password == before


@pytest.fixture
def reset(petra: User, mailoutbox) -> str:
    """An admin resets petra's factors, after a mail was asked for and a link to connect was made. Gives the new link."""
    enrol(petra)
    SocialAccount.objects.create(user=petra, provider="sso", uid="sub-of-petra")
    forgotten()
    grace = stepped_up(signed_in(person("grace", ADMIN)))
    shown = grace.post(reverse("person-reset-factors", args=[petra.pk]), follow=True)
    return str(shown.context["url"]).removeprefix("http://testserver")


def test_factor_reset_closes_mailbox_reset(petra: User, mailoutbox, reset: str) -> None:
    before = len(mailoutbox)
    assert not take(link_in(mailoutbox[0].body)), "the mail from before the reset"
    forgotten()
    assert len(mailoutbox) == before
    assert not with_password().session.get("_auth_user_id")
    assert not SocialAccount.objects.exists(), "an identity provider may be no more than a mailbox"


def test_factor_reset_blocks_mail_reset_until_enrollment(petra: User, mailoutbox, reset: str) -> None:
    """The person has chosen a password by the admin's link, and stops there for a while."""
    client = Client()
    client.get(reset)
    client.post(reverse("welcome"), {"password": PASSWORD, "again": PASSWORD})
    forgotten()
    assert [mail for mail in mailoutbox if "/sign-in/reset/" in mail.body] == mailoutbox[:1]
    enrol_app(client)
    assert client.get(reverse("me")).status_code == 200, "the admin's link is what lets them in"


def test_a_reset_of_factors_ends_the_links_from_before(petra: User) -> None:
    from governance.core.policy import SYSTEM
    from governance.identity.people import administration

    connect = one_time_links.issue_link(
        actor=SYSTEM, user=petra, purpose=one_time_links.LinkPurpose.CONNECT, now=timezone.now()
    )
    administration.reset_access(actor=SYSTEM, user=petra, now=timezone.now())
    with pytest.raises(one_time_links.LinkRefusedError):
        one_time_links.find_link(connect, one_time_links.LinkPurpose.CONNECT, timezone.now())


@pytest.mark.django_db(transaction=True)
def test_factor_reset_notice_omits_the_link(petra: User, mailoutbox) -> None:
    enrol(petra)
    grace = stepped_up(signed_in(person("grace", ADMIN)))
    word = (
        str(grace.post(reverse("person-reset-factors", args=[petra.pk]), follow=True).context["url"])
        .rstrip("/")
        .rsplit("/")[-1]
    )
    [told] = [mail for mail in mailoutbox if mail.to == [MAIL]]
    assert "access was reset" in told.subject
    assert word not in told.body


def test_reset_mail_works_for_enrolled_person(petra: User, mailoutbox) -> None:
    """So that the refusals above are not kept by refusing everything; and the factor is still asked for."""
    enrol(petra)
    forgotten("PETRA@Corp.Example")
    assert mailoutbox[0].to == [MAIL]
    assert take(link_in(mailoutbox[0].body))
    client = with_password(PHRASE)
    assert client.get(reverse("me"))["Location"].startswith("/sign-in/")
    assert password_resets.can_reset_by_mail(User.objects.get(pk=petra.pk))
