"""What API tokens do in the workflow: everything but deciding, within what they were cut for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exceptions.models import Comment, ExceptionRequest, Ticket
from exceptions.tickets import lifecycle
from governance.core.policy import ROLE_PERMISSIONS, STEP_UP, Permission, Role, ScopeKind
from tests.exceptions.api_calls import post, robot
from tests.support.story import WHY, Cast, acting

pytestmark = pytest.mark.django_db
BASE = "/api/v1/exceptions/"
TICKETS = "/api/v1/tickets/"
P = Permission


def shop(people: Cast) -> tuple[ScopeKind, str]:
    return ScopeKind.ACCOUNT, people.inventory.shop.account_id


def wanted(people: Cast) -> dict[str, Any]:
    return {
        "scope_kind": "findings", "findings": [people.inventory.secret.fingerprint], "justification": WHY,
        "business_owner": "Head of Shop", "expires_at": (timezone.now() + timedelta(days=20)).isoformat(),
    }  # fmt: skip


def test_token_creates_attaches_submits_and_withdraws(people: Cast) -> None:
    client = robot(shop(people))
    made = post(client, BASE, {**wanted(people), "on_behalf_of": "Owen"})
    assert made.status_code == 201, made.content
    assert made.json()["on_behalf_of"] == "owen"
    where = made["Location"]
    assert post(client, f"{where}attachments/", {"name": "plan.pdf", "content": "eA=="}).status_code == 201
    done = post(client, f"{where}submit/", **{"If-Match": made["ETag"]})
    assert done.json()["status"] == "submitted"
    done = post(client, f"{where}withdraw/", {"reason": "It was fixed."}, **{"If-Match": done["ETag"]})
    assert done.json()["status"] == "withdrawn"


def test_token_comments_on_requests_in_its_scope(people: Cast) -> None:
    asked = people.submitted()
    said = post(robot(shop(people)), f"{BASE}{asked.pk}/comments/", {"text": "The change is planned for May."})
    assert said.status_code == 201, said.content
    assert Comment.objects.get().by.username == "robot"
    elsewhere = robot((ScopeKind.ACCOUNT, people.inventory.play.account_id), name="elsewhere")
    assert post(elsewhere, f"{BASE}{asked.pk}/comments/", {"text": "Hello."}).status_code == 404
    mute = robot(permissions={P.EXCEPTION_VIEW}, name="mute")
    assert post(mute, f"{BASE}{asked.pk}/comments/", {"text": "Hello."}).status_code == 403
    assert Comment.objects.count() == 1


def test_token_proposes_works_notes_and_cancels_tickets(people: Cast) -> None:
    client = robot(shop(people))
    assert post(client, TICKETS, {"findings": [people.inventory.secret.fingerprint]}).status_code == 201
    row = Ticket.objects.get()
    lifecycle.approve(actor=acting(people.approver), ticket=row, version=row.version)
    where = f"{TICKETS}{row.pk}/"
    done = post(client, f"{where}start/", {"assignee": "Shop team"}, **{"If-Match": client.get(where)["ETag"]})
    assert done.json()["state"] == "in_progress"
    assert post(client, f"{where}notes/", {"text": "Half done."}).status_code == 200
    etag = client.get(where)["ETag"]
    assert post(client, f"{where}cancel/", {"reason": "Not now."}, **{"If-Match": etag}).status_code == 200


def test_deciding_stays_closed(people: Cast) -> None:
    """No role gives it to a token, and there is no address for it."""
    deciding = {P.EXCEPTION_DECIDE, P.EXCEPTION_REVOKE, P.TICKET_DECIDE}
    assert deciding <= STEP_UP
    assert not deciding & ROLE_PERMISSIONS[Role.INTEGRATION]
    client, asked = robot(), people.submitted()
    for act in ("approve", "decide", "reapprove", "reject", "revoke"):
        assert post(client, f"{BASE}{asked.pk}/{act}/").status_code == 404
    assert ExceptionRequest.objects.get().state == "submitted"


def test_ou_token_requests_an_ou_and_nothing_narrower(people: Cast) -> None:
    cut = {P.EXCEPTION_VIEW, P.FINDING_VIEW, P.EXCEPTION_REQUEST_OU}
    client = robot(permissions=cut, role=Role.SECURITY_ADMIN)
    ou = {**wanted(people), "scope_kind": "ou", "ou": "ou-1-retail", "control": "SSM-PS-001", "findings": []}
    made = post(client, BASE, ou)
    assert made.status_code == 201, made.content
    assert post(client, f"{made['Location']}submit/", **{"If-Match": made["ETag"]}).status_code == 200
    assert post(client, BASE, wanted(people)).status_code == 403
    assert ExceptionRequest.objects.count() == 1
