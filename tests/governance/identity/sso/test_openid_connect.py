"""Single sign-on against a real OpenID Connect provider, in a process of its own."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.core import env
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.identity.models import User
from governance.identity.people import one_time_links
from governance.identity.sso import openid_connect
from tests.governance.identity import oidc_provider
from tests.support.people import current_code, enrol, person, signed_in, stepped_up

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
CALLBACK = "https://testserver/sign-in/with/sso/callback/"
ADMIN = (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, "o-exampleorg1")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.governance.identity.oidc_provider", str(port), CALLBACK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as provider:
        assert provider.stdout is not None
        assert provider.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        provider.terminate()


@pytest.fixture(autouse=True)
def _connected(issuer: str, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ISSUER", issuer), ("CLIENT_ID", oidc_provider.CLIENT_ID), ("NAME", "Corp"),
                        ("CLIENT_SECRET", oidc_provider.CLIENT_SECRET)):  # fmt: skip
        monkeypatch.setenv(f"TUTELA_OIDC_{name}", value)
    settings.SOCIALACCOUNT_PROVIDERS = env.oidc(insecure=True)
    settings.OIDC_ALLOWED_DOMAINS = frozenset({"corp.example"})


def at_the_provider(url: str, name: str = "nina") -> str:
    """Signs in there as people do; answers where the provider sends the browser back to."""
    browser = requests.Session()
    page = browser.get(url, timeout=60)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token, page.text[:500]
    typed = {"login": name, "password": oidc_provider.PASSWORD, "csrfmiddlewaretoken": token[1]}
    answer = browser.post(page.url, {**typed, "next": url}, allow_redirects=False, timeout=60)
    while not answer.headers.get("Location", "").startswith(CALLBACK):
        assert answer.is_redirect, answer.text[:2000]
        answer = browser.get(
            requests.compat.urljoin(url, answer.headers["Location"]), allow_redirects=False, timeout=60
        )
    return answer.headers["Location"]


def start(browser: Client, path: str = "/sign-in/with/sso/") -> str:
    return browser.post(path)["Location"]


def come_back(browser: Client, url: str) -> HttpResponseBase:
    parts = urlsplit(url)
    return browser.get(f"{parts.path}?{parts.query}")


def through(browser: Client, name: str = "nina") -> HttpResponseBase:
    return come_back(browser, at_the_provider(start(browser), name))


def connected(browser: Client, user: User) -> HttpResponseBase:
    word = one_time_links.issue_link(
        actor=SYSTEM, user=user, purpose=one_time_links.LinkPurpose.CONNECT, now=timezone.now()
    )
    assert browser.get(reverse("connect-open", args=[word])).status_code == 200
    return through(browser)


def test_sign_in_page_starts_sso_with_pkce_nonce_and_state() -> None:
    assert "Sign in with Corp" in Client().get(reverse("sign-in")).content.decode()
    asked = parse_qs(urlsplit(start(Client())).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["nonce"][0]) > 30
    assert len(asked["state"][0]) > 10
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}


def test_request_parameters_are_not_sent_to_provider() -> None:
    url = start(Client(), "/sign-in/with/sso/?auth_params=prompt%3Dnone&scope=admin&next=https://evil.example/")
    assert "prompt" not in url
    assert "admin" not in url


def test_unknown_person_gets_no_account() -> None:
    """GHSA-hfp4-q5pg-2p7r: single sign-on is an allow-list, and makes nobody."""
    answer = through(Client())
    assert "User not found" in answer.content.decode()
    assert (User.objects.count(), SocialAccount.objects.count()) == (0, 0)


def test_same_name_and_address_are_not_the_same_person() -> None:
    """GHSA-h8m9-jgf8-vwvp, CVE-2025-65431: nothing but (connection, sub) is a link to a person."""
    nina = person("nina")
    nina.email = "nina@corp.example"
    nina.save()
    assert "User not found" in through(Client()).content.decode()
    assert not SocialAccount.objects.exists()


def test_admin_link_connects_once_and_requires_factor() -> None:
    """ASVS 6.3.3: single sign-on is no way round the second factor."""
    nina = person("nina")
    enrol(nina)
    browser = Client()
    assert connected(browser, nina)["Location"] == reverse("mfa_authenticate")
    assert SocialAccount.objects.get().user == nina
    assert SocialAccount.objects.get().provider == "sso"
    row = AuditEvent.objects.get(action="identity.connect")
    assert row.body["sub"] == SocialAccount.objects.get().uid
    again = Client()
    assert through(again)["Location"] == reverse("mfa_authenticate")
    code = current_code(enrol(nina))
    assert again.post(reverse("mfa_authenticate"), {"code": code})["Location"] == reverse("me")


def test_sso_without_factor_leads_to_enrollment_only() -> None:
    nina = person("nina")
    nina.set_unusable_password()
    nina.save()
    browser = Client()
    connected(browser, nina)
    assert browser.get("/controls/")["Location"] == reverse("mfa_index")


def test_another_domain_is_refused() -> None:
    answer = through(Client(), "mallory")
    assert answer.status_code == 403


def test_used_link_connects_no_person() -> None:
    nina, word = person("nina"), ""
    word = one_time_links.issue_link(
        actor=SYSTEM, user=nina, purpose=one_time_links.LinkPurpose.CONNECT, now=timezone.now()
    )
    browser = Client()
    browser.get(reverse("connect-open", args=[word]))
    one_time_links.redeem_link(word, one_time_links.LinkPurpose.CONNECT, timezone.now())
    assert through(browser).status_code == 410
    assert not SocialAccount.objects.exists()


def test_a_disabled_person_is_refused() -> None:
    nina = person("nina")
    connected(Client(), nina)
    User.objects.update(is_active=False)
    browser = Client()
    assert through(browser)["Location"] == reverse("account_inactive")
    assert browser.get(reverse("me")).status_code == 302


def test_an_answer_for_another_browser_or_used_twice_is_refused() -> None:
    nina = person("nina")
    connected(Client(), nina)
    victim, url = Client(), at_the_provider(start(Client()))
    start(victim)
    assert "Sign-in failed" in come_back(victim, url).content.decode()
    browser = Client()
    url = at_the_provider(start(browser))
    come_back(browser, url)
    fresh = Client()
    fresh.cookies = browser.cookies
    fresh.post(reverse("sign-out"))
    assert "Sign-in failed" in come_back(fresh, url).content.decode()


def test_an_id_token_with_another_nonce_is_refused() -> None:
    """ASVS 10.5.1."""
    browser = Client()
    url = at_the_provider(start(browser))
    session = browser.session
    session[openid_connect.NONCE_KEY] = "another"
    session.save()
    assert "Sign-in failed" in come_back(browser, url).content.decode()


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_an_unsigned_or_symmetric_id_token_is_refused(
    algorithm: str, issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ASVS 9.1.2. allauth gap: a token that came by the back channel isn't checked for its signature at all."""
    import jwt

    forged = {"iss": issuer, "aud": oidc_provider.CLIENT_ID, "sub": "1", "exp": timezone.now().timestamp() + 60}
    key = "" if algorithm == "none" else "x" * 40
    token = jwt.encode(forged, key, algorithm=algorithm, headers={"kid": "1"})
    received = openid_connect.OidcConnection.get_access_token_data

    def swapped(self, *args, **kwargs):
        return {**received(self, *args, **kwargs), "id_token": token}

    monkeypatch.setattr(openid_connect.OidcConnection, "get_access_token_data", swapped)
    assert "Sign-in failed" in through(Client()).content.decode()


def test_admin_connects_and_disconnects_identity() -> None:
    nina = person("nina")
    grace = stepped_up(signed_in(person("grace", ADMIN)))
    shown = grace.post(reverse("person-connect-link", args=[nina.pk]), follow=True)
    browser = Client()
    browser.get(shown.context["url"])
    through(browser)
    assert SocialAccount.objects.get().user == nina
    assert "Disconnect" in grace.get(reverse("person", args=[nina.pk])).content.decode()
    grace.post(reverse("person-disconnect", args=[nina.pk]))
    assert not SocialAccount.objects.exists()


def test_starting_needs_a_post_and_a_connection(settings) -> None:
    assert Client().get("/sign-in/with/sso/").status_code == 405
    assert Client().post("/sign-in/with/other/").status_code == 404
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert Client().post("/sign-in/with/sso/").status_code == 404


def test_the_issuer_is_https(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(env.ConfigurationError, match="https"):
        env.oidc(insecure=False)
    monkeypatch.delenv("TUTELA_OIDC_ISSUER")
    assert env.oidc(insecure=False) == {}
