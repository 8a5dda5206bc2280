"""Two requests with one key, truly at once. SQLite has one writer, so this needs PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from governance.core.models import AuditEvent
from governance.core.policy import Role, ScopeKind
from governance.rest import idempotency
from tests.governance.rest import rest_app
from tests.support.people import person, signed_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.racing,
    pytest.mark.urls("tests.governance.rest.rest_app"),
]


@pytest.fixture
def client() -> Client:
    rest_app.acts[:] = [rest_app.keep]
    return signed_in(person("oscar", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")))


def test_concurrent_same_key_acts_once(client: Client):
    start = Barrier(8)

    def send(_number: int) -> Any:
        start.wait(timeout=60)
        try:
            headers = {"idempotency-key": "k-1"}
            return client.post("/api/notes/", {"text": "a"}, content_type="application/json", headers=headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    first = [a for a in answers if a.status_code == 201 and "Idempotency-Replayed" not in a]
    assert len(first) == 1
    assert AuditEvent.objects.filter(action="note.keep").count() == 1


def send_again(client: Client) -> Any:
    headers = {"idempotency-key": "k-1"}
    return client.post("/api/notes/", {"text": "a"}, content_type="application/json", headers=headers)


def test_a_request_that_runs_long_keeps_its_key_until_it_ends(client: Client, monkeypatch: pytest.MonkeyPatch):
    """Its lock says that it runs, however old its claim is."""
    monkeypatch.setattr(idempotency, "CLAIM_TIMEOUT", timedelta(0))
    begun, go_on = Event(), Event()

    def slow(text: str) -> Any:
        begun.set()
        go_on.wait(timeout=60)
        return rest_app.keep(text)

    def first() -> Any:
        try:
            return send_again(client)
        finally:
            connection.close()

    rest_app.acts[:] = [slow]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(first)
        assert begun.wait(timeout=60)
        meanwhile = send_again(client)
        go_on.set()
        assert answer.result().status_code == 201
    assert (meanwhile.status_code, meanwhile["Retry-After"]) == (409, "1")
    assert "Idempotency-Replayed" in send_again(client)
    assert AuditEvent.objects.filter(action="note.keep").count() == 1


def test_a_key_is_free_at_once_after_the_connection_was_lost(client: Client):
    def lose(text: str) -> Any:
        rest_app.keep(text)
        with connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    client.raise_request_exception = False
    rest_app.acts[:] = [lose]
    assert send_again(client).status_code == 500
    rest_app.acts[:] = [rest_app.keep]
    assert send_again(client).status_code == 201
    assert AuditEvent.objects.filter(action="note.keep").count() == 1
