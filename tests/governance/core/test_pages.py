"""What every page shares: cursors, refusals, headers, health."""

from __future__ import annotations

import pytest
from django.core.exceptions import BadRequest
from django.test import Client, RequestFactory

from governance import error_responses
from governance.core.pages import read_cursor, write_cursor
from tests.support import readers
from tests.support.inventory import Inventory

FILTERS = {"control": "PS", "state": "open"}


def test_a_cursor_says_where_the_next_page_starts() -> None:
    assert read_cursor(write_cursor(17, FILTERS), {"state": "open", "control": "PS"}) == 17
    assert read_cursor("", FILTERS) is None


@pytest.mark.parametrize("text", ["x", "17", "WzE3LCJhYmMiXQ:1abcde:forged", "🙂", "x" * 5000])
def test_a_forged_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="first page"):
        read_cursor(text, FILTERS)


def test_a_cursor_belongs_to_its_filters() -> None:
    with pytest.raises(BadRequest, match="first page"):
        read_cursor(write_cursor(17, FILTERS), {**FILTERS, "control": "S3"})


def test_unknown_page_is_a_404_page(inventory: Inventory) -> None:
    for client in (Client(), readers.outsider()):
        answer = client.get("/nothing-here/")
        assert answer.status_code == 404
        assert "<h1>Page not found</h1>" in answer.content.decode()


def test_refusal_says_to_ask_a_security_admin(inventory: Inventory) -> None:
    assert "Ask a security admin" in readers.outsider().get("/findings/").content.decode()


def test_cross_site_form_is_refused_without_change(inventory: Inventory) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = readers.operator().cookies
    answer = client.post("/scans/start/", {"scope": "whole"})
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()


def test_failure_page_reveals_no_internals() -> None:
    answer = error_responses.server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


def test_pages_carry_a_strict_policy_and_are_kept_nowhere(inventory: Inventory) -> None:
    answer = readers.auditor().get("/findings/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Frame-Options"] == "DENY"


def test_liveness_and_readiness_need_no_sign_in(db: None) -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
    said = Client().get("/readyz").json()
    assert said.pop("clock").startswith("no task of the clock has ever run")
    assert said == {"status": "ok", "database": "ok", "migrations": "ok"}
    assert Client().post("/healthz").status_code == 405
