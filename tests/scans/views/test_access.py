"""Objects of other people, and what a scan operator may not see. What holds of every page: tests/governance/test_every_page.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.core.policy import Permission
from tests.support import readers
from tests.support.inventory import Inventory
from tests.support.pages import Samples, shared_pages
from tests.support.routes import page_routes, permission_of

FINDING_PAGES = [
    name
    for name in shared_pages()
    if permission_of(page_routes()[name]) in {Permission.FINDING_VIEW, Permission.OUTCOME_EXPORT}
]
FOREIGN: dict[str, Callable[[Inventory], str]] = {
    "account": lambda made: f"/accounts/{made.ledger.account_id}/",
    "finding": lambda made: f"/findings/{made.unread.pk}/",
}


@pytest.mark.parametrize("page", FOREIGN)
def test_foreign_objects_are_not_found(inventory: Inventory, page: str) -> None:
    url = FOREIGN[page](inventory)
    assert readers.owner(inventory.shop.account_id).get(url).status_code == 404
    assert readers.auditor().get(url).status_code == 200


@pytest.mark.parametrize("page", FINDING_PAGES)
def test_a_scan_operator_sees_no_findings(inventory: Inventory, page: str) -> None:
    assert readers.operator().get(Samples(inventory).address(page)).status_code == 403


def test_navigation_offers_only_permitted_pages(inventory: Inventory) -> None:
    shown = readers.operator().get("/scans/").content.decode()
    assert 'href="/accounts/"' in shown
    assert 'href="/findings/"' not in shown
    assert 'href="/findings/"' in readers.auditor().get("/scans/").content.decode()
