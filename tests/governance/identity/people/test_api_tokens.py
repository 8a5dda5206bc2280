"""API tokens: what they may do, where, from where, until when; and that they decide nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.queries import visible_accounts
from governance.core.policy import STEP_UP, SYSTEM, Actor, Location, Permission, Role, ScopeKind, is_permitted
from governance.identity.models import ApiToken, User
from governance.identity.people import api_tokens, secret_display
from governance.identity.people.api_tokens import TokenLimits
from governance.identity.queries import build_token_actor
from tests.support.inventory import Inventory
from tests.support.people import person, signed_in, stepped_up

pytestmark = pytest.mark.django_db
P = Permission
ORG_ID = "o-exampleorg1"
ORG = (ScopeKind.ORGANIZATION, ORG_ID)


@pytest.fixture(autouse=True)
def _places(inventory: Inventory) -> None:
    """What a token is cut to must be in the inventory."""


def robot(*grants) -> User:
    made = person("robot", *(grants or [(Role.INTEGRATION, *ORG)]))
    User.objects.filter(pk=made.pk).update(is_service=True, responsible=person("nina"))
    return User.objects.get(pk=made.pk)


def make(service: User | None = None, **more) -> tuple[ApiToken, str]:
    now = timezone.now()
    given = {"permissions": [P.FINDING_VIEW, P.ACCOUNT_VIEW], "scopes": [ORG], "expires_at": now + timedelta(days=30)}
    cut = TokenLimits(**{**given, **more})
    return api_tokens.create_token(actor=SYSTEM, service=service or robot(), name="sync", cut=cut, now=now)


def find(text: str, address: str = "192.0.2.7") -> ApiToken | None:
    return api_tokens.find_token(text, address=address, now=timezone.now())


def test_only_prefix_and_hash_are_kept() -> None:
    token, text = make()
    row = ApiToken.objects.values().get()
    secret = text.rpartition("_")[2]
    assert secret not in str(row)
    assert len(bytes.fromhex(secret)) == 32
    assert find(text) == token
    assert find(text[:-1] + ("0" if text[-1] != "0" else "1")) is None


@pytest.mark.parametrize("text", ["", "tutela", "tutela__", "tutela_x_y", "other_a_b", "tutela_\x00_x"])
def test_invalid_token_is_refused(text: str) -> None:
    make()
    assert find(text) is None


def test_token_acts_within_scope_and_account_grants(inventory: Inventory) -> None:
    account = visible_accounts(SYSTEM).first()
    org, other = account.organization.org_id, visible_accounts(SYSTEM).exclude(pk=account.pk).first()
    service = robot((Role.INTEGRATION, ScopeKind.ORGANIZATION, org))
    token, _ = make(service, permissions=[P.ACCOUNT_VIEW], scopes=[(ScopeKind.ACCOUNT, account.account_id)])
    actor, now = build_token_actor(ApiToken.objects.get(pk=token.pk)), timezone.now()
    assert list(visible_accounts(actor)) == [account]
    assert list(visible_accounts(actor, P.FINDING_VIEW)) == []
    assert is_permitted(actor, P.ACCOUNT_VIEW, now, Location(org, account=account.account_id))
    assert not is_permitted(actor, P.ACCOUNT_VIEW, now, Location(org, account=other.account_id))
    assert not is_permitted(actor, P.FINDING_VIEW, now)


def test_a_wide_token_reaches_no_further_than_the_grants(inventory: Inventory) -> None:
    account = visible_accounts(SYSTEM).first()
    service = robot((Role.INTEGRATION, ScopeKind.ACCOUNT, account.account_id))
    token, _ = make(service, scopes=[(ScopeKind.ORGANIZATION, account.organization.org_id)])
    assert list(visible_accounts(build_token_actor(token))) == [account]


@pytest.mark.parametrize("decided", sorted(STEP_UP))
def test_no_token_can_do_what_needs_a_second_factor(decided: Permission) -> None:
    service = robot((Role.SECURITY_ADMIN, *ORG), (Role.GOVERNANCE_APPROVER, *ORG))
    with pytest.raises(api_tokens.TokenRefusedError, match="second factor"):
        make(service, permissions=[decided])
    forged = ApiToken(service=service, pk=1, permissions=[decided], scopes=[["organization", ORG_ID]])
    assert not is_permitted(build_token_actor(forged), decided, timezone.now()), "not even if a row says so"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"expires_at": timezone.now() + timedelta(days=91)}, "90 days"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "90 days"),
        ({"networks": ["192.0.2.0/99"]}, "not a network"),
        ({"scopes": []}, "one scope"),
        ({"permissions": []}, "one permission"),
        ({"scopes": [ORG, (ScopeKind.ACCOUNT, "000000000000")]}, "no account 000000000000 in the inventory"),
        ({"scopes": [(ScopeKind.OU, "ou-9-none")]}, "no OU ou-9-none in the inventory"),
        ({"scopes": [(ScopeKind.ORGANIZATION, "o-other12345")]}, "no organization o-other12345"),
    ],
)
def test_a_cut_that_makes_no_sense_is_refused(more: dict, why: str) -> None:
    with pytest.raises(api_tokens.TokenRefusedError, match=why):
        make(**more)
    assert not ApiToken.objects.exists()


OLD = ["metrics.view", "delivery.view", "no.such", 7, None]


def test_removed_permission_allows_and_breaks_nothing() -> None:
    token, text = make(permissions=[P.ACCOUNT_VIEW])
    ApiToken.objects.filter(pk=token.pk).update(permissions=[*OLD, "account.view"])
    client, bearer = Client(), {"Authorization": f"Bearer {text}"}
    assert client.get("/api/v1/accounts/", headers=bearer).status_code == 200
    assert client.get("/api/v1/findings/", headers=bearer).status_code == 403
    new, _ = api_tokens.rotate_token(actor=SYSTEM, token=find(text), lasts=timedelta(days=1), now=timezone.now())
    assert new.permissions == ["account.view"]


def test_a_token_with_nothing_but_gone_permissions_does_nothing() -> None:
    token, text = make()
    ApiToken.objects.filter(pk=token.pk).update(permissions=OLD)
    token.refresh_from_db()
    assert not any(is_permitted(build_token_actor(token), each, timezone.now()) for each in P)
    assert Client().get("/api/v1/accounts/", headers={"Authorization": f"Bearer {text}"}).status_code == 403
    with pytest.raises(api_tokens.TokenRefusedError, match="Create a new token"):
        api_tokens.rotate_token(actor=SYSTEM, token=token, lasts=timedelta(days=1), now=timezone.now())
    assert b"metrics.view" in signed_in(person("gus", (Role.SECURITY_ADMIN, *ORG))).get(reverse("tokens")).content


def test_people_get_no_tokens() -> None:
    with pytest.raises(api_tokens.TokenRefusedError, match="service accounts"):
        make(person("ada"))


def test_token_works_only_from_its_networks() -> None:
    _, text = make(networks=["192.0.2.0/24", "2001:db8::/32"])
    assert find(text, "192.0.2.200")
    assert find(text, "::ffff:192.0.2.200")
    assert find(text, "2001:db8::5")
    assert find(text, "198.51.100.1") is None
    assert find(text, "") is None


def test_token_ends_by_time_revocation_or_its_people() -> None:
    token, text = make()
    rows = ApiToken.objects.filter(pk=token.pk)
    assert api_tokens.find_token(text, address="", now=token.expires_at) is None
    User.objects.filter(username="nina").update(is_active=False)
    assert find(text) is None, "who answers for it is disabled"
    User.objects.filter(username="nina").update(is_active=True)
    User.objects.filter(username="robot").update(is_active=False)
    assert find(text) is None
    User.objects.filter(username="robot").update(is_active=True)
    assert find(text)
    api_tokens.revoke_token(actor=SYSTEM, token=token, now=timezone.now())
    assert find(text) is None
    assert rows.get().revoked_at


def test_rotation_leaves_the_old_one_a_day_and_happens_once() -> None:
    token, text = make()
    now = timezone.now()
    new, new_text = api_tokens.rotate_token(actor=SYSTEM, token=token, lasts=timedelta(days=30), now=now)
    assert find(text)
    assert find(new_text) == new
    assert api_tokens.find_token(text, address="", now=now + api_tokens.ROTATION_GRACE) is None
    assert (new.permissions, new.scopes, new.networks) == (token.permissions, token.scopes, token.networks)
    with pytest.raises(api_tokens.TokenRefusedError, match="already"):
        api_tokens.rotate_token(actor=SYSTEM, token=token, lasts=timedelta(days=30), now=now)
    assert ApiToken.objects.count() == 2


def test_last_use_is_written_at_most_once_a_minute() -> None:
    token, _ = make()
    now = timezone.now()
    api_tokens.record_token_use(token, now)
    api_tokens.record_token_use(ApiToken.objects.get(), now + timedelta(seconds=59))
    assert ApiToken.objects.get().last_used_at == now
    api_tokens.record_token_use(ApiToken.objects.get(), now + timedelta(seconds=61))
    assert ApiToken.objects.get().last_used_at == now + timedelta(seconds=61)


def test_making_a_token_needs_permission_and_fresh_factor() -> None:
    now = timezone.now()
    cut = TokenLimits([P.FINDING_VIEW], [ORG], now + timedelta(days=1))
    from governance.core.policy import GrantFact, NotPermittedError
    from governance.identity.factors.step_up import StepUpRequiredError

    service = robot()
    with pytest.raises(NotPermittedError):
        api_tokens.create_token(actor=Actor("x", second_factor_at=now), service=service, name="", cut=cut, now=now)
    stale = Actor("x", (GrantFact(Role.SECURITY_ADMIN, *ORG),), second_factor_at=now - timedelta(hours=1))
    with pytest.raises(StepUpRequiredError):
        api_tokens.create_token(actor=stale, service=service, name="", cut=cut, now=now)


def test_api_accepts_token_and_asks_for_bearer_without() -> None:
    _, text = make()
    signed = Client(headers={"Authorization": f"Bearer {text}"})
    assert signed.get("/api/v1/accounts/").status_code == 200
    assert ApiToken.objects.get().last_used_at
    refused = Client(headers={"Authorization": "Bearer tutela_no_no"}).get("/api/v1/accounts/")
    assert refused.status_code == 401
    assert "Bearer" in refused["WWW-Authenticate"]
    assert Client().get("/api/v1/accounts/").status_code == 401


def test_a_token_opens_no_page_and_its_account_cannot_sign_in() -> None:
    _, text = make()
    assert Client(headers={"Authorization": f"Bearer {text}"}).get(reverse("me")).status_code == 302
    from tests.support.people import PASSWORD

    answer = Client().post(reverse("sign-in"), {"login": "robot", "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == reverse("account_inactive")


def test_token_text_is_shown_briefly_to_its_maker_only(monkeypatch: pytest.MonkeyPatch) -> None:
    robot()
    grace = stepped_up(signed_in(person("grace", (Role.SECURITY_ADMIN, *ORG))))
    typed = {
        "service": User.objects.get(username="robot").pk, "name": "sync", "permissions": ["finding.view"],
        "scopes": f"organization  {ORG_ID}\n account 100000000001", "networks": "", "days": 30,
    }  # fmt: skip
    answer = grace.post(reverse("token-new"), typed)
    shown = grace.get(answer["Location"])
    text = shown.context["text"]
    assert grace.get(answer["Location"]).context["text"] == text, "a reload makes no second token"
    assert ApiToken.objects.count() == 1
    assert text not in str([dict(session.get_decoded()) for session in Session.objects.all()])
    other = stepped_up(signed_in(person("gina", (Role.SECURITY_ADMIN, *ORG))))
    assert other.get(answer["Location"]).context["text"] == ""
    assert find(text).scopes == [["organization", ORG_ID], ["account", "100000000001"]]
    page = grace.get(reverse("tokens")).content.decode()
    assert text.rpartition("_")[2] not in page
    again = grace.post(reverse("token-new"), {**typed, "scopes": "everything"})
    assert "Enter each scope in the form" in again.content.decode()
    assert "everything" in again.content.decode(), "what was typed is still there"
    unknown = grace.post(reverse("token-new"), {**typed, "scopes": "account 000000000000"}).content.decode()
    assert "There is no account 000000000000 in the inventory" in unknown
    assert "account 000000000000</textarea>" in unknown
    rotated = grace.post(reverse("token-rotate", args=[find(text).pk]), follow=True)
    newer = find(rotated.context["text"])
    assert newer
    assert grace.get(answer["Location"]).context["text"] == "", "only the newest secret is shown"
    monkeypatch.setattr(secret_display, "SECRET_LIFETIME", timedelta(0))
    late = grace.post(reverse("token-rotate", args=[newer.pk]), follow=True)
    assert late.context["text"] == ""
    assert "no longer shown" in late.content.decode()
    assert secret_display.DISPLAY_SESSION_KEY not in grace.session
    grace.post(reverse("token-revoke", args=[find(text).pk]))
    assert find(text) is None


@pytest.mark.parametrize("name", ["token-rotate", "token-revoke"])
def test_token_acts_need_permission_and_existing_token(name: str) -> None:
    token, _ = make()
    ada = stepped_up(signed_in(person("ada", (Role.AUDITOR, *ORG))))
    assert ada.post(reverse(name, args=[token.pk])).status_code == 403
    grace = stepped_up(signed_in(person("grace", (Role.SECURITY_ADMIN, *ORG))))
    assert grace.post(reverse(name, args=[token.pk + 999])).status_code == 404
