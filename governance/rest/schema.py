"""The OpenAPI document, from the declarations of the views (governance.rest.views)."""

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
    400: "A parameter, a field or a cursor was not understood.",
    401: "Nobody is signed in, or the token doesn't hold.",
    403: "Your grants don't allow this.",
    404: "There is no such thing, or you may not see it.",
    405: "This address doesn't take this method; Allow names those that it takes.",
    406: "None of the media types in Accept can be had here.",
    409: "The thing's state doesn't allow this, or the first request with this Idempotency-Key is still running.",
    412: "It has changed since you read it.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The Idempotency-Key was used for another request.",
    428: "If-Match is missing.",
    429: "Too many requests; Retry-After says how many seconds to wait.",
    500: "A defect of the portal; it is logged.",
}


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Dotted path, like accounts.0; empty: the request as a whole.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong (RFC 9457)."""

    type = serializers.CharField(help_text="urn:tutela:problem:…, one for each status.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong and what to do, for a person to read.")
    instance = serializers.CharField(required=False, help_text="The path that was asked for.")
    errors = FieldErrorSerializer(  # type: ignore[assignment]  # a field, and fields leave the class
        many=True, required=False, help_text="With 400: which parts and why."
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
    """The shape of a page, as the document's generator asks for it."""

    @staticmethod
    def get_schema_operation_parameters(_view: Any) -> list[Any]:
        return []  # limit and cursor are fields of the query

    @staticmethod
    def get_paginated_response_schema(items: Any) -> dict[str, Any]:
        following = {
            "type": ["string", "null"],
            "format": "uri",
            "description": "The next page; null: this is the last.",
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
            said = "Any unique text. The same key with the same body within 24 hours gets the first answer again."
            yield OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description=said)
        if self.matches():
            said = "The ETag that you read."
            yield OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description=said)

    def matches(self) -> bool:
        return getattr(self.view, "action", "") in getattr(self.view, "matched", ())

    def get_request_serializer(self) -> Any:
        return self.table("bodies")

    def get_response_serializers(self) -> Any:
        answer: Answer = self.table("answers")
        if answer.status == 204:
            return {204: None}
        said = answer.serializer(many=True) if answer.many else answer.serializer  # type: ignore[call-arg]
        return dict.fromkeys((answer.status, *answer.also), said)

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
            said = OpenApiResponse(ProblemSerializer, ERROR_DESCRIPTIONS[status])
            bodies[str(status)] = self._get_response_for_code(said, str(status), [PROBLEM_MEDIA_TYPE], direction)  # type: ignore[no-untyped-call]
        return bodies

    def errors(self) -> list[int]:
        """What follows from the declarations, and what the action says of itself in refusals."""
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
        said = self.table("refusals") or frozenset()
        return [status for status, may in happen.items() if may or status in said]
