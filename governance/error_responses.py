"""Django's own refusals and failures: a page for people, a problem document under /api/."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from governance.core import pages
from governance.rest.problems import NOT_FOUND, NOT_PERMITTED, Problem, describe, respond

INTERNAL = "The portal failed. It has been logged; send the request again, and tell its operators if that doesn't help."
ASKED_WRONGLY = "The request was not understood."


def under_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not under_api(request):
        return pages.bad_request(request, exception)
    reason = str(exception) if isinstance(exception, BadRequest) else ASKED_WRONGLY
    return respond(request, describe(exception) or Problem(400, reason))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return (
        respond(request, Problem(403, NOT_PERMITTED))
        if under_api(request)
        else defaults.permission_denied(request, exception)
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return (
        respond(request, Problem(404, NOT_FOUND)) if under_api(request) else defaults.page_not_found(request, exception)
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(request, Problem(500, INTERNAL)) if under_api(request) else defaults.server_error(request)
