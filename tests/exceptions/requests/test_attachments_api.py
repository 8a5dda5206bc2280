"""Files of a request over the API: attached by whoever asked, seen by whoever sees the request."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from django.test import Client

from exceptions.models import Attachment
from exceptions.requests import attachments
from governance.core.policy import Permission
from tests.exceptions.api_calls import post, robot
from tests.support.people import signed_in
from tests.support.story import Cast

pytestmark = pytest.mark.django_db
BASE = "/api/v1/exceptions/"
DATA = b"%PDF-1.4 a plan"


def file(name: str = "plan.pdf", data: bytes = DATA) -> dict[str, Any]:
    return {"name": name, "content": base64.b64encode(data).decode()}


def test_a_file_is_attached_listed_and_read_back(people: Cast) -> None:
    asked = people.submitted()
    where = f"{BASE}{asked.pk}/attachments/"
    made = post(signed_in(people.owner), where, file())
    assert made.status_code == 201, made.content
    assert (made.json()["size"], made.json()["digest"]) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    approver = signed_in(people.approver)
    [listed] = approver.get(where).json()["items"]
    assert listed == made.json()
    one = approver.get(f"{where}{listed['id']}/").json()
    assert base64.b64decode(one["content"]) == DATA


def test_the_largest_file_fits_into_a_body(people: Cast) -> None:
    where = f"{BASE}{people.drafted().pk}/attachments/"
    largest = b"x" * attachments.MAX_FILE_SIZE
    assert post(signed_in(people.owner), where, file(data=largest)).status_code == 201
    said = post(signed_in(people.owner), where, file(data=largest + b"x"))
    assert (said.status_code, said.json()["errors"][0]["field"]) == (400, "content")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "page.html", "content": "eA=="}, "name"),
        ({"name": "jane.doe@example.com.pdf", "content": "eA=="}, "name"),
        ({"name": "a.pdf", "content": "not base64!"}, "content"),
        ({"name": "a.pdf", "content": "é"}, "content"),
        ({"name": "a.pdf", "content": ""}, "content"),
        ({"name": "", "content": "eA=="}, "name"),
        ({"name": "a.pdf", "content": "eA==", "size": 1}, "size"),
    ],
)
def test_refused_file_names_field_without_echo(people: Cast, given: dict[str, Any], field: str) -> None:
    said = post(signed_in(people.owner), f"{BASE}{people.drafted().pk}/attachments/", given)
    assert said.status_code == 400, said.content
    assert {error["field"] for error in said.json()["errors"]} == {field}
    assert "jane" not in said.content.decode()
    assert not Attachment.objects.exists()


def test_file_after_decision_is_refused(people: Cast) -> None:
    asked = people.approved()
    assert post(signed_in(people.owner), f"{BASE}{asked.pk}/attachments/", file()).status_code == 409


def test_only_requester_attaches_and_foreign_request_is_404(people: Cast) -> None:
    asked = people.submitted()
    where = f"{BASE}{asked.pk}/attachments/"
    kept = post(signed_in(people.owner), where, file()).json()["id"]
    approver, outsider = signed_in(people.approver), signed_in(people.outsider)
    assert post(approver, where, file()).status_code == 403
    assert post(outsider, where, file()).status_code == 404
    for path in (where, f"{where}{kept}/"):
        assert outsider.get(path).status_code == 404
        assert Client().get(path).status_code == 401
    other = people.submitted(findings=[people.inventory.bucket.fingerprint])
    assert approver.get(f"{BASE}{other.pk}/attachments/{kept}/").status_code == 404


def test_token_attaches_only_to_own_requests_with_scope(people: Cast) -> None:
    asked = people.drafted()
    writer = robot()
    reader = robot(permissions={Permission.EXCEPTION_VIEW}, name="reader")
    assert post(writer, f"{BASE}{asked.pk}/attachments/", file()).status_code == 404  # somebody's draft
    assert post(reader, f"{BASE}{asked.pk}/attachments/", file()).status_code == 403
