"""The ground of the API: who may call, what is refused and in which form, ETags, bulk acts."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.test import Client

from governance.core.models import AuditEvent
from governance.core.policy import NotPermittedError, Permission, Role, ScopeKind
from governance.core.states import IllegalMoveError
from governance.core.transitions import LostRaceError
from governance.rest import SIGNED_IN
from governance.rest.bulk import MAX_BULK_ITEMS
from governance.rest.etags import compute_etag
from governance.rest.views import Api
from tests.governance.rest import rest_app
from tests.scans.api.asking import fields, refused
from tests.support.people import person, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.governance.rest.rest_app")]

NOTES = "/api/notes/"
MARK = "/api/notes/mark/"


@pytest.fixture(autouse=True)
def _acts():
    rest_app.acts[:] = [rest_app.keep]


@pytest.fixture
def operator():
    return signed_in(person("oscar", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")))


def post(client: Client, body: Any, url: str = NOTES, **headers: str) -> Any:
    return client.post(url, body, content_type="application/json", headers=headers)


def test_signed_out_is_401_and_missing_permission_is_403(operator):
    answer = Client().get(NOTES)
    assert refused(answer, 401)["instance"] == NOTES
    assert answer["WWW-Authenticate"].startswith('Session realm="Tutela"')
    refused(post(Client(), {"text": "a"}), 401)
    otto = signed_in(person("otto"))
    assert otto.get(NOTES).status_code == 200, "signed in is all that this one takes"
    refused(post(otto, {"text": "a"}), 403)
    assert post(operator, {"text": "a"}).status_code == 201


def test_disabled_person_is_signed_out(operator):
    from governance.identity.models import User

    User.objects.update(is_active=False)
    refused(operator.get(NOTES), 401)


def test_view_without_permission_is_an_error(operator):
    operator.raise_request_exception = False
    assert refused(operator.get("/api/forgot/"), 500)["type"].endswith(":internal")


def test_view_without_permission_or_answer_fails_at_load():
    class Half(Api):
        permissions = {"list": SIGNED_IN}

    with pytest.raises(ImproperlyConfigured, match="'list'"):
        Half.as_view({"get": "list"})
    with pytest.raises(ImproperlyConfigured, match="'marked'"):
        rest_app.NoteApi.as_view({"post": "mark", "get": "marked"})


def test_undefined_methods_are_405(operator):
    answer = operator.delete(NOTES)
    refused(answer, 405)
    assert "POST" in answer["Allow"]
    refused(operator.options(NOTES), 405)
    refused(Client().delete(NOTES), 401)
    assert operator.head(NOTES).status_code == 200


def test_bodies_that_can_not_be_read(operator):
    refused(operator.post(NOTES, {"text": "a"}), 415)
    refused(operator.post(NOTES, "text=a", content_type="application/x-www-form-urlencoded"), 415)
    for body in ("{", "NaN", '{"text": Infinity}', "[" * 100_000, b"\xff", "null"):
        refused(operator.post(NOTES, body, content_type="application/json"), 400)
    refused(operator.get(NOTES, headers={"accept": "application/xml"}), 406)


def test_a_body_that_is_too_large(operator, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert post(operator, {"text": "a" * 80}).status_code == 201
    refused(post(operator, {"text": "a" * 100}), 413)


def test_unknown_fields_and_parameters_are_refused_by_name(operator):
    said = refused(post(operator, {"text": "a", "txet": "b"}), 400)
    assert fields(said) == {"txet"}
    assert "text" in said["errors"][0]["detail"]
    assert fields(refused(post(operator, {}), 400)) == {"text"}
    assert fields(refused(operator.get(NOTES + "?a=1&b=2"), 400)) == {"a", "b"}
    assert fields(refused(post(operator, {"text": "a"}, NOTES + "?dry=1"), 400)) == {"dry"}


def test_unknown_address_is_a_problem(operator):
    refused(operator.get("/api/nothing/"), 404)


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (LostRaceError("It was moved."), 409, "moved"),
        (IllegalMoveError("No such move."), 409, "No such move"),
        (NotPermittedError("Not there."), 403, "Not there"),
        (ValidationError("Too weak."), 400, "errors"),
    ],
)
def test_service_errors_become_problems(operator, error, status, word):
    def fail(_text: str) -> None:
        raise error

    rest_app.acts[:] = [fail]
    assert word in refused(post(operator, {"text": "a"}), status)["detail"]


def test_a_defect_is_a_500_without_its_message(operator):
    def fail(_text: str) -> None:
        raise RuntimeError("password=hunter2")

    rest_app.acts[:] = [fail]
    operator.raise_request_exception = False
    answer = post(operator, {"text": "a"})
    refused(answer, 500)
    assert b"hunter2" not in answer.content


def test_unknown_host_is_a_problem(settings, operator):
    settings.ALLOWED_HOSTS = ["portal.example"]
    refused(operator.get(NOTES, headers={"host": "evil.example"}), 400)


def test_a_change_needs_the_version_that_was_read(operator):
    def change(**headers: str) -> Any:
        return operator.patch(NOTES, {"text": "b"}, content_type="application/json", headers=headers)

    refused(change(), 428)
    refused(change(**{"If-Match": "*"}), 428)
    refused(change(**{"If-Match": "W/" + rest_app.VERSION}), 412)
    refused(change(**{"If-Match": compute_etag("note", 2)}), 412)
    answer = change(**{"If-Match": f"{compute_etag('note', 2)}, {rest_app.VERSION}"})
    assert (answer.status_code, answer["ETag"]) == (200, rest_app.VERSION)


def test_bulk_act_answers_per_item_and_undoes_failures_only(operator):
    def act(text: str) -> Any:
        said = rest_app.keep(text)
        if text == "b":
            raise LostRaceError("It was moved.")
        return said

    rest_app.acts[:] = [act]
    answer = post(operator, {"texts": ["a", "b", "c"]}, MARK)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [(r["index"], r["status"], r["body"]) for r in results] == [
        (0, 200, {"text": "a"}), (1, 409, None), (2, 200, {"text": "c"}),
    ]  # fmt: skip
    assert results[1]["problem"]["detail"] == "It was moved."
    assert results[0]["problem"] is None
    assert set(AuditEvent.objects.filter(action="note.keep").values_list("subject", flat=True)) == {"a", "c"}


def test_bulk_act_is_limited_and_raises_defects(operator):
    assert (
        str(MAX_BULK_ITEMS)
        in refused(post(operator, {"texts": ["a"] * (MAX_BULK_ITEMS + 1)}, MARK), 400)["errors"][0]["detail"]
    )

    def fail(_text: str) -> None:
        raise RuntimeError

    rest_app.acts[:] = [fail]
    with pytest.raises(RuntimeError):
        post(operator, {"texts": ["a"]}, MARK)


def test_every_declared_permission_exists():
    from django.urls import get_resolver

    found = [p.callback.cls for p in api_patterns(get_resolver("governance.api").url_patterns)]
    assert found
    for view in found:
        for wanted in view.permissions.values():
            several = wanted if isinstance(wanted, frozenset) else {wanted}
            assert several
            assert several <= {SIGNED_IN, *Permission}


def api_patterns(patterns: Any) -> Any:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from api_patterns(pattern.url_patterns)
        else:
            yield pattern
