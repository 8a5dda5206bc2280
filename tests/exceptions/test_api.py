"""The workflow over the API: everything but deciding, within scope, on the version that was read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from exceptions.models import Cover, ExceptionRequest, Ticket
from exceptions.tickets import lifecycle
from governance.core.policy import Role, ScopeKind
from scans.models import Scan
from tests.support.people import person, signed_in, stepped_up
from tests.support.story import WHY, Cast, acting

pytestmark = pytest.mark.django_db
BASE = "/api/v1/exceptions/"
TICKETS = "/api/v1/tickets/"


@pytest.fixture
def owner(people: Cast) -> Client:
    return signed_in(people.owner)


def post(client: Client, url: str, body: Any = None, **headers: str) -> Any:
    return client.post(url, body or {}, content_type="application/json", headers=headers)


def wanted(people: Cast, **more: Any) -> dict[str, Any]:
    return {
        "scope_kind": "findings", "findings": [people.inventory.secret.fingerprint], "justification": WHY,
        "business_owner": "Head of Shop", "expires_at": (timezone.now() + timedelta(days=20)).isoformat(), **more,
    }  # fmt: skip


def test_a_request_is_drafted_and_submitted(people: Cast, owner: Client) -> None:
    made = post(owner, BASE, wanted(people))
    assert made.status_code == 201, made.json()
    where = made["Location"]
    assert post(owner, f"{where}submit/").status_code == 428
    assert post(owner, f"{where}submit/", **{"If-Match": '"other"'}).status_code == 412
    done = post(owner, f"{where}submit/", **{"If-Match": made["ETag"]})
    assert (done.status_code, done.json()["status"]) == (200, "submitted")
    assert owner.get(BASE, {"state": "submitted"}).json()["items"][0]["scope"] == "1 named finding"
    seen = owner.get(f"{where}preview/").json()
    assert (seen["findings"], seen["by_account"]) == (1, [{"name": people.inventory.shop.account_id, "findings": 1}])


def test_a_bad_field_is_named_and_nothing_is_kept(people: Cast, owner: Client) -> None:
    said = post(owner, BASE, wanted(people, findings=[], justification="Ask jane.doe@example.com about the reasons."))
    assert said.status_code == 400
    assert said["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in said.json()["errors"]} == {"findings", "justification"}
    assert "jane" not in said.content.decode()
    assert not ExceptionRequest.objects.exists()


def test_an_unknown_field_is_refused(people: Cast, owner: Client) -> None:
    assert post(owner, BASE, wanted(people, approved=True)).status_code == 400


def test_the_api_never_decides(people: Cast) -> None:
    request = people.submitted()
    approver = stepped_up(signed_in(people.approver))
    for act in ("approve", "decide", "reapprove", "revoke"):
        assert post(approver, f"{BASE}{request.pk}/{act}/").status_code == 404
    ticket = proposed(people)
    for act in ("approve", "reject", "close"):
        assert post(approver, f"{TICKETS}{ticket.pk}/{act}/").status_code == 404


@pytest.mark.parametrize("path", ["", "preview/", "comments/"])
def test_foreign_request_is_not_found(people: Cast, path: str) -> None:
    request = people.submitted()
    assert signed_in(people.outsider).get(f"{BASE}{request.pk}/{path}").status_code == 404
    assert signed_in(people.approver).get(f"{BASE}{request.pk}/{path}").status_code == 200
    assert Client().get(f"{BASE}{request.pk}/{path}").status_code == 401


def test_only_requester_withdraws_a_request(people: Cast, owner: Client) -> None:
    request = people.submitted()
    etag = owner.get(f"{BASE}{request.pk}/")["ETag"]
    assert post(signed_in(people.approver), f"{BASE}{request.pk}/withdraw/", **{"If-Match": etag}).status_code == 403
    done = post(owner, f"{BASE}{request.pk}/withdraw/", {"reason": "It was fixed."}, **{"If-Match": etag})
    assert done.json()["status"] == "withdrawn"
    again = owner.get(f"{BASE}{request.pk}/")["ETag"]
    assert post(owner, f"{BASE}{request.pk}/withdraw/", **{"If-Match": again}).status_code == 409


def test_a_change_needs_the_version_that_was_read(people: Cast, owner: Client) -> None:
    request = people.drafted()
    where = f"{BASE}{request.pk}/"
    etag = owner.get(where)["ETag"]
    body = wanted(people, business_owner="Another")
    first = owner.put(where, body, content_type="application/json", headers={"If-Match": etag})
    assert first.json()["business_owner"] == "Another"
    second = owner.put(where, body, content_type="application/json", headers={"If-Match": etag})
    assert second.status_code == 412


def test_a_renewal_is_a_new_draft(people: Cast, owner: Client) -> None:
    request = people.approved()
    end = (timezone.now() + timedelta(days=40)).isoformat()
    made = post(owner, f"{BASE}{request.pk}/renew/", {"expires_at": end, "justification": WHY})
    assert (made.status_code, made.json()["renews"], made.json()["status"]) == (201, request.pk, "draft")


def test_repeated_key_creates_one_request(people: Cast, owner: Client) -> None:
    body = wanted(people)
    first = post(owner, BASE, body, **{"Idempotency-Key": "k1"})
    second = post(owner, BASE, body, **{"Idempotency-Key": "k1"})
    assert first.json()["id"] == second.json()["id"]
    assert ExceptionRequest.objects.count() == 1
    assert post(owner, BASE, wanted(people, business_owner="B"), **{"Idempotency-Key": "k1"}).status_code == 422


def proposed(people: Cast) -> Ticket:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])
    return ticket


def test_a_ticket_is_proposed_worked_and_claimed(
    people: Cast, owner: Client, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr("scans.tasks.enqueue_scan", sent.append)
    made = post(owner, TICKETS, {"findings": [people.inventory.secret.fingerprint]})
    assert made.status_code == 201, made.json()
    [ticket] = made.json()["tickets"]
    assert (ticket["state"], len(ticket["items"]), ticket["overdue"]) == ("proposed", 1, False)
    row = Ticket.objects.get()
    lifecycle.approve(actor=acting(people.approver), ticket=row, version=row.version)
    where = f"{TICKETS}{row.pk}/"
    assert post(owner, f"{where}claim/").status_code == 428
    with django_capture_on_commit_callbacks(execute=True):
        done = post(owner, f"{where}claim/", **{"If-Match": owner.get(where)["ETag"]})
    assert done.json()["state"] == "verifying"
    assert sent == [Scan.objects.latest("id").pk]


def test_a_second_ticket_for_a_finding_is_a_conflict(people: Cast, owner: Client) -> None:
    proposed(people)
    assert post(owner, TICKETS, {"findings": [people.inventory.secret.fingerprint]}).status_code == 409


def test_foreign_tickets_are_not_found(people: Cast) -> None:
    ticket = proposed(people)
    outsider = signed_in(people.outsider)
    assert outsider.get(f"{TICKETS}{ticket.pk}/").status_code == 404
    assert outsider.get(TICKETS).json()["items"] == []
    assert post(outsider, TICKETS, {"findings": [people.inventory.bucket.fingerprint]}).status_code == 400
    assert Client().get(TICKETS).status_code == 401


def test_a_note_with_a_secret_is_refused(people: Cast, owner: Client) -> None:
    ticket = proposed(people)
    said = post(owner, f"{TICKETS}{ticket.pk}/notes/", {"text": "Use password=Tr0ub4dor&3xyz until then"})
    assert said.status_code == 400
    assert "Tr0ub" not in said.content.decode()
    assert post(owner, f"{TICKETS}{ticket.pk}/notes/", {"text": "Waiting for the release."}).status_code == 200


def test_list_query_count_is_constant(people: Cast, owner: Client, django_assert_max_num_queries: Any) -> None:
    people.submitted()
    people.submitted(findings=[people.inventory.bucket.fingerprint])
    proposed(people)
    owner.get(BASE)
    with django_assert_max_num_queries(20):
        assert len(owner.get(BASE).json()["items"]) == 2
    with django_assert_max_num_queries(20):
        owner.get(TICKETS)


def test_partial_viewer_reads_no_other_names(people: Cast) -> None:
    other = person("olga", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, people.inventory.till.account_id))
    request = people.approved()
    Cover.objects.create(
        request=request, account=people.inventory.till, control="SSM-PS-001", starts_at=request.starts_at,
        expires_at=request.expires_at,
    )  # fmt: skip
    ExceptionRequest.objects.update(drift=[{"kind": "evidence", "what": "arn:of:somebody", "was": "a", "is": "b"}])
    reader = signed_in(other)
    assert reader.get(f"{BASE}{request.pk}/").json()["drift"] == [{"kind": "evidence"}]
    assert reader.get(BASE, {"account": people.inventory.shop.account_id}).json()["items"] == []
    assert len(reader.get(BASE, {"account": people.inventory.till.account_id}).json()["items"]) == 1


def test_a_changed_draft_is_no_longer_seen_by_its_old_scope(people: Cast, owner: Client) -> None:
    request = people.submitted()
    people.decides(request, people.approver, "request_changes", comment="Narrow it.")
    where = f"{BASE}{request.pk}/"
    etag = owner.get(where)["ETag"]
    body = wanted(people, findings=[people.inventory.bucket.fingerprint])
    assert owner.put(where, body, content_type="application/json", headers={"If-Match": etag}).status_code == 200
    assert signed_in(people.approver).get(where).status_code == 404


def test_trackers_are_listed(owner: Client) -> None:
    assert owner.get("/api/v1/trackers/").json() == {"trackers": ["console", "none"]}
