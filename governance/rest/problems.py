"""Turns errors into problem details (RFC 9457): one shape for every error under /api/."""

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
# One message for both causes: a 403 for an existing object would tell that it exists.
NOT_FOUND_MESSAGE = "It doesn't exist, or you can't see it. Check the URL, including the slash at its end."
NOT_PERMITTED_MESSAGE = "Your grants don't allow this. Ask a security admin for a grant that does."
INVALID_MESSAGE = "The request is invalid. Correct the fields in `errors`, then send it again."


class ConflictError(rest.APIException):
    """The object's state doesn't allow this now."""

    status_code = 409
    default_detail = "The object's state doesn't allow this now. Read it again."


class StaleError(rest.APIException):
    status_code = 412
    default_detail = "The object has changed since you read it. Read it again, then repeat the request."


class TooLargeError(rest.APIException):
    status_code = 413
    default_detail = "The request's body is too large. Send less in one request."


class KeyReusedError(rest.APIException):
    status_code = 422
    default_detail = "This Idempotency-Key was used for another request. Use a new key for a new request."


class PreconditionRequiredError(rest.APIException):
    status_code = 428
    default_detail = "If-Match is missing. Send it with the ETag that you read."


class TooSoonError(rest.APIException):
    """wait: the seconds for Retry-After."""

    status_code = 429

    def __init__(self, detail: str, wait: float) -> None:
        super().__init__(detail)
        self.wait = wait


# The errors that a request can run into. Any other error is a defect of the portal and becomes a 500.
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
    """errors: (field, message) of an invalid request."""

    status: int
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = ""  # replaces the status's code in `type`, if the status alone doesn't say what to do

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
            body["errors"] = [{"field": name, "detail": message} for name, message in self.errors]
        return body


def handle_api_exception(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """The framework's exception handler. None: an unexpected error, which Django logs and answers with 500."""
    problem = convert_to_problem(error)
    return None if problem is None else respond_with_problem(context["request"], problem)


def respond_with_problem(request: HttpRequest | Request, problem: ProblemDetails) -> JsonResponse:
    document = problem.document(instance=request.path)
    return JsonResponse(document, status=problem.status, headers=problem.headers, content_type=PROBLEM_MEDIA_TYPE)


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
    """The headers for which the framework left values on the error: how to sign in, when to try again."""
    found: dict[str, str] = {}
    if header := getattr(error, "auth_header", None):
        found["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        found["Retry-After"] = str(math.ceil(wait))
    return found


def flatten_errors(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(field, message) pairs. A field inside a list or an object has a dotted path, like accounts.0."""
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
    """Answer a service's error with its message, under the status of as_. about: the field, for a 400."""
    try:
        yield
    except kind as error:
        raise as_({about: [str(error)]} if as_ is rest.ValidationError else str(error)) from error
