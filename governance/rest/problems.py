"""Errors as problem details (RFC 9457): one shape for everything that goes wrong under /api/."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core import exceptions as django
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions as rest
from rest_framework.request import Request

from governance.core.policy import NotPermittedError
from governance.core.states import IllegalMoveError
from governance.core.transitions import LostRaceError
from governance.identity.factors.step_up import StepUpRequiredError

MEDIA_TYPE = "application/problem+json"
CODES = {
    400: "invalid", 401: "not-signed-in", 403: "not-permitted", 404: "not-found", 405: "method-not-allowed",
    406: "not-acceptable", 409: "conflict", 412: "stale", 413: "too-large", 415: "unsupported-media-type",
    422: "key-reused", 428: "precondition-required", 429: "too-many-requests", 500: "internal",
}  # fmt: skip
NOT_FOUND = "There is no such thing here, or you may not see it. Mind the slash at the end of the address."
NOT_PERMITTED = "Your grants don't allow this. Ask a security admin for one that does."
INVALID = "The request was not understood; errors says which parts and why."


class ConflictError(rest.APIException):
    """The thing's state doesn't allow this now."""

    status_code = 409
    default_detail = "Its state doesn't allow this now; read it again."


class StaleError(rest.APIException):
    status_code = 412
    default_detail = "It has changed since you read it. Read it again, look at what changed, then repeat."


class TooLargeError(rest.APIException):
    status_code = 413
    default_detail = "The request's body is too large."


class KeyReusedError(rest.APIException):
    status_code = 422
    default_detail = "This Idempotency-Key was used for another request. Use a new key for a new request."


class PreconditionRequiredError(rest.APIException):
    status_code = 428
    default_detail = "Send If-Match with the ETag that you read."


class TooSoonError(rest.APIException):
    """wait: seconds, which become Retry-After."""

    status_code = 429

    def __init__(self, detail: str, wait: float) -> None:
        super().__init__(detail)
        self.wait = wait


# What a person's request may run into. Anything else is a defect of the portal and becomes a 500.
REFUSALS = (
    rest.APIException, Http404, django.PermissionDenied, NotPermittedError, django.BadRequest,
    django.ValidationError, django.RequestDataTooBig, LostRaceError, IllegalMoveError, StepUpRequiredError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """errors: (field, message) of a request that was not understood."""

    status: int
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = ""  # where the status alone doesn't say what to do

    def document(self, instance: str = "") -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"urn:tutela:problem:{self.kind or CODES.get(self.status, 'refused')}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if instance:
            body["instance"] = instance
        if self.errors:
            body["errors"] = [{"field": name, "detail": said} for name, said in self.errors]
        return body


def problem(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """The framework's exception handler. None: not a refusal, so Django reports it and answers 500."""
    said = describe(error)
    return None if said is None else respond(context["request"], said)


def respond(request: HttpRequest | Request, said: Problem) -> JsonResponse:
    document = said.document(instance=request.path)
    return JsonResponse(document, status=said.status, headers=said.headers, content_type=MEDIA_TYPE)


def describe(error: BaseException) -> Problem | None:
    match error:
        case rest.ValidationError():
            return Problem(400, INVALID, tuple(flat(error.detail)))
        case rest.APIException():
            return Problem(error.status_code, str(error.detail), headers=headers_of(error))
        case Http404():
            return Problem(404, NOT_FOUND)
        case StepUpRequiredError():
            return Problem(403, str(error), kind="step-up-required")
        case NotPermittedError():
            return Problem(403, str(error) or NOT_PERMITTED)
        case django.PermissionDenied():
            return Problem(403, NOT_PERMITTED)
        case django.RequestDataTooBig():
            return Problem(413, TooLargeError.default_detail)
        case django.ValidationError():
            return Problem(400, INVALID, tuple(("", message) for message in error.messages))
        case django.BadRequest():
            return Problem(400, str(error))
        case LostRaceError() | IllegalMoveError():
            return Problem(409, str(error))
    return None


def headers_of(error: rest.APIException) -> dict[str, str]:
    """What the framework left on the error for its answer: how to sign in, when to come back."""
    found: dict[str, str] = {}
    if header := getattr(error, "auth_header", None):
        found["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        found["Retry-After"] = str(math.ceil(wait))
    return found


def flat(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(field, message) pairs; a field inside a list or an object has a dotted path (accounts.0)."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from flat(inner, ".".join(filter(None, (path, own))))
    elif isinstance(detail, list):
        for inner in detail:
            yield from flat(inner, path)
    else:
        yield path, str(detail)


@contextmanager
def refusing(kind: type[Exception], *, as_: type[rest.APIException], about: str = "") -> Iterator[None]:
    """A service's own error as an answer: its message, under the status of as_. about: the field, for a 400."""
    try:
        yield
    except kind as error:
        raise as_({about: [str(error)]} if as_ is rest.ValidationError else str(error)) from error
