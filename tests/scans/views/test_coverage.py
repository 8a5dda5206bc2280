"""How much of an account was read, as its page says it."""

from __future__ import annotations

from django.test import Client

from tests.scans.insight.flows import worlds
from tests.support import readers
from tests.support.inventory import Inventory


def page_of(client: Client, account: str) -> str:
    answer = client.get(f"/accounts/{account}/coverage/")
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_missing_evidence_names_the_needed_action(inventory: Inventory) -> None:
    found = worlds.blank(inventory.shop.account_id)
    found[worlds.REGION, "ssm_commands"].record_gap("ssm.command", worlds.DENIED)
    worlds.keep(inventory.shop, found)
    page = page_of(readers.auditor(), inventory.shop.account_id)
    assert "needs ssm:ListCommands)" in page
    assert "partial" in page
    assert "af-south-1" in page, "a region that isn't enabled"


def test_an_account_that_was_never_read_says_why(inventory: Inventory) -> None:
    page = page_of(readers.auditor(), inventory.till.account_id)
    assert "never read" in page
    assert "The role TutelaScan can&#x27;t be assumed." in page
    assert "Deploy the scan role there." in page


def test_foreign_account_is_not_found(inventory: Inventory) -> None:
    client = readers.owner(inventory.shop.account_id)
    assert client.get(f"/accounts/{inventory.ledger.account_id}/coverage/").status_code == 404
    assert client.get(f"/accounts/{inventory.shop.account_id}/coverage/").status_code == 200


def test_coverage_without_grant_is_refused(inventory: Inventory) -> None:
    assert readers.outsider().get(f"/accounts/{inventory.shop.account_id}/coverage/").status_code == 403
