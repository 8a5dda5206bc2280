"""Sessions end in time, by their owner, and by an admin."""

from __future__ import annotations

import time

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from governance.core.policy import Role, ScopeKind
from governance.identity.models import FactorStep, User
from governance.identity.people import sessions
from tests.support.people import PASSWORD, current_code, enrol, person, signed_in

pytestmark = pytest.mark.django_db


def really_signed_in(user: User) -> Client:
    client = Client(headers={"User-Agent": f"browser {time.monotonic_ns()}"})
    client.post(reverse("sign-in"), {"login": user.username, "password": PASSWORD})
    FactorStep.objects.filter(user=user).update(step=-1)
    client.post(reverse("mfa_authenticate"), {"code": current_code(enrol(user))})
    return client


def moved(client: Client, **seconds: float) -> Client:
    session = client.session
    for name, ago in seconds.items():
        session[{"began": sessions.BEGAN_KEY, "seen": sessions.SEEN_KEY}[name]] = time.time() - ago
    session.save()
    return client


@pytest.mark.parametrize(
    ("seconds", "ends"),
    [
        ({"began": 3600, "seen": 29 * 60}, False),
        ({"began": 3600, "seen": 30 * 60}, True),
        ({"began": 12 * 3600 - 60, "seen": 5}, False),
        ({"began": 12 * 3600, "seen": 5}, True),
    ],
)
def test_idle_and_absolute_limits(seconds: dict, ends: bool) -> None:
    """ASVS 7.3.1, 7.3.2."""
    client = moved(signed_in(person("ada")), began=0, seen=0)
    answer = moved(client, **seconds).get(reverse("me"))
    assert (answer.status_code == 302) is ends
    if ends:
        assert "Your session has ended" in client.get(answer["Location"]).content.decode()


def test_being_seen_is_written_once_a_minute() -> None:
    client = moved(signed_in(person("ada")), began=100, seen=30)
    before = client.session[sessions.SEEN_KEY]
    client.get(reverse("me"))
    assert client.session[sessions.SEEN_KEY] == before
    moved(client, seen=61).get(reverse("me"))
    assert client.session[sessions.SEEN_KEY] > before


def test_session_id_changes_at_sign_in() -> None:
    """ASVS 7.2.4."""
    ada = person("ada")
    enrol(ada)
    client = Client()
    client.post(reverse("sign-in"), {"login": "ada", "password": PASSWORD})
    before = client.session.session_key
    client.post(reverse("mfa_authenticate"), {"code": current_code(enrol(ada))})
    assert client.session.session_key != before


def test_person_ends_only_own_sessions() -> None:
    ada, bob = person("ada"), person("bob")
    enrol(ada), enrol(bob)
    here, there, other = really_signed_in(ada), really_signed_in(ada), really_signed_in(bob)
    page = here.get(reverse("me")).content.decode()
    assert page.count("browser ") == 2
    theirs = UserSession.objects.get(user=bob)
    here.post(reverse("end-my-sessions"), {"session": theirs.pk})
    here.post(reverse("end-my-sessions"), {"session": "x"})
    assert other.get(reverse("me")).status_code == 200
    assert there.get(reverse("me")).status_code == 200
    mine = UserSession.objects.filter(user=ada).exclude(session_key=here.session.session_key).get()
    here.post(reverse("end-my-sessions"), {"session": mine.pk})
    assert there.get(reverse("me"))["Location"].startswith("/sign-in/")
    assert here.get(reverse("me")).status_code == 200


def test_admin_ends_another_persons_sessions() -> None:
    """ASVS 7.4.5."""
    ada = person("ada")
    enrol(ada)
    browser = really_signed_in(ada)
    grace = signed_in(person("grace", (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, "o-exampleorg1")))
    grace.post(reverse("person-end-sessions", args=[ada.pk]))
    assert browser.get(reverse("me"))["Location"].startswith("/sign-in/")


def test_signing_out_ends_the_session_and_needs_a_post(settings) -> None:
    ada = person("ada")
    enrol(ada)
    browser = really_signed_in(ada)
    assert browser.get(reverse("sign-out")).status_code == 200
    assert browser.get(reverse("me")).status_code == 200
    key = browser.session.session_key
    browser.post(reverse("sign-out"))
    revived = Client()
    revived.cookies[settings.SESSION_COOKIE_NAME] = key
    assert revived.get(reverse("me"))["Location"].startswith("/sign-in/")
