"""A POST that is sent again acts once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from rest_framework.exceptions import APIException, Throttled
from rest_framework.response import Response
from structlog.testing import capture_logs

from governance.core.models import AuditEvent, IdempotencyRecord
from governance.core.policy import Role, ScopeKind
from governance.core.transitions import LostRaceError
from governance.identity.factors.step_up import StepUpRequiredError
from governance.rest import idempotency
from governance.rest.idempotency import CLAIM_TIMEOUT, RECORD_LIFETIME
from governance.rest.problems import ConflictError
from tests.governance.rest import rest_app
from tests.scans.api.asking import fields, refused
from tests.support.people import person, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.governance.rest.rest_app")]


@pytest.fixture(autouse=True)
def _acts():
    rest_app.acts[:] = [rest_app.keep]


@pytest.fixture
def operator():
    return signed_in(person("oscar", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")))


def send(client: Client, text: str = "a", key: str = "k-1", url: str = "/api/notes/") -> Any:
    return client.post(url, {"text": text}, content_type="application/json", headers={"idempotency-key": key})


def kept() -> int:
    return AuditEvent.objects.filter(action="note.keep").count()


def test_repeated_key_replays_the_answer(operator):
    first, again = send(operator), send(operator)
    assert (again.status_code, again.json(), again["Location"]) == (201, first.json(), first["Location"])
    assert (again.get("Idempotency-Replayed"), first.get("Idempotency-Replayed")) == ("true", None)
    assert kept() == 1


def test_no_key_or_another_key_acts_again(operator):
    send(operator)
    assert send(operator, key="k-2").status_code == 201
    operator.post("/api/notes/", {"text": "a"}, content_type="application/json")
    operator.post("/api/notes/", {"text": "a"}, content_type="application/json")
    assert kept() == 4


def test_the_key_with_another_body_or_address_is_422(operator):
    send(operator)
    assert refused(send(operator, text="b"), 422)["type"].endswith(":key-reused")
    refused(send(operator, url="/api/notes/mark/"), 422)
    assert kept() == 1


def test_two_people_may_use_the_same_key(operator):
    send(operator)
    other = signed_in(person("olaf", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")))
    assert "Idempotency-Replayed" not in send(other, text="b")
    assert kept() == 2


def test_second_request_during_the_first_is_409(operator):
    meanwhile = []

    def slow(text: str) -> Any:
        rest_app.acts[:] = [rest_app.keep]
        meanwhile.append(send(operator))
        return rest_app.keep(text)

    rest_app.acts[:] = [slow]
    assert send(operator).status_code == 201
    assert "still running" in refused(meanwhile[0], 409)["detail"]
    assert 1 <= int(meanwhile[0]["Retry-After"]) <= CLAIM_TIMEOUT.total_seconds()
    assert kept() == 1


def test_a_refused_request_gives_its_key_back(operator):
    def lose(_text: str) -> None:
        raise LostRaceError("It was moved.")

    rest_app.acts[:] = [lose]
    refused(send(operator), 409)
    assert not IdempotencyRecord.objects.exists()
    rest_app.acts[:] = [rest_app.keep]
    assert send(operator, text="mended").status_code == 201


def test_a_defect_undoes_the_act_and_gives_its_key_back(operator):
    def break_down(text: str) -> None:
        rest_app.keep(text)
        raise RuntimeError

    rest_app.acts[:] = [break_down]
    with pytest.raises(RuntimeError):
        send(operator)
    assert (kept(), IdempotencyRecord.objects.count()) == (0, 0)


class Busy(APIException):
    status_code = 503


@pytest.mark.parametrize(
    "error",
    [Busy(), Throttled(wait=1), ConflictError(), LostRaceError("It was moved."), StepUpRequiredError(), OSError()],
    ids=lambda error: type(error).__name__,
)
def test_key_is_free_after_retryable_error(operator, error):
    def fail(text: str) -> None:
        rest_app.keep(text)
        raise error

    operator.raise_request_exception = False
    rest_app.acts[:] = [fail]
    assert send(operator).status_code >= 400
    rest_app.acts[:] = [rest_app.keep]
    again = send(operator)
    assert (again.status_code, again.get("Idempotency-Replayed")) == (201, None)
    assert kept() == 1


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_key_is_free_after_returned_error_response(operator, monkeypatch, status):
    monkeypatch.setattr(rest_app.NoteApi, "create", lambda *_: Response({"detail": "busy"}, status=status))
    assert send(operator).status_code == status
    monkeypatch.undo()
    assert send(operator).status_code == 201


def mark(client: Client) -> Any:
    headers = {"idempotency-key": "k-1"}
    return client.post("/api/notes/mark/", {"texts": ["a", "b"]}, content_type="application/json", headers=headers)


def test_bulk_request_is_replayed_only_if_partly_done(operator):
    def lose(_text: str) -> None:
        raise LostRaceError("It was moved.")

    def lose_one(text: str) -> Any:
        return lose(text) if text == "a" else rest_app.keep(text)

    rest_app.acts[:] = [lose]
    assert mark(operator).status_code == 200
    rest_app.acts[:] = [lose_one]
    assert "Idempotency-Replayed" not in mark(operator)
    assert "Idempotency-Replayed" in mark(operator)
    assert kept() == 1


def test_unreleased_key_is_free_once_its_claim_is_old(operator, monkeypatch):
    """The database was away at both ends: nothing could be written down."""

    def away(_self: Any) -> None:
        raise OperationalError("the connection is closed")

    def lose(_text: str) -> None:
        monkeypatch.setattr(QuerySet, "delete", away)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(idempotency.connection, "close", lambda: None)  # it is this test's transaction
    operator.raise_request_exception = False
    rest_app.acts[:] = [lose]
    with capture_logs() as said:
        assert send(operator).status_code == 500
    monkeypatch.undo()
    assert [line["event"] for line in said] == ["idempotency.key_not_given_back"]
    rest_app.acts[:] = [rest_app.keep]
    assert int(send(operator)["Retry-After"]) <= CLAIM_TIMEOUT.total_seconds() <= 15
    IdempotencyRecord.objects.update(claimed_at=timezone.now() - CLAIM_TIMEOUT)
    assert send(operator).status_code == 201


def test_claim_of_dead_process_is_taken_over_once_old(operator):
    send(operator)
    died = timezone.now() - CLAIM_TIMEOUT / 2
    IdempotencyRecord.objects.update(status=None, claimed_at=died)
    refused(send(operator), 409)
    IdempotencyRecord.objects.update(claimed_at=died - CLAIM_TIMEOUT)
    assert send(operator).status_code == 201
    assert kept() == 2


def test_act_is_undone_if_its_claim_is_lost(operator):
    def overtaken(text: str) -> Any:
        IdempotencyRecord.objects.update(claim="somebody-else")
        return rest_app.keep(text)

    rest_app.acts[:] = [overtaken]
    refused(send(operator), 409)
    assert kept() == 0


def test_after_a_day_the_key_is_new(operator):
    send(operator)
    IdempotencyRecord.objects.update(created_at=timezone.now() - RECORD_LIFETIME - timedelta(seconds=1))
    assert send(operator, text="b").status_code == 201
    assert IdempotencyRecord.objects.get().key == "k-1"


def test_invalid_key_is_refused(operator):
    for key in ("", "a b", "x" * 256, "ü"):
        assert fields(refused(send(operator, key=key), 400)) == {"Idempotency-Key"}
    assert send(operator, key='"quoted"').status_code == 201
    assert "Idempotency-Replayed" in send(operator, key="quoted")


def test_idempotency_key_does_not_bypass_permission(operator):
    send(operator)
    refused(send(Client()), 401)
    refused(send(signed_in(person("otto"))), 403)
