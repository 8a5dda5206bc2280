"""Every way in ends at the second factor."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from governance.core.models import AuditEvent
from governance.identity.models import User
from tests.support.people import PASSWORD, current_code, enrol, person, signed_in

pytestmark = pytest.mark.django_db


def password_step(client: Client, name: str = "ada", password: str = PASSWORD, **more: str):
    return client.post(reverse("sign-in"), {"login": name, "password": password, **more})


def code_of(user: User) -> str:
    return current_code(enrol(user))


def test_password_alone_gives_no_access() -> None:
    enrol(person("ada"))
    client = Client()
    answer = password_step(client)
    assert answer["Location"] == reverse("mfa_authenticate")
    assert client.get("/me/second-factor/")["Location"].startswith("/sign-in/")


def test_password_and_code_sign_in_and_are_written_down() -> None:
    ada = person("ada")
    client = Client()
    enrol(ada)
    password_step(client, next="/controls/")
    answer = client.post(reverse("mfa_authenticate"), {"code": code_of(ada)})
    assert answer["Location"] == "/controls/"
    assert client.get("/me/second-factor/").status_code == 200
    row = AuditEvent.objects.get(action="session.begin")
    assert (row.actor, row.body["methods"]) == ("ada", ["password", "mfa"])


def test_without_a_factor_only_enrollment_is_possible() -> None:
    person("ada")
    client = Client()
    password_step(client)
    assert client.get("/controls/")["Location"] == reverse("mfa_index")
    assert client.get(reverse("account_change_password"))["Location"] == reverse("mfa_index")
    assert client.get(reverse("mfa_index")).status_code == 200
    assert client.post(reverse("sign-out"))["Location"] == "/sign-in/"


def test_app_enrollment_signs_in_and_shows_codes_once() -> None:
    ada = person("ada")
    client = Client()
    password_step(client)
    seed = client.get(reverse("mfa_activate_totp")).context["form"].secret
    assert seed not in str(dict(client.session)), "the seed isn't readable in the session"
    before = client.session.session_key
    answer = client.post(reverse("mfa_activate_totp"), {"code": current_code(seed)})
    assert answer["Location"] == reverse("mfa_view_recovery_codes")
    assert client.session.session_key != before
    assert seed not in str(Authenticator.objects.get(user=ada, type="totp").data)
    codes = client.get(answer["Location"]).context["unused_codes"]
    assert len(codes) == 10
    assert client.get(answer["Location"]).context["unused_codes"] == ["****"] * 10
    assert client.get(reverse("mfa_index")).status_code == 200
    assert AuditEvent.objects.filter(action="factor.added", actor="ada").exists()


def test_signed_in_passes_the_gate() -> None:
    assert signed_in(person("ada")).get(reverse("mfa_index")).status_code == 200
