"""Signing in as people do it: app, passkey, recovery code, step-up, lock-out, the end of a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache
from django.urls import reverse

from governance.core.policy import Role, ScopeKind
from governance.identity.models import FactorStep, User
from tests.browser.conftest import Window
from tests.support.people import PASSWORD, current_code, enrol, person

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Opened = Callable[..., Window]
ADMIN = (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, "o-exampleorg1")


@pytest.fixture(autouse=True)
def _no_limits_from_before() -> None:
    """Attempts are counted in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture
def shown(window: Opened) -> Iterator[Window]:
    """A window in which nothing may go wrong: no policy refusal, no script error."""
    made = window()
    yield made
    assert made.said == []


def fine(window: Window) -> None:
    assert window.axe() == []
    assert window.overflow() <= 0


def with_passkeys(window: Window) -> Any:
    """A virtual authenticator in the browser, with a verified user."""
    devices = window.page.context.new_cdp_session(window.page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    return devices, devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def password_step(window: Window, name: str = "ada", password: str = PASSWORD) -> None:
    window.open(reverse("sign-in"))
    window.page.get_by_label("User name").fill(name)
    window.page.get_by_label("Password").fill(password)
    window.page.get_by_role("button", name="Sign in", exact=True).click()


def code_step(window: Window, code: str, button: str = "Sign in") -> None:
    window.page.get_by_role("textbox", name="Code").fill(code)
    window.page.get_by_role("button", name=button, exact=True).click()


def fresh_code(window: Window, user: User) -> str:
    """A code that counts as unused, without waiting half a minute for the next; read once the page asks for it."""
    window.page.get_by_role("textbox", name="Code").wait_for()
    FactorStep.objects.filter(user=user).update(step=-1)
    return current_code(enrol(user))


def arrived(window: Window, path: str) -> None:
    window.page.wait_for_url(window.base + path)


def test_app_enrollment_then_sign_in(shown: Window) -> None:
    ada = person("ada", ADMIN)
    password_step(shown)
    arrived(shown, reverse("mfa_index"))
    fine(shown)
    shown.page.get_by_role("link", name="Set up an app").click()
    assert shown.page.get_by_role("img", name="QR code").bounding_box()["width"] > 100
    fine(shown)
    shown.page.get_by_text("Enter the secret by hand").click()
    seed = shown.page.locator("#seed").inner_text()
    code_step(shown, current_code(seed), "Set up app")
    arrived(shown, reverse("mfa_view_recovery_codes"))
    assert len(shown.page.locator("#recovery-codes").inner_text().split()) == 10
    fine(shown)
    shown.open(reverse("mfa_view_recovery_codes"))
    assert "can't be shown again" in shown.page.content()
    shown.open(reverse("me"))
    fine(shown)
    shown.page.get_by_role("button", name="Sign out").click()
    arrived(shown, reverse("sign-in"))
    password_step(shown)
    arrived(shown, reverse("mfa_authenticate"))
    fine(shown)
    code_step(shown, fresh_code(shown, ada))
    arrived(shown, "/")


def test_passkey_enrollment_and_sign_in_both_ways(shown: Window) -> None:
    person("ada", ADMIN)
    with_passkeys(shown)
    password_step(shown)
    shown.page.get_by_role("link", name="Add a passkey").click()
    fine(shown)
    shown.page.get_by_label("Name").fill("My laptop")
    shown.page.get_by_label("Sign in with this passkey without a password").check()
    shown.page.get_by_role("button", name="Add passkey").click()
    arrived(shown, reverse("mfa_view_recovery_codes"))
    assert Authenticator.objects.get(type="webauthn").wrap().name == "My laptop"
    shown.page.get_by_role("button", name="Sign out").click()
    shown.open(reverse("sign-in"))
    fine(shown)
    shown.page.get_by_role("button", name="Sign in with a passkey").click()
    arrived(shown, "/")
    shown.page.get_by_role("button", name="Sign out").click()
    password_step(shown)
    arrived(shown, reverse("mfa_authenticate"))
    shown.page.get_by_role("button", name="Use a passkey").click()
    arrived(shown, "/")
    shown.open(reverse("mfa_index"))
    fine(shown)


def test_a_passkey_without_user_verification_is_refused(window: Opened) -> None:
    """allauth 65.21.1: possession alone is one factor."""
    person("ada", ADMIN)
    made = window()
    devices, device = with_passkeys(made)
    password_step(made)
    made.page.get_by_role("link", name="Add a passkey").click()
    made.page.get_by_label("Sign in with this passkey without a password").check()
    made.page.get_by_role("button", name="Add passkey").click()
    arrived(made, reverse("mfa_view_recovery_codes"))
    made.page.get_by_role("button", name="Sign out").click()
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    made.open(reverse("sign-in"))
    made.page.get_by_role("button", name="Sign in with a passkey").click()
    made.page.get_by_text("The passkey was not used").wait_for()
    made.open(reverse("me"))
    assert made.page.url.startswith(made.base + "/sign-in/")


def test_a_recovery_code_lets_in(shown: Window) -> None:
    ada = person("ada", ADMIN)
    enrol(ada)
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]
    password_step(shown)
    code_step(shown, code)
    arrived(shown, "/")


