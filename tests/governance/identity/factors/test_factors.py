"""Codes are taken once, seeds are kept encrypted, and what allauth leaves open is closed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.core.env import ConfigurationError
from governance.core.models import AuditEvent
from governance.identity.factors import second_factors, totp_secrets
from governance.identity.models import User
from tests.support.people import PASSWORD, current_code, enrol, person, signed_in, stepped_up

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, 0, 5, tzinfo=UTC)


def take(user: User, code: str, now: datetime = NOW) -> bool:
    return second_factors.take_code(user=user, code=code, now=now) is not None


def test_a_code_is_taken_once() -> None:
    """ASVS 6.5.1."""
    ada = person("ada")
    code = second_factors.compute_code(enrol(ada), NOW)
    assert take(ada, code)
    assert not take(ada, code)
    assert not take(ada, code, NOW + timedelta(seconds=20)), "the same time step"


def test_a_code_of_another_time_step_is_refused() -> None:
    """allauth gap: with MFA_TOTP_TOLERANCE=1 a code was taken three times. Ours has no tolerance, and moves forward only."""
    ada = person("ada")
    seed = enrol(ada)
    for seconds in (-60, -30, 30, 60):
        assert not take(ada, second_factors.compute_code(seed, NOW + timedelta(seconds=seconds)))
    assert take(ada, second_factors.compute_code(seed, NOW + timedelta(minutes=5)), NOW + timedelta(minutes=5))
    assert not take(ada, second_factors.compute_code(seed, NOW), NOW), "a clock that goes back brings no code back"


@pytest.mark.parametrize("spelling", ["{0} {1}", "{0}-{1}", " {0}{1} ", "{0}\u00a0{1}", "wide"])
def test_allauth_65_20_1_respelled_used_code_is_refused(spelling: str) -> None:
    ada = person("ada")
    code = second_factors.compute_code(enrol(ada), NOW)
    assert take(ada, code)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    assert not take(ada, wide if spelling == "wide" else spelling.format(code[:3], code[3:]))


def test_a_used_code_stays_used_when_the_app_is_enrolled_again() -> None:
    ada = person("ada")
    seed = enrol(ada)
    assert take(ada, second_factors.compute_code(seed, NOW))
    Authenticator.objects.filter(user=ada).delete()
    Authenticator.objects.create(user=ada, type="totp", data={"secret": totp_secrets.encrypt_secret(seed)})
    assert not take(ada, second_factors.compute_code(seed, NOW))


def test_the_code_that_enrolled_the_app_is_used_up() -> None:
    ada = person("ada")
    client = Client()
    client.post(reverse("sign-in"), {"login": "ada", "password": PASSWORD})
    seed = client.get(reverse("mfa_activate_totp")).context["form"].secret
    code = current_code(seed)
    assert client.post(reverse("mfa_activate_totp"), {"code": code}).status_code == 302
    assert second_factors.take_code(user=ada, code=code, now=timezone.now()) is None


def test_a_recovery_code_works_once() -> None:
    ada = person("ada")
    enrol(ada)
    code = RecoveryCodes.activate(ada).get_unused_codes()[3]
    assert take(ada, code)
    assert not take(ada, code)


@pytest.mark.racing
@pytest.mark.django_db(transaction=True)
def test_two_workers_take_the_same_code_and_one_wins() -> None:
    ada = person("ada")
    code = second_factors.compute_code(enrol(ada), NOW)
    assert at_once(lambda: take(ada, code)) == [False, False, False, True]


@pytest.mark.racing
@pytest.mark.django_db(transaction=True)
def test_two_workers_take_the_same_recovery_code_and_one_wins() -> None:
    ada = person("ada")
    enrol(ada)
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]
    assert at_once(lambda: take(ada, code)) == [False, False, False, True]


def at_once(act, workers: int = 4) -> list[bool]:
    """What each of several threads, with a connection of its own, got; sorted."""
    got: list[bool] = []
    ready = threading.Barrier(workers)

    def run() -> None:
        try:
            connection.ensure_connection()
            ready.wait()
            got.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(got)


def test_seeds_are_encrypted_at_rest_and_the_key_can_be_rotated(settings) -> None:
    """ASVS 6.5.2, allauth gap: seeds are plaintext by default."""
    ada = person("ada")
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FACTOR_KEYS = [old]
    seed = enrol(ada)
    codes = RecoveryCodes.activate(ada).get_unused_codes()
    assert seed not in str(list(Authenticator.objects.values()))
    settings.FACTOR_KEYS = [new, old]
    call_command("rotate_factor_key")
    settings.FACTOR_KEYS = [new]
    assert totp_secrets.decrypt_secret(Authenticator.objects.get(type="totp").data["secret"]) == seed
    assert RecoveryCodes.activate(ada).get_unused_codes() == codes
    settings.FACTOR_KEYS = [old]
    with pytest.raises(ConfigurationError, match="older keys"):
        totp_secrets.decrypt_secret(Authenticator.objects.get(type="totp").data["secret"])
    assert AuditEvent.objects.get(action="factor.rotate_key").body["factors"] == 2


def test_missing_key_stores_no_secret_and_blocks_serving(settings) -> None:
    settings.FACTOR_KEYS, settings.DEMO = [], False
    with pytest.raises(ConfigurationError, match="TUTELA_FACTOR_KEYS"):
        totp_secrets.encrypt_secret("x")
    settings.FACTOR_KEYS = ["not a key"]
    with pytest.raises(ConfigurationError, match="not a Fernet key"):
        totp_secrets.encrypt_secret("x")


def test_allauth_gap_a_password_is_no_step_up() -> None:
    """There is no page that takes a password for a fresh factor, and a record that says so counts for nothing."""
    ada = person("ada")
    client = signed_in(ada)
    session = client.session
    fresh = {"method": "password", "at": timezone.now().timestamp(), "reauthenticated": True}
    session["account_authentication_methods"] = [*session["account_authentication_methods"], fresh]
    session.save()
    asked = client.get(reverse("mfa_deactivate_totp"))
    assert asked["Location"] == reverse("step-up") + "?next=%2Fme%2Fsecond-factor%2Fapp%2Fremove%2F"
    assert client.post(reverse("step-up"), {"password": PASSWORD, "next": "/"}).status_code != 302


def test_allauth_gap_person_without_credentials_is_stuck() -> None:
    """allauth's own check lets single sign-on people without a factor pass for ever."""
    ada = person("ada")
    ada.set_unusable_password()
    ada.save()
    client = Client()
    client.force_login(ada)
    assert client.get(reverse("me"))["Location"] == reverse("mfa_index")
    api = client.get("/api/v1/accounts/")
    assert (api.status_code, api.json()["type"]) == (403, "urn:tutela:problem:second-factor-required")


