"""The handlers of Django's errors 400, 403, 404 and 500: a page for people, a problem document under /api/."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from governance.core import pages
from governance.rest.problems import (
    NOT_FOUND_MESSAGE,
    NOT_PERMITTED_MESSAGE,
    ProblemDetails,
    convert_to_problem,
    respond_with_problem,
)

INTERNAL_ERROR = (
    "The portal failed, and the error was logged. Send the request again; if it fails again, tell the operators."
)
BAD_REQUEST = "The request was not understood. Check its headers and its body."


def is_api_request(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_api_request(request):
        return pages.render_bad_request(request, exception)
    # Only the portal's own BadRequest has a text for people. Django's SuspiciousOperation quotes the client's input.
    reason = str(exception) if isinstance(exception, BadRequest) else BAD_REQUEST
    return respond_with_problem(request, convert_to_problem(exception) or ProblemDetails(400, reason))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return (
        respond_with_problem(request, ProblemDetails(403, NOT_PERMITTED_MESSAGE))
        if is_api_request(request)
        else defaults.permission_denied(request, exception)
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return (
        respond_with_problem(request, ProblemDetails(404, NOT_FOUND_MESSAGE))
        if is_api_request(request)
        else defaults.page_not_found(request, exception)
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return (
        respond_with_problem(request, ProblemDetails(500, INTERNAL_ERROR))
        if is_api_request(request)
        else defaults.server_error(request)
    )
