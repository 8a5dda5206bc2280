"""A POST that is sent again acts once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.core.models import AuditEvent, IdempotencyRecord
from governance.core.policy import Role, ScopeKind
from governance.core.transitions import LostRaceError
from governance.identity.rest.idempotency import CLAIM, KEPT
from tests.governance.identity import rest_app
from tests.people import person, signed_in
from tests.scans.api.asking import fields, refused

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.governance.identity.rest_app")]


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


def test_the_same_again_gets_the_same_answer_and_acts_once(operator):
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


def test_while_the_first_runs_the_second_is_409_and_does_nothing(operator):
    meanwhile = []

    def slow(text: str) -> Any:
        rest_app.acts[:] = [rest_app.keep]
        meanwhile.append(send(operator))
        return rest_app.keep(text)

    rest_app.acts[:] = [slow]
    assert send(operator).status_code == 201
    assert "still running" in refused(meanwhile[0], 409)["detail"]
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


def test_a_claim_whose_process_died_is_taken_over_once_it_is_old(operator):
    send(operator)
    died = timezone.now() - CLAIM / 2
    IdempotencyRecord.objects.update(status=None, claimed_at=died)
    refused(send(operator), 409)
    IdempotencyRecord.objects.update(claimed_at=died - CLAIM)
    assert send(operator).status_code == 201
    assert kept() == 2


def test_whoever_lost_the_claim_while_acting_undoes_the_act(operator):
    def overtaken(text: str) -> Any:
        IdempotencyRecord.objects.update(claim="somebody-else")
        return rest_app.keep(text)

    rest_app.acts[:] = [overtaken]
    refused(send(operator), 409)
    assert kept() == 0


def test_after_a_day_the_key_is_new(operator):
    send(operator)
    IdempotencyRecord.objects.update(created_at=timezone.now() - KEPT - timedelta(seconds=1))
    assert send(operator, text="b").status_code == 201
    assert IdempotencyRecord.objects.get().key == "k-1"


def test_a_key_that_is_none(operator):
    for key in ("", "a b", "x" * 256, "ü"):
        assert fields(refused(send(operator, key=key), 400)) == {"Idempotency-Key"}
    assert send(operator, key='"quoted"').status_code == 201
    assert "Idempotency-Replayed" in send(operator, key="quoted")


def test_a_key_opens_nothing_to_whoever_may_not_post(operator):
    send(operator)
    refused(send(Client()), 401)
    refused(send(signed_in(person("otto"))), 403)