def test_step_up_keeps_input_and_resumes(shown: Window, sign_in: Callable[[Window, User], None]) -> None:
    grace = person("grace", ADMIN)
    nina = person("nina")
    sign_in(shown, grace)
    aged(grace)
    shown.open(reverse("service-new"))
    shown.page.get_by_label("Name of the service account").fill("jira-sync")
    shown.page.get_by_label("Responsible person").select_option(str(nina.pk))
    shown.page.get_by_role("button", name="Create service account").click()
    shown.page.get_by_role("heading", name="Confirm with your second factor").wait_for()
    fine(shown)
    code_step(shown, "000000", "Continue")
    shown.page.get_by_text("This code is wrong").wait_for()
    shown.said.clear()  # the browser's own note that the page came with 403
    code_step(shown, fresh_code(shown, grace), "Continue")
    shown.page.get_by_text("jira-sync was created").wait_for()
    assert User.objects.get(username="jira-sync").responsible == nina


def test_step_up_with_a_passkey(shown: Window) -> None:
    person("grace", ADMIN)
    nina = person("nina")
    with_passkeys(shown)
    password_step(shown, "grace")
    shown.page.get_by_role("link", name="Add a passkey").click()
    shown.page.get_by_role("button", name="Add passkey").click()
    arrived(shown, reverse("mfa_view_recovery_codes"))
    aged(User.objects.get(username="grace"))
    shown.open(reverse("person", args=[nina.pk]))
    fine(shown)
    shown.page.get_by_role("button", name="Create password link").click()
    shown.page.get_by_role("button", name="Use a passkey").click()
    shown.page.get_by_role("heading", name="Link for nina").wait_for()
    fine(shown)
    shown.said.clear()  # the browser's own note that the page came with 403


def test_failed_sign_ins_lock_the_account(shown: Window) -> None:
    ada = person("ada", ADMIN)
    enrol(ada)
    for _ in range(5):
        password_step(shown, password="not the password at all")
    shown.page.get_by_text("The user name or password is wrong").wait_for()
    fine(shown)
    password_step(shown)
    shown.page.get_by_text("Too many attempts").wait_for()


def test_the_end_of_a_session(shown: Window, sign_in: Callable[[Window, User], None]) -> None:
    ada = person("ada", ADMIN)
    sign_in(shown, ada)
    from django.contrib.sessions.models import Session

    from governance.identity.people import sessions

    for row in Session.objects.all():
        store = Session.get_session_store_class()(row.session_key)
        store.load()
        store[sessions.SEEN_KEY] = time.time() - 1800
        store.save()
    shown.open(reverse("me"))
    assert shown.page.url.startswith(shown.base + "/sign-in/")
    shown.page.get_by_text("Your session has ended").wait_for()


def test_the_pages_of_people_and_tokens(shown: Window, sign_in: Callable[[Window, User], None]) -> None:
    sign_in(shown, person("grace", ADMIN))
    for name in ("people", "invite", "tokens", "token-new", "service-new", "account_change_password"):
        shown.open(reverse(name))
        fine(shown)
    shown.page.set_viewport_size({"width": 390, "height": 800})
    for name in ("people", "tokens", "me", "mfa_index"):
        shown.open(reverse(name))
        assert shown.overflow() <= 0


def aged(user: User) -> None:
    """Every session of this person proved its second factor ten minutes ago."""
    from django.contrib.sessions.models import Session

    for row in Session.objects.all():
        store = Session.get_session_store_class()(row.session_key)
        if store.load().get("_auth_user_id") == str(user.pk):
            records = store["account_authentication_methods"]
            store["account_authentication_methods"] = [{**r, "at": r["at"] - 600} for r in records]
            store.save()
