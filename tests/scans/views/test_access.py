"""Who gets which page: allowed, refused, signed out, and objects of other people."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.support import readers
from tests.support.inventory import Inventory

PAGES: dict[str, Callable[[Inventory], str]] = {
    "inventory": lambda _: "/accounts/",
    "account": lambda made: f"/accounts/{made.shop.account_id}/",
    "findings": lambda _: "/findings/",
    "by control": lambda _: "/findings/by-control/",
    "finding": lambda made: f"/findings/{made.secret.pk}/",
    "export": lambda _: "/findings/export/?format=csv",
    "scans": lambda _: "/scans/",
    "scan": lambda made: f"/scans/{made.scan.pk}/",
    "progress": lambda made: f"/scans/{made.scan.pk}/progress/",
    "controls": lambda _: "/controls/",
    "control": lambda _: "/controls/SSM-PS-001/",
}
FOREIGN: dict[str, Callable[[Inventory], str]] = {
    "account": lambda made: f"/accounts/{made.ledger.account_id}/",
    "finding": lambda made: f"/findings/{made.unread.pk}/",
}


@pytest.mark.parametrize("page", PAGES)
def test_a_reader_of_the_organization_sees_it(inventory: Inventory, page: str) -> None:
    assert readers.auditor().get(PAGES[page](inventory)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_an_owner_sees_it_for_their_own_account(inventory: Inventory, page: str) -> None:
    assert readers.owner(inventory.shop.account_id).get(PAGES[page](inventory)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_without_a_grant_it_is_refused(inventory: Inventory, page: str) -> None:
    assert readers.outsider().get(PAGES[page](inventory)).status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_signed_out_one_is_sent_to_sign_in_and_back(inventory: Inventory, page: str) -> None:
    answer = Client().get(PAGES[page](inventory))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=/")


@pytest.mark.parametrize("page", FOREIGN)
def test_what_belongs_to_others_is_not_found(inventory: Inventory, page: str) -> None:
    url = FOREIGN[page](inventory)
    assert readers.owner(inventory.shop.account_id).get(url).status_code == 404
    assert readers.auditor().get(url).status_code == 200


@pytest.mark.parametrize("page", ["findings", "by control", "finding", "export"])
def test_a_scan_operator_sees_no_findings(inventory: Inventory, page: str) -> None:
    assert readers.operator().get(PAGES[page](inventory)).status_code == 403


def test_the_navigation_offers_what_one_may_see(inventory: Inventory) -> None:
    shown = readers.operator().get("/scans/").content.decode()
    assert 'href="/accounts/"' in shown
    assert 'href="/findings/"' not in shown
    assert 'href="/findings/"' in readers.auditor().get("/scans/").content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    inventory: Inventory, page: str, django_assert_max_num_queries: Callable[..., object]
) -> None:
    client = readers.auditor()
    client.get("/scans/")
    with django_assert_max_num_queries(18):  # type: ignore[attr-defined]
        answer = client.get(PAGES[page](inventory))
        assert b"".join(answer) if answer.streaming else answer.content
