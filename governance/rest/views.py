"""The base class of the API's views: each action declares its permission, its input and its answer.

The same declarations are enforced and documented (governance.rest.schema).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from rest_framework import serializers, viewsets
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle, ScopedRateThrottle

from governance.core.policy import Actor
from governance.rest import idempotency, paging
from governance.rest.parsing import Strict, read_query, validate_fields
from governance.rest.permission import RequiredPermission, get_api_actor


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of an action. many: a page, {items, next}. stream: also available as one JSON document per line.

    also: other statuses with the same answer.
    """

    serializer: type[serializers.BaseSerializer[Any]]
    many: bool = False
    status: int = 200
    stream: bool = False
    also: tuple[int, ...] = ()


class Api(viewsets.ViewSet):
    """Tables by the name of the action. An action that is missing in permissions or answers fails at the start.

    queries: the fields of the query, none if it is missing. bodies: the fields of the body, likewise. throttles: the
    name of a rate in REST_FRAMEWORK. matched: the actions that require If-Match. refusals: statuses that don't follow
    from the other declarations, such as 404 for an object that the query names.
    """

    permissions: ClassVar[Mapping[str, RequiredPermission]] = {}
    queries: ClassVar[Mapping[str, type[Strict]]] = {}
    bodies: ClassVar[Mapping[str, type[Strict]]] = {}
    answers: ClassVar[Mapping[str, Answer]] = {}
    throttles: ClassVar[Mapping[str, str]] = {}
    matched: ClassVar[frozenset[str]] = frozenset()
    refusals: ClassVar[Mapping[str, frozenset[int]]] = {}
    query: dict[str, Any]

    @classmethod
    def as_view(cls, actions: dict[str, str] | None = None, **initkwargs: Any) -> Any:  # type: ignore[override]
        for action in (actions or {}).values():
            if action not in cls.permissions or action not in cls.answers:
                raise ImproperlyConfigured(f"{cls.__name__} must declare {action!r} in permissions and answers")
        return super().as_view(actions, **initkwargs)  # type: ignore[arg-type]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.refuse_other_media(request)
        self.query = read_query(request, self.queries.get(self.action, Strict))
        if request.method == "POST":
            # The framework looks the handler up after this, so every POST goes through its Idempotency-Key.
            self.post = partial(self.run_with_key, getattr(self, "post", self.http_method_not_allowed))

    def refuse_other_media(self, request: Request) -> None:
        """Raises UnsupportedMediaType for a body that is not JSON."""
        # The framework alone would miss it: the CSRF check has read a form by then, and its body looks empty.
        has_body = request.headers.get("Content-Length") not in {None, "", "0"}
        if has_body and not self.get_content_negotiator().select_parser(request, self.get_parsers()):
            raise UnsupportedMediaType(request.content_type or "no Content-Type")

    def run_with_key(self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any) -> Response:
        return idempotency.run_once(request, partial(handler, request, *args, **kwargs))

    def get_throttles(self) -> list[BaseThrottle]:
        scope = self.throttles.get(self.action or "")
        if scope is None:
            return []
        self.throttle_scope = scope
        return [ScopedRateThrottle()]

    @property
    def actor(self) -> Actor:
        return get_api_actor(self.request)

    def body(self) -> dict[str, Any]:
        """The body's validated values; a missing body counts as an empty one. Raises ValidationError."""
        return validate_fields(self.bodies.get(self.action, Strict), self.request.data)

    def answer(
        self, value: Any, *, headers: Mapping[str, str] | None = None, status: int | None = None, **context: Any
    ) -> Response:
        """The answer as declared. status: one of the other declared statuses."""
        declared = self.answers[self.action]
        shown = declared.serializer(value, context=context).data
        return Response(shown, status=status or declared.status, headers=dict(headers or {}))

    def page(self, items: Iterable[Any], next: str | None = None, **context: Any) -> Response:
        declared = self.answers[self.action]
        shown = declared.serializer(list(items), many=True, context=context).data  # type: ignore[call-arg]
        return Response({"items": shown, "next": next}, status=declared.status)

    def paginate_rows(self, rows: Any, *, ascending: bool = False) -> paging.ResultPage:
        return paging.paginate_rows(self.request, self.query, rows, ascending=ascending)
