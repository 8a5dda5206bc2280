"""A small API for the tests of its ground: notes that can be read, added, changed and marked in bulk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db import transaction
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.core import audit
from governance.core.policy import SYSTEM, Permission
from governance.rest import SIGNED_IN
from governance.rest.bulk import BulkSerializer, apply_in_bulk
from governance.rest.etags import compute_etag, require_match
from governance.rest.parsing import Strict
from governance.rest.views import Answer, Api

# What the next call does: a test sets it. It gets the act's text and answers what the API shows.
acts: list[Callable[[str], Any]] = []
VERSION = compute_etag("note", 1)


class NoteBody(Strict):
    text = serializers.CharField()


class BulkBody(Strict):
    texts = serializers.ListField(child=serializers.CharField())


class NoteSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()


class NoteApi(Api):
    permissions: ClassVar = {
        "list": SIGNED_IN, "create": Permission.SCAN_RUN, "partial_update": Permission.SCAN_RUN, "mark": SIGNED_IN,
    }  # fmt: skip
    bodies: ClassVar = {"create": NoteBody, "partial_update": NoteBody, "mark": BulkBody}
    answers: ClassVar = {
        "list": Answer(NoteSerializer, many=True), "create": Answer(NoteSerializer, status=201),
        "partial_update": Answer(NoteSerializer), "mark": Answer(BulkSerializer),
    }  # fmt: skip
    matched: ClassVar = frozenset({"partial_update"})

    def list(self, _request: Any) -> Response:
        return self.page([{"text": self.actor.name}])

    def create(self, _request: Any) -> Response:
        text = self.body()["text"]
        return self.answer(acts[0](text), headers={"Location": "/notes/1/"})

    def partial_update(self, request: Any) -> Response:
        require_match(request, VERSION)
        return self.answer(self.body(), headers={"ETag": VERSION})

    def mark(self, _request: Any) -> Response:
        return self.answer(apply_in_bulk(self.body()["texts"], acts[0]))


def keep(text: str) -> dict[str, str]:
    """An act that leaves a row behind, so that a test can count how often it was done."""
    with transaction.atomic():
        audit.record(actor=SYSTEM, action="note.keep", subject=text)
    return {"text": text}


class ForgotView(APIView):
    """Declares no permission."""

    def get(self, _request: Any) -> Response:
        raise AssertionError("nobody may get here")


urlpatterns = [
    path("api/notes/", NoteApi.as_view({"get": "list", "post": "create", "patch": "partial_update"})),
    path("api/notes/mark/", NoteApi.as_view({"post": "mark"})),
    path("api/forgot/", ForgotView.as_view()),
]
handler404 = "governance.error_responses.page_not_found"
handler500 = "governance.error_responses.server_error"
handler400 = "governance.error_responses.bad_request"
