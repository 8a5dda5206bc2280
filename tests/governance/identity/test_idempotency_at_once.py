"""Two requests with one key, truly at once. SQLite has one writer, so this needs PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from governance.core.models import AuditEvent
from governance.core.policy import Role, ScopeKind
from tests.governance.identity import rest_app
from tests.people import person, signed_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.racing,
    pytest.mark.urls("tests.governance.identity.rest_app"),
]


def test_one_acts_and_the_other_is_told_to_wait():
    rest_app.acts[:] = [rest_app.keep]
    client = signed_in(person("oscar", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")))
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
