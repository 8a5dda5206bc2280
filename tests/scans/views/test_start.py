"""Starting a scan from the pages."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from governance.core.policy import Role, ScopeKind
from scans.models import Scan
from tests.support import readers
from tests.support.inventory import ORG, Inventory
from tests.support.people import person, signed_in

URL = "/scans/start/"


@pytest.fixture
def client(inventory: Inventory) -> Client:
    return readers.operator()


@pytest.fixture(autouse=True)
def enqueue() -> Iterator[mock.Mock]:
    with mock.patch("scans.tasks.enqueue_scan") as found:
        yield found


def asked(**given: object) -> dict[str, object]:
    return {"organization": ORG, "scope": "chosen", **given}


def newest() -> Scan:
    return Scan.objects.latest("id")


def local(*grants: tuple[ScopeKind, str]) -> Client:
    return signed_in(person("lena", *((Role.SCAN_OPERATOR, *grant) for grant in grants)))


def test_only_a_scan_operator_starts_scans(inventory: Inventory) -> None:
    for client, status in ((readers.auditor(), 403), (readers.outsider(), 403), (Client(), 302)):
        assert client.get(URL).status_code == status
        assert client.post(URL, asked(scope="whole")).status_code == status
    assert newest() == inventory.scan


def test_the_whole_organization(
    client: Client, enqueue: mock.Mock, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(URL, asked(scope="whole"))
    made = newest()
    assert answer["Location"] == f"/scans/{made.pk}/"
    assert (made.state, made.started_by, made.targets.count()) == ("running", "otto", 4)
    enqueue.assert_called_once_with(made.pk)


def test_chosen_accounts_ous_regions_and_controls(inventory: Inventory, client: Client) -> None:
    client.post(
        URL,
        asked(accounts=f" {inventory.play.account_id},\n{inventory.play.account_id}", ous=["ou-1-retail"],
              regions=["eu-west-1"], controls=["SSM-PS-001", "SSM-S3-001"]),
    )  # fmt: skip
    made = newest()
    assert set(made.targets.values_list("account__name", flat=True)) == {"play", "shop", "till"}
    assert made.asked == {
        "accounts": [inventory.play.account_id], "ous": ["ou-1-retail"], "regions": ["eu-west-1"],
        "controls": ["SSM-PS-001", "SSM-S3-001"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({}, "accounts", "Enter at least one account"),
        ({"scope": "whole", "accounts": "100000000001"}, "scope", "Choose them as the scope"),
        ({"accounts": "100000000001 999999999999 <b>"}, "accounts", "Not among the accounts that you can scan: 999999999999"),
        ({"scope": ""}, "scope", "required"),
        ({"ous": ["ou-1-nowhere"]}, "ous", "ou-1-nowhere"),
        ({"accounts": "100000000001", "regions": ["eu-nowhere-9"]}, "regions", "eu-nowhere-9"),
        ({"accounts": "100000000001", "controls": ["SSM-XX-999"]}, "controls", "SSM-XX-999"),
    ],
)  # fmt: skip
def test_refused_form_shows_field_error_and_keeps_input(
    inventory: Inventory, client: Client, given: dict[str, object], field: str, words: str
) -> None:
    kept = {"accounts": "", "controls": ["SSM-PS-003"], **given}
    answer = client.post(URL, asked(**kept))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page.split(f'id="{field}-error"')[1].split("</div>")[0]
    if "controls" not in given:
        assert 'value="SSM-PS-003" id="s-SSM-PS-003" checked' in page
    assert str(kept["accounts"]).replace("<b>", "&lt;b&gt;") in page
    assert newest() == inventory.scan


def test_a_local_operator_is_offered_their_part_only(inventory: Inventory) -> None:
    client = local((ScopeKind.OU, "ou-1-retail"))
    page = client.get(URL).content.decode()
    assert "The whole organization" not in page
    assert "Sandbox" not in page
    assert client.post(URL, asked(ous=["ou-1-retail"])).status_code == 302


def test_scope_outside_the_grant_is_refused(inventory: Inventory) -> None:
    client = local((ScopeKind.ACCOUNT, inventory.shop.account_id))
    whole = client.post(URL, asked(scope="whole")).content.decode()
    assert "You can scan parts of this organization" in whole
    parent = client.post(URL, asked(ous=["ou-1-retail"])).content.decode()
    assert "contains accounts that you can&#x27;t scan" in parent
    foreign = client.post(URL, asked(accounts=inventory.ledger.account_id)).content.decode()
    unknown = client.post(URL, asked(accounts="999999999999")).content.decode()
    assert "Not among the accounts" in foreign
    assert "Not among the accounts" in unknown  # which of the two exists is not said
    assert newest() == inventory.scan


def test_a_link_fills_the_form_in(inventory: Inventory, client: Client) -> None:
    page = client.get(f"{URL}?account={inventory.shop.account_id}&control=SSM-PS-001").content.decode()
    assert f">{inventory.shop.account_id}</textarea>" in page
    assert 'value="chosen" id="s-chosen" checked' in page
    assert 'id="s-SSM-PS-001" checked' in page


def test_form_without_accounts_says_so(inventory: Inventory) -> None:
    client = signed_in(person("lena", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-elsewhere1")))
    assert "There are no accounts that you can scan" in client.get(URL).content.decode()
