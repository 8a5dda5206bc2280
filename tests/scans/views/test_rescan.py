"""The button "Scan again" on the page of an account and of a finding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unittest import mock

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Account
from governance.core.policy import Role, ScopeKind
from scans.models import Scan
from tests.support import readers
from tests.support.inventory import ORG, Inventory
from tests.support.people import person, signed_in

SHOP = "/accounts/100000000001/"


@pytest.fixture(autouse=True)
def enqueue() -> Iterator[mock.Mock]:
    with mock.patch("scans.tasks.enqueue_scan") as found:
        yield found


@pytest.fixture
def owner(inventory: Inventory) -> Client:
    return readers.owner(inventory.shop.account_id)


def without_tokens(answer: HttpResponse) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())


def newest() -> Scan:
    return Scan.objects.latest("id")


@pytest.mark.parametrize("of", ["account", "finding"])
def test_an_owner_scans_their_account_again(
    inventory: Inventory, owner: Client, enqueue: mock.Mock,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, of: str,
) -> None:  # fmt: skip
    page = SHOP if of == "account" else f"/findings/{inventory.secret.pk}/"
    assert f'action="{page}rescan/"' in owner.get(page).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        answer = owner.post(f"{page}rescan/")
    made = newest()
    assert answer["Location"] == f"/scans/{made.pk}/"
    assert (made.started_by, made.asked["accounts"]) == ("olga", [inventory.shop.account_id])
    enqueue.assert_called_once_with(made.pk)
    shown = owner.get(f"/scans/{made.pk}/").content.decode()
    assert "1 account" in shown
    assert "Cancel the scan" not in shown, "that takes scan.run"


def test_running_rescan_is_shown_and_not_sent_again(inventory: Inventory, owner: Client, enqueue: mock.Mock) -> None:
    first = owner.post(f"{SHOP}rescan/")["Location"]
    enqueue.reset_mock()
    again = owner.post(f"{SHOP}rescan/", follow=True)
    assert again.redirect_chain[0][0] == first
    assert "is already running" in again.content.decode()
    enqueue.assert_not_called()


def test_early_rescan_is_a_plain_message(inventory: Inventory, owner: Client, settings) -> None:
    settings.RESCAN_RATE = "1/hour"
    owner.post(f"{SHOP}rescan/")
    Scan.objects.filter(pk=newest().pk).update(state="done")
    answer = owner.post(f"/findings/{inventory.secret.pk}/rescan/", follow=True)
    assert answer.redirect_chain == [(f"/findings/{inventory.secret.pk}/", 302)]
    assert "once in the last hour, which is the limit. Try again in" in answer.content.decode()


def test_rescan_page_needs_permission(inventory: Inventory) -> None:
    pages = [SHOP, f"/findings/{inventory.secret.pk}/"]
    for client, status in ((readers.auditor(), 403), (readers.outsider(), 403), (Client(), 302)):
        assert [client.post(f"{page}rescan/").status_code for page in pages] == [status] * 2
        assert "Scan again" not in client.get(SHOP).content.decode()
    assert newest() == inventory.scan


def test_account_outside_grant_looks_unknown(inventory: Inventory) -> None:
    both = signed_in(
        person(
            "lena", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, inventory.shop.account_id), (Role.AUDITOR, *readers.WHOLE)
        )
    )
    for client in (readers.owner(inventory.shop.account_id), both):
        foreign = client.post(f"/accounts/{inventory.ledger.account_id}/rescan/")
        unknown = client.post("/accounts/999999999999/rescan/")
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        assert without_tokens(foreign) == without_tokens(unknown)
        assert client.post(f"/findings/{inventory.unread.pk}/rescan/").status_code == 404
    assert "Scan again" not in both.get(f"/accounts/{inventory.ledger.account_id}/").content.decode()
    assert newest() == inventory.scan


def test_suspended_account_is_not_offered_a_rescan(inventory: Inventory, owner: Client) -> None:
    Account.objects.filter(pk=inventory.shop.pk).update(status="SUSPENDED")
    page = owner.get(SHOP).content.decode()
    assert "Scan again" not in page
    assert "is suspended, so it can&#x27;t be scanned." in page
    assert "Scan again" not in owner.get(f"/findings/{inventory.secret.pk}/").content.decode()
    assert "is suspended" in owner.post(f"{SHOP}rescan/", follow=True).content.decode()
    assert newest() == inventory.scan


def test_scan_operators_see_rescan_beside_their_scans(inventory: Inventory) -> None:
    client = readers.operator()
    page = client.get(SHOP).content.decode()
    assert "Scan again" in page
    assert "/scans/start/?account=100000000001" in page
    assert client.post(f"{SHOP}rescan/").status_code == 302
    assert newest().organization.org_id == ORG


def test_rescan_needs_a_post(inventory: Inventory, owner: Client) -> None:
    assert owner.get(f"{SHOP}rescan/").status_code == 405
