"""Single sign-on by SAML, with answers that a key of the test signs."""

from __future__ import annotations

import base64
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Words

from governance.core import env
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM
from governance.identity.models import User
from governance.identity.people import one_time_links
from governance.identity.sso import saml, saml_urls
from tests.governance.identity import saml_provider
from tests.governance.identity.saml_provider import ANSWERS_TO, ENTITY, SIGN_ON, Answer, question
from tests.support.people import current_code, enrol, person

pytestmark = pytest.mark.django_db
OTHER_PORTAL = (
    "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction>"
)
Pair = tuple[str, str]


@pytest.fixture(scope="module")
def pair() -> Pair:
    return saml_provider.key_and_certificate()


@pytest.fixture
def environment(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    values = {"IDP_ENTITY_ID": ENTITY, "IDP_SSO_URL": SIGN_ON, "IDP_CERTIFICATE": pair[1], "NAME": "Corp"}
    named = {f"TUTELA_SAML_{name}": value for name, value in values.items()}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    return named


@pytest.fixture
def corp(environment, pair: Pair, settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """The portal connected; answers a maker of the provider's answers."""
    settings.SOCIALACCOUNT_PROVIDERS = env.saml(insecure=False)
    settings.ROOT_URLCONF = "tests.governance.identity.saml_urls"
    monkeypatch.setitem(registry.provider_map, "saml", SAMLProvider)
    return lambda to, **changed: Answer(to, *pair, **changed)


def asked(browser: Client, path: str = "/sign-in/saml/") -> str:
    """The id of the question that this browser takes to the provider."""
    return question(browser.post(path, secure=True)["Location"]).get("ID")


def send(browser: Client, xml: bytes, **more: str) -> HttpResponseBase:
    """As the provider's page posts it: from another site, so without the session's cookie. Then on, as browsers go."""
    outside = Client()
    got = outside.post(reverse("saml_acs"), {"SAMLResponse": base64.b64encode(xml).decode(), **more}, secure=True)
    if got.status_code != 302:
        return got
    browser.cookies[saml.SAML_COOKIE] = got.cookies[saml.SAML_COOKIE].value
    return browser.get(got["Location"], secure=True)


def connected(corp: Any, browser: Client, user: User, **changed: Any) -> HttpResponseBase:
    word = one_time_links.issue_link(
        actor=SYSTEM, user=user, purpose=one_time_links.LinkPurpose.CONNECT, now=timezone.now()
    )
    page = browser.get(reverse("connect-open", args=[word]), secure=True).content.decode()
    assert 'action="/sign-in/saml/?process=login"' in page
    assert "Go to Corp" in page
    return send(browser, corp(asked(browser), **changed).xml())


def is_refused(got: HttpResponseBase) -> bool:
    return got.status_code == 403 and "Sign-in failed" in got.content.decode()


def test_sign_in_page_offers_saml_and_asks_persistent_name(corp) -> None:
    assert "Sign in with Corp" in Client().get(reverse("sign-in"), secure=True).content.decode()
    got = Client().post("/sign-in/saml/", secure=True)
    assert got["Location"].startswith(f"{SIGN_ON}?SAMLRequest=")
    wanted = question(got["Location"])
    assert wanted.find("{*}NameIDPolicy").get("Format") == Words.NAMEID_PERSISTENT
    assert wanted.get("AssertionConsumerServiceURL") == ANSWERS_TO
    assert Client().get("/sign-in/saml/", secure=True).status_code == 405


def test_link_connects_and_local_factor_is_required(corp) -> None:
    nina = person("nina")
    enrol(nina)
    assert connected(corp, Client(), nina)["Location"] == reverse("mfa_authenticate")
    held = SocialAccount.objects.get()
    assert (held.user, held.provider, held.uid, held.extra_data) == (nina, ENTITY, "p-4711", {})
    assert AuditEvent.objects.get(action="identity.connect").body["sub"] == "p-4711"
    again = Client()
    assert send(again, corp(asked(again)).xml())["Location"] == reverse("mfa_authenticate")
    assert again.get("/controls/", secure=True).status_code == 302
    code = current_code(enrol(nina))
    assert again.post(reverse("mfa_authenticate"), {"code": code}, secure=True)["Location"] == reverse("me")


def test_saml_without_factor_leads_to_enrollment_only(corp) -> None:
    browser = Client()
    connected(corp, browser, person("nina"))
    assert browser.get("/controls/", secure=True)["Location"] == reverse("mfa_index")


def test_oidc_allowed_domains_do_not_block_saml(corp, settings) -> None:
    settings.OIDC_ALLOWED_DOMAINS = frozenset({"corp.example"})
    nina = person("nina")
    enrol(nina)
    assert connected(corp, Client(), nina)["Location"] == reverse("mfa_authenticate")


def test_an_unknown_subject_gets_in_by_no_name_or_address(corp) -> None:
    """GHSA-h8m9-jgf8-vwvp."""
    nina = person("nina")
    User.objects.update(email="nina@corp.example")
    browser = Client()
    got = send(browser, corp(asked(browser), subject="nina").xml())
    assert "User not found" in got.content.decode()
    assert not SocialAccount.objects.exists()
    assert list(User.objects.all()) == [nina]


def test_another_providers_subject_is_not_accepted(corp) -> None:
    SocialAccount.objects.create(user=person("nina"), provider="https://former.example", uid="p-4711")
    browser = Client()
    send(browser, corp(asked(browser)).xml())
    assert "_auth_user_id" not in browser.session


@pytest.mark.parametrize(
    "changed",
    [
        {"sign_message": False, "sign_assertion": False}, {"sign_message": False}, {"sign_assertion": False},
        {"audience": OTHER_PORTAL}, {"audience": ""}, {"minutes": -30}, {"issuer": "https://other.example"},
        {"algorithm": Words.RSA_SHA1}, {"digest": Words.SHA1}, {"form": Words.NAMEID_TRANSIENT},
        {"form": Words.NAMEID_EMAIL_ADDRESS}, {"subject": "x" * 192}, {"subject": ""},
    ],
    ids=str,
)  # fmt: skip
def test_invalid_saml_answer_is_refused(corp, changed: dict[str, Any]) -> None:
    connected(corp, Client(), person("nina"))
    browser = Client()
    assert is_refused(send(browser, corp(asked(browser), **changed).xml()))
    assert "_auth_user_id" not in browser.session


def test_answer_signed_with_another_key_is_refused(corp) -> None:
    browser = Client()
    assert is_refused(send(browser, Answer(asked(browser), *saml_provider.key_and_certificate()).xml()))


def test_tampered_and_wrapped_answers_are_refused(corp) -> None:
    connected(corp, Client(), person("nina"))
    browser = Client()
    good = corp(asked(browser), subject="p-0815").xml()
    assert is_refused(send(browser, good.replace(b"p-0815", b"p-4711")))
    tree = etree.fromstring(good)
    evil = etree.fromstring(etree.tostring(tree.find("{*}Assertion")).replace(b"p-0815", b"p-4711"))
    evil.set("ID", "evil")
    evil.remove(evil.find("{*}Signature"))
    tree.insert(2, evil)
    assert is_refused(send(browser, etree.tostring(tree)))


def test_an_answer_works_once_and_in_the_browser_that_asked(corp) -> None:
    nina = person("nina")
    enrol(nina)
    connected(corp, Client(), nina)
    browser = Client()
    xml = corp(asked(browser)).xml()
    thief = Client()
    asked(thief)
    assert is_refused(send(thief, xml))
    assert send(browser, xml)["Location"] == reverse("mfa_authenticate")
    assert is_refused(send(browser, xml))


def test_unsolicited_answer_is_refused(corp) -> None:
    connected(corp, Client(), person("nina"))
    browser = Client()
    asked(browser)
    assert is_refused(send(browser, corp("").xml(), RelayState="/"))
    assert is_refused(browser.get(reverse("saml_finish_acs"), secure=True))


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_relay_state_leads_to_no_other_host(corp, elsewhere: str) -> None:
    """allauth 65.14.1: RelayState."""
    nina = person("nina")
    enrol(nina)
    connected(corp, Client(), nina)
    browser = Client()
    xml = corp(asked(browser, f"/sign-in/saml/?next={elsewhere}")).xml()
    assert send(browser, xml, RelayState=elsewhere)["Location"] == reverse("mfa_authenticate")
    code = current_code(enrol(nina))
    assert browser.post(reverse("mfa_authenticate"), {"code": code}, secure=True)["Location"] == reverse("me")


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><r>&b;</r>',
        b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>',
        b'<!DOCTYPE r SYSTEM "http://evil.example/x.dtd"><r/>',
        b"no XML", b"", b"\x00\xff", b"<r/>", b"<a>" * 5000, b"<r>" + b"x" * saml.MAX_RESPONSE_LENGTH + b"</r>",
    ],
    ids=range(9),
)  # fmt: skip
def test_entity_bombs_and_rubbish_are_refused(corp, hostile: bytes) -> None:
    assert is_refused(send(Client(), hostile))


