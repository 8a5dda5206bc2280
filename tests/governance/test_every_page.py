"""Every page of the portal, from the URL resolver: who sees it, who is refused, and what all of them hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import resolve

from governance.core.policy import Role
from tests.support import readers
from tests.support.inventory import Inventory
from tests.support.pages import OWN, Samples, all_seeing, readable_by, shared_pages
from tests.support.people import signed_in, stepped_up
from tests.support.routes import page_routes

PAGES = shared_pages()
# Pages that take more than the permission of their role, and what.
MORE = {
    Role.ACCOUNT_OWNER: {"schedule": "the whole scope of the schedule", "ticket-rules": "the whole organization"},
    Role.AUDITOR: {"exception-new": "exception.request or exception.request_ou"},
}


def shown_to(role: Role) -> list[str]:
    """The pages whose permission the role carries, but for those that take more."""
    held = readable_by(role, of=PAGES)
    assert MORE[role].keys() <= set(held)
    return [name for name in held if name not in MORE[role]]


def bound_of(page: str) -> int:
    """The most queries that a page may make: what lies over findings costs pages of the workflow some more."""
    return 40 if str(page_routes()[page].pattern).startswith(("exceptions/", "tickets/")) else 18


def test_pages_are_found_and_the_exceptions_are_pages() -> None:
    assert len(PAGES) > 50
    assert OWN.keys() <= page_routes().keys()


@pytest.mark.parametrize("page", PAGES)
def test_its_sample_is_an_address_of_it_and_is_shown(inventory: Inventory, page: str) -> None:
    url = Samples(inventory).address(page)
    assert resolve(url.partition("?")[0]).url_name == page
    answer = stepped_up(signed_in(all_seeing("ella"))).get(url)
    assert answer.status_code == 200
    if answer["Content-Type"].startswith("text/html"):
        text = answer.content.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text
        assert text.count("<script") == text.count("<script src=")


@pytest.mark.parametrize("page", PAGES)
def test_page_needs_sign_in_and_a_grant(inventory: Inventory, page: str) -> None:
    url = Samples(inventory).address(page)
    answer = Client().get(url)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=/")
    assert readers.outsider().get(url).status_code == 403


@pytest.mark.parametrize("page", shown_to(Role.ACCOUNT_OWNER))
def test_an_owner_sees_it_for_their_own_account(inventory: Inventory, page: str) -> None:
    url = Samples(inventory).address(page)
    assert readers.owner(inventory.shop.account_id).get(url).status_code == 200


@pytest.mark.parametrize("page", shown_to(Role.AUDITOR))
def test_an_auditor_sees_it_in_a_bounded_number_of_queries(
    inventory: Inventory, page: str, django_assert_max_num_queries: Callable[..., object]
) -> None:
    client = readers.auditor()
    url = Samples(inventory).address(page)
    client.get("/scans/")
    with django_assert_max_num_queries(bound_of(page)):  # type: ignore[attr-defined]
        answer = client.get(url)
        assert b"".join(answer) if answer.streaming else answer.content
    assert answer.status_code == 200
