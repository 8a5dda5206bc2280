"""Asks for a fresh second factor where a service needs one, and keeps the input:

1. a POST reaches a service, which raises StepUpRequiredError;
2. the answer is a page that holds all posted values and asks for a code or a passkey;
3. that page posts to the same URL; the middleware checks the factor and records the proof in the session;
4. the view runs as for the first POST, and the service finds the factor fresh.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from governance.identity.factors import second_factors
from governance.identity.factors.forms import SingleUseCodeForm, build_code_field
from governance.identity.factors.step_up import StepUpRequiredError
from governance.identity.models import User
from governance.identity.web import own_resource

FORM_PREFIX = "step-up"
CODE_FIELD, CREDENTIAL_FIELD = f"{FORM_PREFIX}-code", f"{FORM_PREFIX}-credential"
STEP_UP_FIELDS = frozenset({CODE_FIELD, CREDENTIAL_FIELD, "csrfmiddlewaretoken"})


class StepUpCodeForm(SingleUseCodeForm, ReauthenticateForm):
    code = build_code_field("Code from your app")
    kinds = second_factors.STRONG_FACTORS


class RecoveryCodeForm(StepUpCodeForm):
    """For changes of a person's own factors, the only place where a recovery code counts: the app may be lost."""

    code = build_code_field("Code from your app, or a recovery code")
    kinds = second_factors.ANY_FACTOR


class StepUpPasskeyForm(AuthenticateWebAuthnForm):
    reauthenticated = True


class StepUpMiddleware:
    """Middleware: checks a factor that was posted, and answers StepUpRequiredError with the page that asks for one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        if request.method != "POST" or not request.user.is_authenticated or is_step_up_page(request):
            return None
        form = read_posted_factor(request, StepUpCodeForm)
        if form is None or form.is_valid():
            record_proof(form)
            return None
        return ask_for_factor(request, form)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, StepUpRequiredError):
            return None
        if request.method == "POST":
            return ask_for_factor(request)
        # A GET has no input to keep: the page at /step-up/ asks, then sends the person back.
        return redirect(f"{reverse('step-up')}?{urlencode({'next': request.get_full_path()})}")


@own_resource
def show_step_up(request: HttpRequest) -> HttpResponseBase:
    """/step-up/?next=…: for pages that only read, and for a person's own factors."""
    after = str(request.POST.get("next") or request.GET.get("next") or "/")
    # The address comes from the URL: a link from elsewhere must not lead to a foreign site after the sign-in.
    if not url_has_allowed_host_and_scheme(after, {request.get_host()}, require_https=request.is_secure()):
        after = "/"
    code_form = RecoveryCodeForm if after.startswith(reverse("mfa_index")) else StepUpCodeForm
    form = read_posted_factor(request, code_form) if request.method == "POST" else None
    if form is not None and form.is_valid():
        record_proof(form)
        return redirect(after)
    return ask_for_factor(request, form, fields=[("next", after)], code_form=code_form)


def is_step_up_page(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.url_name == "step-up"


def read_posted_factor(request: HttpRequest, code_form: type[StepUpCodeForm]) -> Form | None:
    """The form that the posted factor belongs to; None if no factor was posted."""
    if request.POST.get(CREDENTIAL_FIELD):
        return cast(Form, StepUpPasskeyForm(user=request.user, data=request.POST, prefix=FORM_PREFIX))
    if CODE_FIELD in request.POST:
        return code_form(user=request.user, data=request.POST, prefix=FORM_PREFIX)
    return None


def record_proof(form: Any) -> None:
    """Record in the session that a second factor was just verified."""
    if form is not None:
        form.save()


def ask_for_factor(
    request: HttpRequest,
    form: Form | None = None,
    *,
    fields: list[tuple[str, str]] | None = None,
    code_form: type[StepUpCodeForm] = StepUpCodeForm,
) -> HttpResponse:
    """The page, with the posted values in hidden fields. It says so if there were files, which can't be kept there."""
    kinds = set(Authenticator.objects.filter(user=cast(User, request.user)).values_list("type", flat=True))
    shown = {
        "fields": list_posted_values(request) if fields is None else fields,
        "files": bool(request.FILES),
        "code_form": form if isinstance(form, StepUpCodeForm) else code_form(user=request.user, prefix=FORM_PREFIX),
        "has_app": second_factors.FactorKind.TOTP in kinds or code_form is RecoveryCodeForm,
        "errors": [] if form is None or isinstance(form, StepUpCodeForm) else form.errors.get("credential", []),
        "credential_name": CREDENTIAL_FIELD,
        "js_data": {"request_options": begin_authentication(request.user)}
        if second_factors.FactorKind.WEBAUTHN in kinds
        else None,
    }
    htmx = bool(request.headers.get("HX-Request"))  # htmx doesn't show the body of a 403
    plain = fields is not None and form is None
    response = render(request, "identity/step_up.html", shown, status=200 if plain or htmx else 403)
    if htmx:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "body", "innerHTML"
    return response


def list_posted_values(request: HttpRequest) -> list[tuple[str, str]]:
    """Every posted value, in order, including several of one name. The factor and the CSRF token are left out."""
    return [
        (name, str(value)) for name, values in request.POST.lists() if name not in STEP_UP_FIELDS for value in values
    ]