def test_rubbish_that_is_not_base64_is_refused(corp) -> None:
    assert is_refused(Client().post(reverse("saml_acs"), {"SAMLResponse": "%%%é"}, secure=True))
    assert is_refused(Client().post(reverse("saml_acs"), secure=True))


def test_the_cookie_between_is_short_and_sealed(corp) -> None:
    browser = Client()
    xml = base64.b64encode(corp(asked(browser)).xml()).decode()
    cookie = Client().post(reverse("saml_acs"), {"SAMLResponse": xml}, secure=True).cookies[saml.SAML_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", reverse("saml_finish_acs"))


def test_metadata_names_the_portal_and_asks_for_signatures(corp, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told = etree.fromstring(Client().get(reverse("saml_metadata"), secure=True).content)
    assert told.get("entityID") == saml_provider.PORTAL
    assert told.find("{*}SPSSODescriptor").get("WantAssertionsSigned") == "true"
    assert told.find(".//{*}SingleLogoutService") is None
    monkeypatch.setenv("TUTELA_SAML_SP_ENTITY_ID", "urn:corp:tutela")
    settings.SOCIALACCOUNT_PROVIDERS = env.saml(insecure=False)
    assert b'entityID="urn:corp:tutela"' in Client().get(reverse("saml_metadata"), secure=True).content


def test_every_address_is_declared_open() -> None:
    assert {route.callback.open_to for route in saml_urls.urlpatterns} == {"anybody"}


def test_saml_is_absent_unless_configured() -> None:
    assert env.saml(insecure=False) == {}
    for path in ("", "answer/", "finish/", "metadata/"):
        assert Client().post(f"/sign-in/saml/{path}", secure=True).status_code == 404


@pytest.mark.usefixtures("environment")
def test_missing_saml_library_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "xmlsec" else real(name, *more)
    )
    with pytest.raises(env.ConfigurationError, match=r"^.*pip install --require-hashes -r requirements-saml.txt$"):
        env.saml(insecure=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IDP_ENTITY_ID", "sso"), ("IDP_ENTITY_ID", "urn:" + "x" * 200), ("IDP_SSO_URL", "http://idp.corp.example"),
        ("IDP_CERTIFICATE", "none"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("environment")
def test_untrusted_saml_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"TUTELA_SAML_{name}", value)
    with pytest.raises(env.ConfigurationError, match=f"TUTELA_SAML_{name}"):
        env.saml(insecure=False)


@pytest.mark.slow
def test_configured_portal_starts_with_saml(environment: dict[str, str]) -> None:
    code = (
        "import django; django.setup(); from django.urls import reverse; from django.conf import settings;"
        "print(reverse('saml_login', kwargs={'organization_slug': 'sso'}),"
        " settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"
    )
    whole = {**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "governance.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=whole, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("/sign-in/saml/ "), done.stderr
    assert "https://idp.corp.example" in done.stdout
