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

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_CODES = {
    400: "invalid",
    401: "not-signed-in",
    403: "not-permitted",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    412: "stale",
    413: "too-large",
    415: "unsupported-media-type",
    422: "key-reused",
    428: "precondition-required",
    429: "too-many-requests",
    500: "internal",
}
NOT_FOUND_MESSAGE = "There is no such thing here, or you may not see it. Mind the slash at the end of the address."
NOT_PERMITTED_MESSAGE = "Your grants don't allow this. Ask a security admin for one that does."
INVALID_MESSAGE = "The request was not understood; errors says which parts and why."


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
EXPECTED_ERRORS = (
    rest.APIException,
    Http404,
    django.PermissionDenied,
    NotPermittedError,
    django.BadRequest,
    django.ValidationError,
    django.RequestDataTooBig,
    LostRaceError,
    IllegalMoveError,
    StepUpRequiredError,
)


@dataclass(frozen=True, slots=True)
class ProblemDetails:
    """errors: (field, message) of a request that was not understood."""

    status: int
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = ""  # where the status alone doesn't say what to do

    def document(self, instance: str = "") -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"urn:tutela:problem:{self.kind or PROBLEM_CODES.get(self.status, 'refused')}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if instance:
            body["instance"] = instance
        if self.errors:
            body["errors"] = [{"field": name, "detail": said} for name, said in self.errors]
        return body


def handle_api_exception(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """The framework's exception handler. None: not a refusal, so Django reports it and answers 500."""
    said = convert_to_problem(error)
    return None if said is None else respond_with_problem(context["request"], said)


def respond_with_problem(request: HttpRequest | Request, said: ProblemDetails) -> JsonResponse:
    document = said.document(instance=request.path)
    return JsonResponse(document, status=said.status, headers=said.headers, content_type=PROBLEM_MEDIA_TYPE)


def convert_to_problem(error: BaseException) -> ProblemDetails | None:
    match error:
        case rest.ValidationError():
            return ProblemDetails(400, INVALID_MESSAGE, tuple(flatten_errors(error.detail)))
        case rest.APIException():
            return ProblemDetails(error.status_code, str(error.detail), headers=read_error_headers(error))
        case Http404():
            return ProblemDetails(404, NOT_FOUND_MESSAGE)
        case StepUpRequiredError():
            return ProblemDetails(403, str(error), kind="step-up-required")
        case NotPermittedError():
            return ProblemDetails(403, str(error) or NOT_PERMITTED_MESSAGE)
        case django.PermissionDenied():
            return ProblemDetails(403, NOT_PERMITTED_MESSAGE)
        case django.RequestDataTooBig():
            return ProblemDetails(413, TooLargeError.default_detail)
        case django.ValidationError():
            return ProblemDetails(400, INVALID_MESSAGE, tuple(("", message) for message in error.messages))
        case django.BadRequest():
            return ProblemDetails(400, str(error))
        case LostRaceError() | IllegalMoveError():
            return ProblemDetails(409, str(error))
    return None


def read_error_headers(error: rest.APIException) -> dict[str, str]:
    """What the framework left on the error for its answer: how to sign in, when to come back."""
    found: dict[str, str] = {}
    if header := getattr(error, "auth_header", None):
        found["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        found["Retry-After"] = str(math.ceil(wait))
    return found


def flatten_errors(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(field, message) pairs; a field inside a list or an object has a dotted path (accounts.0)."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from flatten_errors(inner, ".".join(filter(None, (path, own))))
    elif isinstance(detail, list):
        for inner in detail:
            yield from flatten_errors(inner, path)
    else:
        yield path, str(detail)


@contextmanager
def translate_service_error(kind: type[Exception], *, as_: type[rest.APIException], about: str = "") -> Iterator[None]:
    """A service's own error as an answer: its message, under the status of as_. about: the field, for a 400."""
    try:
        yield
    except kind as error:
        raise as_({about: [str(error)]} if as_ is rest.ValidationError else str(error)) from error
