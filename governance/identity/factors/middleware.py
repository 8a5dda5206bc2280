"""Requires a second factor of every session, for every way of sign-in: password, single sign-on, reset, API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from governance.identity.factors import second_factors

# By URL name. Every URL that isn't listed requires the factor, so a new view can't be forgotten.
EXEMPT_URL_NAMES = frozenset({"sign-out", "account_logout", "healthz", "readyz", "sign-in", "account_login"})
ENROLLMENT_URL_NAMES = frozenset({"mfa_index", "mfa_activate_totp", "mfa_add_webauthn"})
PROOF_URL_NAMES = frozenset({"step-up"})


class SecondFactorMiddleware:
    """Middleware for sessions that have not verified a second factor.

    1. A person without a factor can only set one up.
    2. A person with a factor must verify it first.

    A session from before the factor was added is not exempt: it must verify the factor as well.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        name = request.resolver_match.url_name if request.resolver_match else None
        if (
            not request.user.is_authenticated
            or name in EXEMPT_URL_NAMES
            or second_factors.list_factor_proofs(request, second_factors.ANY_FACTOR)
        ):
            return None
        if not second_factors.has_factor(request.user):
            return (
                None
                if name in ENROLLMENT_URL_NAMES
                else refuse_without_factor(request, "mfa_index", "Set up a second factor first.")
            )
        return (
            None
            if name in PROOF_URL_NAMES
            else refuse_without_factor(request, "step-up", "Confirm your second factor for this session.")
        )


def refuse_without_factor(request: HttpRequest, where: str, why: str) -> HttpResponse:
    """Redirect to the page that helps; under /api/, answer a problem that says why."""
    if request.path.startswith("/api/"):
        body = {"type": "urn:tutela:problem:second-factor-required", "title": "Forbidden", "status": 403, "detail": why}
        return JsonResponse(body, status=403, content_type="application/problem+json")
    query = urlencode({"next": request.get_full_path()}) if where == "step-up" and request.method == "GET" else ""
    return redirect(f"{reverse(where)}?{query}" if query else reverse(where))
