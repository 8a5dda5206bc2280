"""The page that defines the scores."""

from __future__ import annotations

from tests.support import readers
from tests.support.inventory import Inventory


def test_the_numbers_stand_beside_their_definition(inventory: Inventory) -> None:
    answer = readers.auditor().get("/scores/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "pass ÷ (pass + fail + unknown)" in page
    assert "8 of 11 resources pass" in page
    assert "72 %" in page
    assert "1 of 11 are unknown" in page
    assert "1 not readable" in page


def test_an_owner_s_scores_are_their_account_s(inventory: Inventory) -> None:
    page = readers.owner(inventory.play.account_id).get("/scores/").content.decode()
    assert "3 of 3 resources pass" in page


def test_score_page_without_grant_is_refused(inventory: Inventory) -> None:
    assert readers.outsider().get("/scores/").status_code == 403
