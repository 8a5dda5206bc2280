"""Asks for the second factor again where a service wants it fresh, and loses nothing that was typed.

A POST that needs step-up is answered with a page that holds everything that was posted and asks for a code or a
passkey. That page posts to the same address: the middleware takes the factor, and the act goes on as it was meant.
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
from governance.identity.factors.forms import TakesCodeOnce, code_field
from governance.identity.factors.step_up import StepUpRequiredError
from governance.identity.models import User
from governance.identity.web import oneself

PREFIX = "step-up"
CODE, CREDENTIAL = f"{PREFIX}-code", f"{PREFIX}-credential"
OURS = frozenset({CODE, CREDENTIAL, "csrfmiddlewaretoken"})


class CodeForm(TakesCodeOnce, ReauthenticateForm):
    code = code_field("Code from your app")
    kinds = second_factors.STRONG


class RecoveryForm(CodeForm):
    """For replacing one's own factors: a recovery code will do there, and nowhere else."""

    code = code_field("Code from your app, or a recovery code")
    kinds = second_factors.ANY


class PasskeyForm(AuthenticateWebAuthnForm):
    reauthenticated = True


class StepUp:
    """Middleware: takes a factor that came with a POST, and answers StepUpRequiredError by asking for one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        if request.method != "POST" or not request.user.is_authenticated or is_page(request):
            return None
        form = posted(request, CodeForm)
        if form is None or form.is_valid():
            record(form)
            return None
        return ask(request, form)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, StepUpRequiredError):
            return None
        if request.method == "POST":
            return ask(request)
        return redirect(f"{reverse('step-up')}?{urlencode({'next': request.get_full_path()})}")


@oneself
def page(request: HttpRequest) -> HttpResponseBase:
    """/step-up/?next=…: for pages that only read, and for one's own factors."""
    after = str(request.POST.get("next") or request.GET.get("next") or "/")
    if not url_has_allowed_host_and_scheme(after, {request.get_host()}, require_https=request.is_secure()):
        after = "/"
    code_form = RecoveryForm if after.startswith(reverse("mfa_index")) else CodeForm
    form = posted(request, code_form) if request.method == "POST" else None
    if form is not None and form.is_valid():
        record(form)
        return redirect(after)
    return ask(request, form, fields=[("next", after)], code_form=code_form)


def is_page(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.url_name == "step-up"


def posted(request: HttpRequest, code_form: type[CodeForm]) -> Form | None:
    """The form that the posted factor belongs to; None if no factor was posted."""
    if request.POST.get(CREDENTIAL):
        return cast(Form, PasskeyForm(user=request.user, data=request.POST, prefix=PREFIX))
    if CODE in request.POST:
        return code_form(user=request.user, data=request.POST, prefix=PREFIX)
    return None


def record(form: Any) -> None:
    """This session has just proved a second factor."""
    if form is not None:
        form.save()


def ask(
    request: HttpRequest,
    form: Form | None = None,
    *,
    fields: list[tuple[str, str]] | None = None,
    code_form: type[CodeForm] = CodeForm,
) -> HttpResponse:
    """The page, with what was posted in hidden fields. Files can't be kept there, so it says that they must be added again."""
    kinds = set(Authenticator.objects.filter(user=cast(User, request.user)).values_list("type", flat=True))
    shown = {
        "fields": kept(request) if fields is None else fields,
        "files": bool(request.FILES),
        "code_form": form if isinstance(form, CodeForm) else code_form(user=request.user, prefix=PREFIX),
        "has_app": second_factors.Kind.TOTP in kinds or code_form is RecoveryForm,
        "errors": [] if form is None or isinstance(form, CodeForm) else form.errors.get("credential", []),
        "credential_name": CREDENTIAL,
        "js_data": {"request_options": begin_authentication(request.user)}
        if second_factors.Kind.WEBAUTHN in kinds
        else None,
    }
    htmx = bool(request.headers.get("HX-Request"))  # which shows nothing of a 403
    plain = fields is not None and form is None
    response = render(request, "identity/step_up.html", shown, status=200 if plain or htmx else 403)
    if htmx:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "body", "innerHTML"
    return response


def kept(request: HttpRequest) -> list[tuple[str, str]]:
    """Every posted value, in order, several of a name too."""
    return [(name, str(value)) for name, values in request.POST.lists() if name not in OURS for value in values]
