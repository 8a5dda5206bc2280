"""A security admin changes somebody's mail address: with a fresh factor, told at both ends, and opening nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.core.models import AuditEvent
from governance.core.policy import NotPermittedError, Role, ScopeKind
from governance.identity.factors.step_up import StepUpRequiredError
from governance.identity.models import User
from governance.identity.people import administration
from governance.notify.models import Notification
from tests.governance.identity.acting import fresh
from tests.support.people import PASSWORD, enrol, person, signed_in, stepped_up

pytestmark = pytest.mark.django_db
ORG = (ScopeKind.ORGANIZATION, "o-exampleorg1")
ADMIN = (Role.SECURITY_ADMIN, *ORG)
OLD, NEW = "nina@corp.example", "nina.new@corp.example"


@pytest.fixture
def nina() -> User:
    user = person("nina")
    user.email = OLD
    user.save()
    return user


@pytest.fixture
def grace() -> User:
    return person("grace", ADMIN)


def change(actor: User, user: User, email: str = NEW, ago: timedelta = timedelta(0)) -> None:
    administration.change_email(actor=fresh(actor, ago), user=user, email=email, now=timezone.now())


def kept(user: User) -> str:
    return User.objects.get(pk=user.pk).email


def test_page_requires_factor_then_changes_address(nina: User, grace: User) -> None:
    where = reverse("person-mail-address", args=[nina.pk])
    client = signed_in(grace)
    assert client.get(where).context["form"]["email"].value() == OLD
    assert client.post(where, {"email": NEW}).status_code == 403
    assert kept(nina) == OLD
    page = stepped_up(client).post(where, {"email": f" {NEW}"}, follow=True)
    assert f"The email address of nina is now {NEW}" in page.content.decode()
    assert kept(nina) == NEW
    row = AuditEvent.objects.get(action="user.email")
    assert (row.actor, row.subject, row.body["was"], row.body["becomes"]) == ("grace", f"user:{nina.pk}", OLD, NEW)


@pytest.mark.django_db(transaction=True)
def test_both_addresses_and_inbox_are_notified(nina: User, grace: User, mailoutbox) -> None:
    change(grace, nina)
    assert [mail.to for mail in mailoutbox] == [[OLD], [NEW]]
    for mail in mailoutbox:
        assert OLD in mail.body
        assert NEW in mail.body
        assert "grace" in mail.body
    row = Notification.objects.get(person=nina)
    assert (row.title, row.read_at) == ("Your email address was changed", None)
    assert row.mailed_at is not None, "the mail went already, whatever mail they chose"


@pytest.mark.django_db(transaction=True)
def test_first_address_is_notified_there(grace: User, mailoutbox) -> None:
    pia = person("pia")
    change(grace, pia, "pia@corp.example")
    assert [mail.to for mail in mailoutbox] == [["pia@corp.example"]]


def test_address_change_needs_a_fresh_factor(nina: User, grace: User) -> None:
    with pytest.raises(StepUpRequiredError):
        change(grace, nina, ago=timedelta(minutes=6))
    assert kept(nina) == OLD


def test_address_change_needs_organization_admin(nina: User) -> None:
    for number, held in enumerate(
        [
            (Role.AUDITOR, *ORG),
            (Role.GOVERNANCE_APPROVER, *ORG),
            (Role.SECURITY_ADMIN, ScopeKind.ACCOUNT, "111122223333"),
        ]
    ):
        other = person(f"other-{number}", held)
        with pytest.raises(NotPermittedError):
            change(other, nina)
        page = stepped_up(signed_in(other)).post(reverse("person-mail-address", args=[nina.pk]), {"email": NEW})
        assert page.status_code in {403, 404}
    assert kept(nina) == OLD


def test_admin_can_not_change_own_address(grace: User) -> None:
    with pytest.raises(administration.SelfAdministrationError):
        change(grace, grace, "mine@corp.example")
    page = stepped_up(signed_in(grace)).post(reverse("person-mail-address", args=[grace.pk]), {"email": NEW})
    assert "ask another security admin" in page.content.decode()
    assert kept(grace) == ""


@pytest.mark.parametrize(
    ("email", "why"),
    [
        ("no address", "valid email address"), ("", "valid email address"), ("@corp.example", "valid email address"),
        ("nina\u200b@corp.example", "invisible"), ("nina@corp.example\u2060", "invisible"), ("a\nb@corp.example", "invisible"),
        ("PAUL@corp.example", "paul already uses this email address"), ("ｐaul@corp.example", "paul already uses this email address"),
        ("paul@CORP.example", "paul already uses this email address"), ("olga@corp.example", "olga@corp.example already uses"),
        (OLD, "already"),
    ],
)  # fmt: skip
def test_invalid_address_is_refused_with_reason(nina: User, grace: User, email: str, why: str) -> None:
    paul = person("paul")
    User.objects.filter(pk=paul.pk).update(email="Paul@corp.example", is_active=False)
    person("olga@corp.example")
    with pytest.raises(ValidationError) as refused:
        change(grace, nina, email)
    assert why in " ".join(refused.value.messages)
    page = stepped_up(signed_in(grace)).post(reverse("person-mail-address", args=[nina.pk]), {"email": email})
    assert page.status_code == 200
    assert page.context["form"].errors["email"]
    assert kept(nina) == OLD
    assert not AuditEvent.objects.filter(action="user.email").exists()


def test_respelled_own_address_is_no_duplicate(nina: User, grace: User) -> None:
    change(grace, nina, "Nina@Corp.example")
    assert kept(nina) == "Nina@Corp.example"


def test_service_account_can_not_have_an_address(nina: User, grace: User) -> None:
    robot = User.objects.create(username="robot", is_service=True, responsible=nina)
    with pytest.raises(ValidationError, match="service account"):
        change(grace, robot)


def test_changed_address_gives_no_access(nina: User, grace: User, mailoutbox) -> None:
    """An admin points it at a mailbox of theirs: the factor is still asked for, and without one there is no mail at all."""
    cache.clear()

    def links() -> list[str]:
        Client().post(reverse("account_reset_password"), {"email": NEW})
        Client().post(reverse("account_reset_password"), {"email": OLD})
        words = [word for mail in mailoutbox for word in mail.body.split() if "/sign-in/reset/" in word]
        return [word[word.index("/sign-in/") :] for word in words]

    change(grace, nina)
    assert links() == [], "she hasn't enrolled: a new password would be all that it takes"
    enrol(nina)
    [link] = links()
    client = Client()
    page = client.get(link, follow=True)
    phrase = "nine calm otters borrow ladders"
    client.post(page.request["PATH_INFO"], {"password1": phrase, "password2": phrase})
    signing = client.post(reverse("sign-in"), {"login": "nina", "password": phrase})
    assert signing["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse("me"))["Location"].startswith("/sign-in/")


def test_mail_from_before_the_change_can_not_reset(nina: User, grace: User, mailoutbox) -> None:
    cache.clear()
    enrol(nina)
    Client().post(reverse("account_reset_password"), {"email": OLD})
    change(grace, nina)
    word = next(word for word in mailoutbox[0].body.split() if "/sign-in/reset/" in word)
    client = Client()
    page = client.get(word[word.index("/sign-in/") :], follow=True)
    assert "Link not valid" in page.content.decode().replace("&#x27;", "'")
    assert User.objects.get(pk=nina.pk).check_password(PASSWORD)


def test_person_page_links_address_form_for_admins(nina: User, grace: User) -> None:
    where = reverse("person-mail-address", args=[nina.pk])
    assert where in signed_in(grace).get(reverse("person", args=[nina.pk])).content.decode()
    ada = person("ada", (Role.AUDITOR, *ORG))
    assert where not in signed_in(ada).get(reverse("person", args=[nina.pk])).content.decode()
    mine = signed_in(grace).get(reverse("person", args=[grace.pk])).content.decode()
    assert reverse("person-mail-address", args=[grace.pk]) not in mine
