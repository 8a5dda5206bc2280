"""Who gets which page: allowed, refused, signed out, and objects of other people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from exceptions.models import ExceptionRequest, Ticket
from exceptions.tickets import lifecycle
from governance.core.policy import ROLE_PERMISSIONS, Role, ScopeKind
from tests.support import readers
from tests.support.browsing import browser
from tests.support.pages import QUERIES, shared_pages
from tests.support.people import person
from tests.support.routes import page_routes, permission_of
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db

CONCERNED = (
    ROLE_PERMISSIONS[Role.ACCOUNT_OWNER]
    & ROLE_PERMISSIONS[Role.GOVERNANCE_APPROVER]
    & ROLE_PERMISSIONS[Role.SECURITY_ADMIN]
)
# Pages that not everybody concerned sees; each has tests of its own.
NOT_FOR_ALL = {"exception-new", "exception-file", "ticket-rules"}
PAGES = [
    "/inbox/",
    *(
        f"/{page_routes()[name].pattern}{QUERIES.get(name, '')}".replace(
            "exceptions/<int:pk>", "exceptions/{asked}"
        ).replace("tickets/<int:pk>", "tickets/{ticket}")
        for name in shared_pages("exceptions/", "tickets/")
        if name not in NOT_FOR_ALL and permission_of(page_routes()[name]) in CONCERNED
    ),
]
FOREIGN = [
    "/exceptions/{asked}/", "/exceptions/{asked}/edit/", "/exceptions/{asked}/files/1/", "/tickets/{ticket}/",
]  # fmt: skip
FOREIGN_ACTS = [
    "/exceptions/{asked}/submit/", "/exceptions/{asked}/withdraw/", "/exceptions/{asked}/comment/",
    "/exceptions/{asked}/attach/", "/exceptions/{asked}/renew/", "/tickets/{ticket}/start/", "/tickets/{ticket}/claim/",
    "/tickets/{ticket}/verify/", "/tickets/{ticket}/cancel/", "/tickets/{ticket}/note/",
]  # fmt: skip


class Made:
    """A submitted request and an open ticket of the shop."""

    def __init__(self, people: Cast) -> None:
        self.asked: ExceptionRequest = people.submitted()
        [self.ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.bucket])

    def url(self, pattern: str) -> str:
        return pattern.format(asked=self.asked.pk, ticket=self.ticket.pk)


@pytest.fixture
def made(people: Cast) -> Made:
    return Made(people)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["owner", "approver", "admin"])
def test_concerned_people_open_the_page(people: Cast, made: Made, page: str, who: str) -> None:
    assert browser(getattr(people, who)).get(made.url(page)).status_code == 200


@pytest.mark.parametrize("page", [page for page in PAGES if page != "/inbox/"])
def test_page_without_grant_is_refused(made: Made, page: str) -> None:
    assert readers.outsider().get(made.url(page)).status_code == 403


@pytest.mark.parametrize("page", [*PAGES, "/exceptions/new/", "/exceptions/policy/", "/tickets/rules/"])
def test_signed_out_visitor_is_sent_to_sign_in(made: Made, page: str) -> None:
    answer = Client().get(made.url(page))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=/")


@pytest.mark.parametrize("page", FOREIGN)
def test_foreign_pages_are_not_found(people: Cast, made: Made, page: str) -> None:
    assert browser(people.outsider).get(made.url(page)).status_code == 404


@pytest.mark.parametrize("act", FOREIGN_ACTS)
def test_acts_on_invisible_objects_are_not_found(people: Cast, made: Made, act: str) -> None:
    answer = browser(people.outsider).post(made.url(act), {"version": "1", "text": "x"})
    assert answer.status_code == 404


@pytest.mark.parametrize("act", ["decide", "revoke"])
def test_an_owner_neither_decides_nor_revokes(people: Cast, made: Made, act: str) -> None:
    url = f"/exceptions/{made.asked.pk}/{act}/"
    assert browser(people.owner).get(url).status_code == 403
    assert browser(people.owner).post(url, {"act": act}).status_code == 403


def test_auditor_reads_but_can_not_act(people: Cast, made: Made) -> None:
    whole = (Role.AUDITOR, ScopeKind.ORGANIZATION, people.inventory.organization.org_id)
    client = browser(person("audrey", whole))
    page = client.get(made.url("/exceptions/{asked}/")).content.decode()
    assert people.inventory.secret.resource in page
    for act in ("Withdraw", ">Comment</button>", "Decide", "Renew the exception", "Attach"):
        assert act not in page, act
    for url in ("/exceptions/{asked}/comment/", "/exceptions/{asked}/withdraw/", "/exceptions/{asked}/submit/"):
        assert client.post(made.url(url), {"text": "x", "version": "2"}).status_code == 403, url
    for url in ("/tickets/{ticket}/note/", "/tickets/{ticket}/approve/", "/tickets/decide/", "/tickets/propose/"):
        assert client.post(made.url(url), {"text": "x", "version": "1"}).status_code == 403, url
    assert client.get("/exceptions/new/").status_code == 403


def test_a_draft_is_its_writers_alone(people: Cast) -> None:
    draft = people.drafted()
    assert browser(people.owner).get(f"/exceptions/{draft.pk}/").status_code == 200
    assert browser(people.approver).get(f"/exceptions/{draft.pk}/").status_code == 404
    assert f"EX-{draft.pk}" not in browser(people.approver).get("/exceptions/").content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    people: Cast, made: Made, page: str, django_assert_max_num_queries: Callable[..., object]
) -> None:
    approved_at = timezone.now() - timedelta(days=1)
    for _ in range(8):
        again = people.submitted()
        ExceptionRequest.objects.filter(pk=again.pk).update(submitted_at=approved_at)
    Ticket.objects.update(due_at=approved_at)
    client = browser(people.approver)
    client.get("/scans/")
    with django_assert_max_num_queries(40):  # type: ignore[attr-defined]
        answer = client.get(made.url(page))
        assert b"".join(answer) if answer.streaming else answer.content
