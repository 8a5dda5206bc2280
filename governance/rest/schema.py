"""Generates the OpenAPI document from the declarations of the views (governance.rest.views)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from governance.rest.problems import PROBLEM_MEDIA_TYPE

if TYPE_CHECKING:
    from governance.rest.views import Answer

NDJSON_MEDIA_TYPE = "application/x-ndjson"
ERROR_DESCRIPTIONS = {
    400: "A parameter, a field or a cursor is invalid.",
    401: "Not signed in, or the token is not valid.",
    403: "Your grants don't allow this.",
    404: "It doesn't exist, or you can't see it.",
    405: "The method is not allowed here; Allow lists the methods that are.",
    406: "None of the media types in Accept is available.",
    409: "The object's state doesn't allow this, or the first request with this Idempotency-Key is still running.",
    412: "The object has changed since you read it.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The Idempotency-Key was used for another request.",
    428: "If-Match is missing.",
    429: "Too many requests; Retry-After says how many seconds to wait.",
    500: "The portal failed; the error was logged.",
}


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Dotted path, such as accounts.0. Empty: the whole request.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error (RFC 9457)."""

    type = serializers.CharField(help_text="urn:tutela:problem:…, one for each status.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong and what to do, as text for people.")
    instance = serializers.CharField(required=False, help_text="The path of the request.")
    errors = FieldErrorSerializer(  # type: ignore[assignment]  # a field, and fields leave the class
        many=True, required=False, help_text="With 400: the invalid fields, and why."
    )


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "governance.rest.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "governance.rest.token_authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002
        return {"type": "http", "scheme": "bearer", "bearerFormat": "tutela_<prefix>_<secret>"}


class PageSchema:
    """The schema of a page of results, in the form that the generator needs."""

    @staticmethod
    def get_schema_operation_parameters(_view: Any) -> list[Any]:
        return []  # limit and cursor are fields of the query

    @staticmethod
    def get_paginated_response_schema(items: Any) -> dict[str, Any]:
        following = {
            "type": ["string", "null"],
            "format": "uri",
            "description": "The URL of the next page; null on the last one.",
        }
        return {"type": "object", "required": ["items", "next"], "properties": {"items": items, "next": following}}


class Schema(AutoSchema):
    def table(self, name: str) -> Any:
        """This action's entry in one of the view's tables."""
        return getattr(self.view, name, {}).get(getattr(self.view, "action", ""))

    def get_override_parameters(self) -> list[Any]:
        return [*filter(None, [self.table("queries")]), *self.headers()]

    def headers(self) -> Iterator[OpenApiParameter]:
        if self.method == "POST":
            text = "A unique key. The same key with the same body within 24 hours returns the first answer again."
            yield OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description=text)
        if self.matches():
            text = "The ETag that you read."
            yield OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description=text)

    def matches(self) -> bool:
        return getattr(self.view, "action", "") in getattr(self.view, "matched", ())

    def get_request_serializer(self) -> Any:
        return self.table("bodies")

    def get_response_serializers(self) -> Any:
        answer: Answer = self.table("answers")
        if answer.status == 204:
            return {204: None}
        shape = answer.serializer(many=True) if answer.many else answer.serializer  # type: ignore[call-arg]
        return dict.fromkeys((answer.status, *answer.also), shape)

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}Page"

    def _get_paginator(self) -> Any:
        return PageSchema()

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        answer: Answer = self.table("answers")
        if answer.stream:
            line = self._get_response_for_code(answer.serializer(), "line", [NDJSON_MEDIA_TYPE], direction)  # type: ignore[no-untyped-call]
            bodies[str(answer.status)]["content"].update(line["content"])
        for status in self.errors():
            problem = OpenApiResponse(ProblemSerializer, ERROR_DESCRIPTIONS[status])
            bodies[str(status)] = self._get_response_for_code(problem, str(status), [PROBLEM_MEDIA_TYPE], direction)  # type: ignore[no-untyped-call]
        return bodies

    def errors(self) -> list[int]:
        """The statuses that follow from the declarations, and those that the action lists in `refusals`."""
        changes = self.method in {"POST", "PUT", "PATCH", "DELETE"}
        happen = {
            400: True,
            401: True,
            403: True,
            404: "{" in self.path,
            405: True,
            406: True,
            409: changes,
            412: self.matches(),
            413: changes,
            415: changes,
            422: self.method == "POST",
            428: self.matches(),
            429: self.table("throttles") is not None,
            500: True,
        }
        declared = self.table("refusals") or frozenset()
        return [status for status, may in happen.items() if may or status in declared]
