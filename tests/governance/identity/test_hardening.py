"""What went wrong elsewhere (advisories, gaps) and what must hold at the door: each has its test here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from io import StringIO

import pytest
from allauth.account.internal.userkit import user_id_to_str
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import NoReverseMatch, reverse

from governance.core.models import AuditEvent
from governance.identity.models import FactorStep, User
from tests.support.people import PASSWORD, current_code, enrol, person
from tests.whole.portal import ROOT, bare_environment

pytestmark = pytest.mark.django_db


def attempt(client: Client, name: str, password: str = PASSWORD, **more):
    return client.post(reverse("sign-in"), {"login": name, "password": password}, **more)


def test_allauth_65_14_2_forged_forwarded_header_is_ignored() -> None:
    """Attempts are counted by the address of the connection, as no proxy is trusted unless it is configured."""
    cache.clear()
    person("ada")
    for number in range(10):
        attempt(Client(), f"nobody-{number}", headers={"X-Forwarded-For": f"198.51.100.{number}"})
    stopped = attempt(Client(), "ada", headers={"X-Forwarded-For": "203.0.113.9"})
    assert "Too many attempts" in stopped.content.decode()


def test_allauth_65_21_0_passkey_proof_is_not_carried_over() -> None:
    """A passkey sign-in that was refused leaves its record in the session: the next person must prove their own."""
    gone, ada = person("gone"), person("ada")
    enrol(ada)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    client = Client()
    session = client.session
    record = {"method": "mfa", "type": "webauthn", "passwordless": True, "at": time.time(), "id": 1}
    session["account_authentication_methods"] = [record]
    session["account_authentication_methods_user"] = user_id_to_str(gone)
    session.save()
    assert attempt(client, "ada")["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse("me")).status_code == 302


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_after_signing_in_stays_on_this_host(elsewhere: str) -> None:
    ada = person("ada")
    seed = enrol(ada)
    client = Client()
    client.post(reverse("sign-in"), {"login": "ada", "password": PASSWORD, "next": elsewhere})
    FactorStep.objects.filter(user=ada).update(step=-1)
    done = client.post(reverse("mfa_authenticate"), {"code": current_code(seed)})
    assert done["Location"] == reverse("me")


def test_answers_do_not_reveal_known_people() -> None:
    """ASVS 6.3.8."""
    cache.clear()
    ada = person("ada")
    ada.email = "ada@corp.example"
    ada.save()
    known, unknown = attempt(Client(), "ada", "wrong"), attempt(Client(), "nobody", "wrong")
    said = [answer.context["form"].non_field_errors() for answer in (known, unknown)]
    assert said[0] == said[1]
    where = reverse("account_reset_password")
    answers = [Client().post(where, {"email": email}) for email in ("ada@corp.example", "nobody@corp.example")]
    assert {(a.status_code, a["Location"]) for a in answers} == {(302, reverse("account_reset_password_done"))}


def test_a_reset_by_mail_never_bypasses_the_second_factor(mailoutbox) -> None:
    """ASVS 6.4.3."""
    ada = person("ada")
    ada.email = "ada@corp.example"
    ada.save()
    enrol(ada)
    client = Client()
    client.post(reverse("account_reset_password"), {"email": ada.email})
    link = next(word for word in mailoutbox[0].body.split() if "/sign-in/reset/" in word)
    page = client.get(link[link.index("/sign-in/") :], follow=True)
    phrase = "nine calm otters borrow ladders"
    done = client.post(page.request["PATH_INFO"], {"password1": phrase, "password2": phrase})
    assert done["Location"] == reverse("account_reset_password_from_key_done")
    assert client.get(reverse("me")).status_code == 302
    assert attempt(client, "ada", phrase)["Location"] == reverse("mfa_authenticate")
    assert mailoutbox[-1].subject.startswith("[Tutela] ")


def test_a_changed_password_ends_other_sessions() -> None:
    ada = person("ada")
    seed = enrol(ada)
    here, there = Client(), Client()
    for client in (here, there):
        attempt(client, "ada")
        FactorStep.objects.filter(user=ada).update(step=-1)
        client.post(reverse("mfa_authenticate"), {"code": current_code(seed)})
    phrase = "nine calm otters borrow ladders"
    typed = {"oldpassword": PASSWORD, "password1": phrase, "password2": phrase}
    assert here.post(reverse("account_change_password"), typed).status_code == 302
    assert there.get(reverse("me"))["Location"].startswith("/sign-in/")
    assert here.get(reverse("me")).status_code == 200
    assert AuditEvent.objects.filter(action="user.password", actor="ada").exists()


def test_sign_up_and_other_allauth_routes_are_absent() -> None:
    for name in ("account_signup", "account_reauthenticate", "mfa_reauthenticate", "account_email", "mfa_trust",
                 "socialaccount_signup", "account_request_login_code", "usersessions_list"):  # fmt: skip
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_sign_in_pages_refuse_cross_site_posts() -> None:
    """ASVS 3.5.1."""
    for name in ("sign-in", "sign-out", "mfa_authenticate", "step-up", "account_reset_password"):
        assert Client(enforce_csrf_checks=True).post(reverse(name), {}).status_code == 403, name


def test_refused_sign_ins_are_audited_without_typed_text() -> None:
    """ASVS 16.3.1."""
    cache.clear()
    person("ada")
    attempt(Client(), "ada", "secret-typed-here")
    attempt(Client(), "my password in the wrong field", "x")
    rows = list(AuditEvent.objects.filter(action="session.refused").values())
    assert [row["actor"] for row in rows] == ["ada"]
    assert "secret-typed" not in str(rows)


def test_unreachable_mail_server_does_not_break_reset_page(settings, caplog) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        1,
    )
    ada = person("ada")
    ada.email = "ada@corp.example"
    ada.save()
    enrol(ada)
    answer = Client().post(reverse("account_reset_password"), {"email": ada.email})
    assert answer.status_code == 302
    assert "could not be sent" in caplog.text


def test_first_admin_is_made_once_with_own_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """ASVS 6.3.2."""
    User.objects.all().delete()

    def run(password: str) -> tuple[int, str]:
        out, monkey = StringIO(), StringIO(password + "\n")
        monkeypatch.setattr("sys.stdin", monkey)
        try:
            call_command("first_admin", "grace", organization="o-exampleorg1", stdout=out, stderr=out)
        except SystemExit as ended:
            return int(str(ended.code)), out.getvalue()
        return 0, out.getvalue()

    assert run("short")[0] == 1
    assert not User.objects.exists()
    assert run("nine calm otters borrow ladders")[0] == 0
    status, said = run("nine calm otters borrow ladders")
    assert (status, said) == (1, "There is already a security admin; ask them for a grant.\n")
    client = Client()
    attempt(client, "grace", "nine calm otters borrow ladders")
    assert client.get("/")["Location"] == reverse("mfa_index"), "and enrols a second factor first"


def test_a_demo_code_is_for_the_demo_only(settings) -> None:
    ada = person("ada")
    seed = enrol(ada)
    settings.DEMO = False
    with pytest.raises(SystemExit):
        call_command("demo_code", "ada", stdout=StringIO(), stderr=StringIO())
    settings.DEMO, out, shown = True, StringIO(), current_code(seed)
    call_command("demo_code", "ada", stdout=out, stderr=StringIO())
    assert out.getvalue().strip() == shown


def production_settings(**more: str) -> dict:
    names = [
        "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
        "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "SECURE_SSL_REDIRECT", "DEBUG",
        "SECURE_REFERRER_POLICY", "MFA_TOTP_TOLERANCE", "MFA_WEBAUTHN_USER_VERIFICATION", "MFA_TRUST_ENABLED",
        "ALLAUTH_TRUSTED_PROXY_COUNT",
    ]  # fmt: skip
    code = (
        f"import json; from governance import settings as s; print(json.dumps({{n: getattr(s, n) for n in {names}}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=bare_environment(**more), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_production_settings_protect_sign_in() -> None:
    """ASVS 3.3.1 to 3.3.4, 3.4.1, 13.4.2."""
    held = production_settings()
    names = [held.pop(f"{cookie}_COOKIE_NAME") for cookie in ("SESSION", "CSRF")]
    assert [name[:7] for name in names] == ["__Host-", "__Host-"]
    assert held.pop("SECURE_HSTS_SECONDS") >= 31536000
    assert held == {
        "SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_HTTPONLY": True, "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": True, "SECURE_SSL_REDIRECT": True, "DEBUG": False,
        "SECURE_REFERRER_POLICY": "same-origin", "MFA_TOTP_TOLERANCE": 0,
        "MFA_WEBAUTHN_USER_VERIFICATION": "required", "MFA_TRUST_ENABLED": False, "ALLAUTH_TRUSTED_PROXY_COUNT": 0,
    }  # fmt: skip
    assert production_settings(TUTELA_BEHIND_PROXY="1")["ALLAUTH_TRUSTED_PROXY_COUNT"] == 1


def test_sign_in_pages_have_security_headers() -> None:
    """ASVS 3.2.1, 3.4.3, 3.4.5, 3.4.6, 14.3.2."""
    ada = person("ada")
    enrol(ada)
    client = Client()
    answer = client.get(reverse("sign-in"))
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    attempt(client, "ada")
    assert "no-store" in client.get(reverse("mfa_authenticate"))["Cache-Control"]