def test_allauth_gap_old_session_must_prove_new_factor() -> None:
    """allauth#3649: a factor enrolled later, elsewhere, doesn't bless a session that never proved it."""
    ada = person("ada")
    client = Client()
    client.force_login(ada)
    enrol(ada)
    assert client.get("/controls/")["Location"] == reverse("step-up") + "?next=%2Fcontrols%2F"
    assert client.get("/api/v1/accounts/").status_code == 403
    code = current_code(enrol(ada))
    assert client.post(reverse("step-up"), {"next": reverse("me"), "step-up-code": code})["Location"] == reverse("me")
    assert client.get(reverse("me")).status_code == 200


def test_allauth_65_20_0_records_of_another_person_are_void() -> None:
    ada, bob = person("ada"), person("bob")
    client = stepped_up(signed_in(ada))
    enrol(bob)
    session = client.session
    records = session["account_authentication_methods"]
    client.force_login(bob)
    session = client.session
    session["account_authentication_methods"] = records
    session["account_authentication_methods_user"] = str(ada.pk)
    session.save()
    assert client.get(reverse("me"))["Location"].startswith(reverse("step-up"))


def test_brute_force_is_stopped() -> None:
    """ASVS 6.3.1: five wrong codes in five minutes, and even the right one is refused for a while."""
    ada = person("ada")
    seed = enrol(ada)
    client = Client()
    client.post(reverse("sign-in"), {"login": "ada", "password": PASSWORD})
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    stopped = client.post(reverse("mfa_authenticate"), {"code": current_code(seed)})
    assert "Too many attempts" in stopped.content.decode()
    assert client.get(reverse("me")).status_code == 302


def test_last_factor_stays_and_changes_need_fresh_factor() -> None:
    ada = person("ada")
    client = signed_in(ada)
    assert client.post(reverse("mfa_deactivate_totp"))["Location"].startswith(reverse("step-up"))
    page = stepped_up(client).post(reverse("mfa_deactivate_totp"))
    assert "only second factor" in page.content.decode()
    assert second_factors.has_factor(ada)


def test_recovery_code_signs_in_but_is_no_step_up_proof() -> None:
    ada = person("ada")
    enrol(ada)
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]
    client = Client()
    client.post(reverse("sign-in"), {"login": "ada", "password": PASSWORD})
    assert client.post(reverse("mfa_authenticate"), {"code": code})["Location"] == reverse("me")
    assert client.get(reverse("mfa_add_webauthn")).status_code == 200
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user, request.session = ada, client.session
    assert second_factors.find_last_proof_time(request) is None


@pytest.mark.django_db(transaction=True)
def test_a_factor_change_ends_other_sessions_and_is_mailed(mailoutbox) -> None:
    """ASVS 7.4.3, 6.3.7."""
    ada = person("ada")
    ada.email = "ada@corp.example"
    ada.save()
    here, there = Client(), Client()
    seed = enrol(ada)
    for number, client in enumerate((here, there)):
        client.post(reverse("sign-in"), {"login": "ada", "password": PASSWORD})
        from governance.identity.models import FactorStep

        FactorStep.objects.filter(user=ada).update(step=-1)
        client.post(reverse("mfa_authenticate"), {"code": current_code(seed)})
        assert client.get(reverse("me")).status_code == 200, number
    done = here.post(reverse("mfa_generate_recovery_codes"))
    assert done["Location"] == reverse("mfa_view_recovery_codes")
    assert here.get(reverse("me")).status_code == 200
    assert there.get(reverse("me"))["Location"].startswith("/sign-in/")
    assert [mail.to for mail in mailoutbox] == [["ada@corp.example"]]
    assert AuditEvent.objects.filter(action="factor.renewed", actor="ada").exists()
