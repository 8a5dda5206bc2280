"""Acts on many at once: each has its own result, and one that can't be done keeps none from being done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client

from exceptions.models import ExceptionRequest, Ticket
from exceptions.tickets import lifecycle
from governance.core.models import AuditEvent
from governance.core.policy import Permission
from tests.exceptions.api_calls import post, robot
from tests.support.inventory import finding
from tests.support.people import signed_in
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db
EXCEPTIONS, TICKETS = "/api/v1/exceptions/bulk/", "/api/v1/tickets/bulk/"


@pytest.fixture
def owner(people: Cast) -> Client:
    return signed_in(people.owner)


@pytest.fixture
def two(people: Cast) -> list[Ticket]:
    """Approved tickets of the shop: one for the parameter, one for the bucket."""
    inventory = people.inventory
    made = lifecycle.propose_tickets(actor=acting(people.owner), findings=[inventory.secret, inventory.bucket])
    for ticket in made:
        lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    return list(Ticket.objects.order_by("pk"))


def items(rows: Sequence[Any], *more: dict[str, int]) -> list[dict[str, int]]:
    return [*({"id": row.pk, "version": row.version} for row in rows), *more]


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(len(results)))
    assert all((result["body"] is None) != (result["problem"] is None) for result in results)
    return [result["status"] for result in results]


def test_bulk_withdraw_reports_each_result(people: Cast, owner: Client) -> None:
    mine = people.submitted()
    body = {"items": items([mine], {"id": 99999, "version": 1}), "reason": "They were fixed."}
    assert statuses(post(owner, f"{EXCEPTIONS}withdraw/", body)) == [200, 404]
    mine.refresh_from_db()
    assert mine.state == "withdrawn"
    assert AuditEvent.objects.latest("seq").body["reason"] == "They were fixed."


def test_bulk_submit_reports_each_draft(people: Cast, owner: Client) -> None:
    drafts = [people.drafted(), people.drafted(findings=[people.inventory.bucket.fingerprint])]
    stale = {"id": drafts[1].pk, "version": drafts[1].version - 1}
    body = {"items": [stale, *items(drafts)]}
    assert statuses(post(owner, f"{EXCEPTIONS}submit/", body)) == [412, 200, 200]
    assert set(ExceptionRequest.objects.values_list("state", flat=True)) == {"submitted"}


def test_foreign_draft_is_not_found_in_bulk_submit(people: Cast) -> None:
    mine = people.drafted()
    body = {"items": items([mine])}
    assert statuses(post(signed_in(people.outsider), f"{EXCEPTIONS}submit/", body)) == [404]
    assert post(signed_in(people.outsider), f"{EXCEPTIONS}withdraw/", {}).status_code == 400


def test_bulk_start_and_cancel_report_each_ticket(people: Cast, owner: Client, two: list[Ticket]) -> None:
    body = {"items": items(two, {"id": 99999, "version": 1}), "assignee": "Shop team"}
    answer = post(owner, f"{TICKETS}start/", body)
    assert statuses(answer) == [200, 200, 404]
    said = [result["body"] for result in answer.json()["results"][:2]]
    assert {row["state"] for row in said} == {"in_progress"}
    assert set(Ticket.objects.values_list("assignee", flat=True)) == {"Shop team"}
    assert statuses(post(owner, f"{TICKETS}cancel/", {"items": items(two), "reason": "No."})) == [412, 412]
    again = [{"id": row["id"], "version": row["version"]} for row in said]
    assert post(owner, f"{TICKETS}cancel/", {"items": again}).status_code == 400
    assert statuses(post(owner, f"{TICKETS}cancel/", {"items": again, "reason": "The shop closes."})) == [200, 200]


def test_each_claimed_ticket_is_read_again(
    people: Cast, owner: Client, two: list[Ticket], django_capture_on_commit_callbacks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sent: list[int] = []
    monkeypatch.setattr("scans.tasks.enqueue_scan", sent.append)
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(owner, f"{TICKETS}claim/", {"items": [{"id": two[0].pk, "version": 99}, *items(two)]})
    assert statuses(answer) == [412, 200, 200]
    assert len(set(sent)) == 2


def test_unreadable_ticket_does_not_stop_others(people: Cast, owner: Client, two: list[Ticket]) -> None:
    Ticket.objects.filter(pk=two[0].pk).update(control="SSM-XX-999")  # of an earlier version of the portal
    answer = post(owner, f"{TICKETS}claim/", {"items": items(two)})
    assert statuses(answer) == [409, 200]
    assert "can't be rescanned" in answer.json()["results"][0]["problem"]["detail"]
    two[0].refresh_from_db()
    assert two[0].state == "open"


def test_a_token_works_on_many_within_its_scope_and_permissions(people: Cast, two: list[Ticket]) -> None:
    body = {"items": items(two)}
    looker = robot(permissions={Permission.TICKET_VIEW, Permission.EXCEPTION_VIEW}, name="looker")
    for url in (f"{TICKETS}start/", f"{TICKETS}claim/", f"{EXCEPTIONS}submit/", f"{EXCEPTIONS}withdraw/"):
        assert post(looker, url, body).status_code == 403, url
    assert post(looker, f"{TICKETS}cancel/", {**body, "reason": "No."}).status_code == 403
    assert statuses(post(robot(), f"{TICKETS}start/", body)) == [200, 200]


def test_foreign_ticket_is_not_found_in_bulk(people: Cast, two: list[Ticket]) -> None:
    own = finding(people.inventory.play, "SSM-PS-001", "arn:aws:ssm:eu-west-1:100000000004:parameter/x")
    [mine] = lifecycle.propose_tickets(actor=acting(people.outsider), findings=[own])
    lifecycle.approve(actor=acting(people.approver), ticket=mine, version=mine.version)
    mine.refresh_from_db()
    body = {"items": items([*two, mine])}
    assert statuses(post(signed_in(people.outsider), f"{TICKETS}start/", body)) == [404, 404, 200]
