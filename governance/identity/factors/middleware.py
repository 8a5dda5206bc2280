"""No way in without a second factor, however somebody signed in: password, single sign-on, reset, API session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from governance.identity.factors import second_factors

# By URL name. Whatever isn't named here is behind the gate.
EXEMPT_URL_NAMES = frozenset({"sign-out", "account_logout", "healthz", "readyz", "sign-in", "account_login"})
ENROLLMENT_URL_NAMES = frozenset({"mfa_index", "mfa_activate_totp", "mfa_add_webauthn"})
PROOF_URL_NAMES = frozenset({"step-up"})


class SecondFactorMiddleware:
    """Middleware. Without a factor: enrolment and nothing else. With one that this session didn't prove: prove it."""

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
                else refuse_without_factor(request, "mfa_index", "Enrol a second factor first.")
            )
        return (
            None
            if name in PROOF_URL_NAMES
            else refuse_without_factor(request, "step-up", "This session has not proved a second factor.")
        )


def refuse_without_factor(request: HttpRequest, where: str, why: str) -> HttpResponse:
    """To the page that helps; for the API a problem that says why."""
    if request.path.startswith("/api/"):
        body = {"type": "urn:tutela:problem:second-factor-required", "title": "Forbidden", "status": 403, "detail": why}
        return JsonResponse(body, status=403, content_type="application/problem+json")
    query = urlencode({"next": request.get_full_path()}) if where == "step-up" and request.method == "GET" else ""
    return redirect(f"{reverse(where)}?{query}" if query else reverse(where))
