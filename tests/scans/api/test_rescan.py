"""Scanning an account again through the API: its own address, and POST scans/ with one account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Permission, Role, ScopeKind
from governance.identity.models import User
from governance.identity.people import api_tokens
from scans import tasks
from scans.models import Scan
from tests.scans.api.asking import ROOT, fields, get, post, refused
from tests.support.inventory import ORG
from tests.support.people import person, signed_in

pytestmark = pytest.mark.django_db
SHOP, LEDGER = "100000000001", "100000000003"
WAYS = [(f"accounts/{SHOP}/rescan/", None), ("scans/", {"accounts": [SHOP]})]


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found: list[int] = []
    monkeypatch.setattr(tasks, "enqueue_scan", found.append)
    return found


def bearer(*permissions: Permission) -> dict[str, str]:
    """A service account with integration rights over the organization, and a token of it cut to these."""
    service = person("robot", (Role.INTEGRATION, ScopeKind.ORGANIZATION, ORG))
    User.objects.filter(pk=service.pk).update(is_service=True, responsible=person("nina"))
    now, where = timezone.now(), [(ScopeKind.ACCOUNT, SHOP)]
    cut = api_tokens.TokenLimits(list(permissions), where, now + timedelta(days=9))
    service.refresh_from_db()
    _, text = api_tokens.create_token(actor=SYSTEM, service=service, name="again", cut=cut, now=now)
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_an_owner_scans_their_account(owner, sent, django_capture_on_commit_callbacks, path, body):
    with django_capture_on_commit_callbacks(execute=True):
        first = post(owner, path, body)
    assert first.status_code == 201, first.content
    made = first.json()
    assert (made["started_by"], made["asked"]["accounts"], made["state"]) == ("olga", [SHOP], "running")
    assert get(owner, f"scans/{made['id']}/") == made
    assert first["Location"] == f"{ROOT}scans/{made['id']}/"
    again = post(owner, path, body)
    assert (again.status_code, again.json(), again["Location"]) == (200, made, first["Location"])
    assert sent == [made["id"]], "the workers are told once"
    assert AuditEvent.objects.filter(action="scan.rescan", actor="olga", subject=f"account:{SHOP}").count() == 1


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_early_rescan_says_when_to_try_again(owner, settings, path, body):
    settings.RESCAN_RATE = "1/hour"
    Scan.objects.filter(pk=post(owner, path, body).json()["id"]).update(state="done")
    answer = post(owner, path, body)
    assert "Try again in" in refused(answer, 429)["detail"]
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert Scan.objects.count() == 2


def test_account_outside_grant_looks_unknown(owner, inventory):
    foreign, unknown = (post(owner, f"accounts/{id}/rescan/") for id in (LEDGER, "999999999999"))
    said = refused(foreign, 404) | {"instance": ""}
    assert said == refused(unknown, 404) | {"instance": ""}
    assert fields(refused(post(owner, "scans/", {"accounts": [LEDGER]}), 400)) == {"accounts"}
    seen = (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)
    both = signed_in(person("lena", seen, (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, SHOP)))
    refused(post(both, f"accounts/{LEDGER}/rescan/"), 404)
    refused(post(both, "scans/", {"accounts": [LEDGER]}), 403)
    assert Scan.objects.count() == 1


@pytest.mark.parametrize(
    "body", [{}, {"accounts": [SHOP], "regions": ["eu-west-1"]}, {"accounts": [SHOP], "controls": ["PS"]}]
)
def test_a_rescan_is_one_whole_account_and_nothing_else(owner, body):
    refused(post(owner, "scans/", body), 403)
    assert fields(refused(post(owner, f"accounts/{SHOP}/rescan/", {"regions": []}), 400)) == {"regions"}
    assert Scan.objects.count() == 1


def test_rescan_without_permission_is_refused(auditor, outsider, inventory):
    for path, body in WAYS:
        refused(post(Client(), path, body), 401)
        refused(post(auditor, path, body), 403)
        refused(post(outsider, path, body), 403)


def test_a_closed_account_is_refused_with_the_reason(owner, inventory):
    Account.objects.filter(account_id=SHOP).update(status="CLOSED")
    assert "is closed, so it can't be scanned" in refused(post(owner, WAYS[0][0]), 409)["detail"]
    said = refused(post(owner, *WAYS[1]), 400)
    assert "is closed" in said["errors"][0]["detail"]


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_rescan_token_can_do_nothing_else(inventory, path, body):
    client, headers = Client(), bearer(Permission.SCAN_RESCAN, Permission.ACCOUNT_VIEW)
    made = post(client, path, body, **headers)
    assert made.status_code == 201, made.content
    assert (made.json()["started_by"], made.json()["accounts"]) == ("robot", 1)
    refused(post(client, f"accounts/{LEDGER}/rescan/", **headers), 404)
    refused(client.get(f"{ROOT}scans/", headers=headers), 403)
    refused(post(client, f"scans/{made.json()['id']}/cancel/", **headers), 403)


def test_a_token_that_may_scan_but_not_look_gets_its_scan(inventory):
    client, headers = Client(), bearer(Permission.SCAN_RUN, Permission.ACCOUNT_VIEW)
    made = post(client, "scans/", {"accounts": [SHOP], "controls": ["PS"]}, **headers)
    assert (made.status_code, made.json()["accounts"]) == (201, 1)


def test_a_scan_operator_is_not_held_to_rescans(operator, settings):
    settings.RESCAN_RATE = "1/hour"
    assert [post(operator, "scans/", {"accounts": [SHOP]}).status_code for _ in range(3)] == [201] * 3
