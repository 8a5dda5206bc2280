"""The inventory and the page of an account."""

from __future__ import annotations

from unittest import mock

import pytest
from django.test import Client

from accounts.models import Account, AccountEvent, Organization
from scans.queries import inventory as queries
from tests.support import readers
from tests.support.inventory import GAP, HOSTILE, Inventory, account


@pytest.fixture
def client(inventory: Inventory) -> Client:
    return readers.auditor()


def names(client: Client, url: str = "/accounts/") -> list[tuple[int, str]]:
    lines = client.get(url).context["inventory"].lines
    return [(ln.depth, (ln.account or ln.unit).name if ln.account or ln.unit else "") for ln in lines]


def test_accounts_stand_in_their_ous_by_name(client: Client) -> None:
    assert names(client) == [
        (0, "Root"), (1, "Production"), (2, "ledger"), (2, "Retail"), (3, "shop"), (3, "till"), (1, "Sandbox"), (2, "play"),
    ]  # fmt: skip


def test_owner_sees_path_to_own_account_only(inventory: Inventory) -> None:
    client = readers.owner(inventory.shop.account_id)
    assert names(client) == [(0, "Root"), (1, "Production"), (2, "Retail"), (3, "shop")]
    assert client.get("/accounts/").context["inventory"].total == 1


def test_an_account_that_could_not_be_read_says_why(client: Client) -> None:
    page = client.get("/accounts/")
    text = page.content.decode()
    assert "The role TutelaScan can&#x27;t be assumed." in text
    assert (page.context["inventory"].unreadable, page.context["inventory"].never) == (1, 1)


def test_an_ou_adds_up_what_is_below_it(client: Client) -> None:
    lines = {ln.unit.name: ln for ln in client.get("/accounts/").context["inventory"].lines if ln.unit}
    assert lines["Root"].accounts == 4
    assert (lines["Production"].accounts, lines["Production"].counts.failed, lines["Production"].counts.unknown) == (
        3,
        2,
        1,
    )
    assert 'href="/findings/?ou=ou-1-prod&amp;verdict=fail"' in client.get("/accounts/").content.decode()


def test_search_by_name_id_and_ou_narrows_accounts(client: Client) -> None:
    assert names(client, "/accounts/?q=LEDG")[-1] == (2, "ledger")
    assert names(client, "/accounts/?q=000004")[-1] == (2, "play")
    assert names(client, "/accounts/?ou=ou-1-retail")[-2:] == [(3, "shop"), (3, "till")]
    assert "No account matches" in client.get("/accounts/?q=nothing").content.decode()


def test_accounts_in_no_ou_are_not_lost(inventory: Inventory, client: Client) -> None:
    Account.objects.filter(pk=inventory.play.pk).update(ou=None)
    assert names(client)[-2:] == [(0, ""), (1, "play")]
    assert names(client, "/accounts/?ou=none") == [(0, ""), (1, "play")]


def test_many_accounts_show_ous_until_one_is_chosen(client: Client) -> None:
    with mock.patch.object(queries, "MAX_SHOWN_ACCOUNTS", 2):
        page = client.get("/accounts/")
        assert [ln.account for ln in page.context["inventory"].lines if ln.account] == []
        assert "too many accounts" in page.content.decode()
        assert names(client, "/accounts/?ou=ou-1-prod") == [
            (0, "Root"), (1, "Production"), (2, "ledger"), (2, "Retail"),
        ]  # fmt: skip


def test_page_without_visible_accounts_says_so(inventory: Inventory) -> None:
    Organization.objects.filter(pk=inventory.organization.pk).update(org_id="o-renamed001")
    assert "There are no accounts that you can see" in readers.auditor().get("/accounts/").content.decode()


def test_the_page_of_an_account_shows_what_is_known(inventory: Inventory, client: Client) -> None:
    AccountEvent.objects.create(
        account=inventory.shop, kind="moved", detail={"was": inventory.sandbox.ou_id, "is": inventory.retail.ou_id}
    )
    page = client.get("/accounts/100000000001/")
    text = page.content.decode()
    for word in ("olga@example.com", "Moved from Sandbox to Retail", "eu-west-1", "1 not enabled", "team"):
        assert word in text
    detail = page.context["detail"]
    assert [line.id for line in detail.unmet] == ["SSM-PS-001", "SSM-S3-001"]
    assert "control=SSM-PS-001&amp;account=100000000001&amp;verdict=fail" in text


def test_account_page_groups_read_failures(client: Client) -> None:
    page = client.get("/accounts/100000000003/")
    assert [gap.api for gap in page.context["detail"].gaps] == [GAP["api"]]
    assert "Allow the action in the scan role" in page.content.decode()


def test_an_unreadable_account_says_what_to_do(client: Client) -> None:
    text = client.get("/accounts/100000000002/").content.decode()
    assert "The last scan could not read this account." in text
    assert "Deploy the scan role there." in text


def test_refused_tags_are_not_shown_as_none(inventory: Inventory, client: Client) -> None:
    Account.objects.filter(pk=inventory.play.pk).update(
        tags=None, tags_gap={**GAP, "api": "organizations.ListTagsForResource"}
    )
    text = client.get("/accounts/100000000004/").content.decode()
    assert "organizations.ListTagsForResource" in text
    assert "The account has no tags." not in text


def test_moved_account_is_shown_in_its_current_organization(inventory: Inventory, client: Client) -> None:
    other = Organization.objects.create(org_id="o-merged00001", partition="aws", management_account_id="3" * 12)
    Account.objects.create(organization=other, account_id=inventory.shop.account_id, name="gone", status="VANISHED")
    assert client.get("/accounts/100000000001/").context["account"] == inventory.shop
    assert client.get("/accounts/100000000001/?organization=o-merged00001").status_code == 404  # outside the grant


def test_the_scan_button_is_for_scan_operators(client: Client) -> None:
    assert "Scan with options" not in client.get("/accounts/100000000001/").content.decode()
    assert "/scans/start/?account=100000000001" in readers.operator().get("/accounts/100000000001/").content.decode()


def test_hostile_names_and_tags_are_escaped(inventory: Inventory, client: Client) -> None:
    account(inventory.sandbox, "100000000009", HOSTILE, owners=[HOSTILE], tags={HOSTILE: HOSTILE})
    for url in ("/accounts/", "/accounts/100000000009/"):
        text = client.get(url).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("id", ["1", "999999999999", "x", "%27"])
def test_an_unknown_account_is_not_found(client: Client, id: str) -> None:
    assert client.get(f"/accounts/{id}/").status_code == 404
