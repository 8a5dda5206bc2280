"""Views of service accounts and their API tokens."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.core.policy import Permission
from governance.identity.models import ApiToken
from governance.identity.people import api_tokens
from governance.identity.people.forms import ServiceAccountForm, TokenForm
from governance.identity.people.secret_display import SECRET_LIFETIME, keep_secret, read_secret
from governance.identity.queries import visible_tokens
from governance.identity.web import get_request_actor, permission_required


@permission_required(Permission.TOKEN_VIEW)
@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    found = list(visible_tokens(get_request_actor(request), now)[:500])
    lines = [(token, api_tokens.is_token_active(token, now)) for token in found]
    return render(request, "identity/tokens.html", {"lines": lines})


@permission_required(Permission.TOKEN_MANAGE)
@require_http_methods(["GET", "POST"])
def new_service_account(request: HttpRequest) -> HttpResponse:
    form = ServiceAccountForm(request.POST or None)
    if form.is_valid():
        try:
            made = api_tokens.create_service_account(
                actor=get_request_actor(request), now=timezone.now(), **form.cleaned_data
            )
        except ValidationError as error:
            form.add_error(None, ValidationError(error.messages))
        else:
            messages.success(request, f"{made} was created. Next, give it a grant, then a token.")
            return redirect("person", pk=made.pk)
    return render(request, "identity/service_new.html", {"form": form})


@permission_required(Permission.TOKEN_MANAGE)
@require_http_methods(["GET", "POST"])
def new_token(request: HttpRequest) -> HttpResponse:
    form, now = TokenForm(request.POST or None, initial=request.GET.dict()), timezone.now()
    if form.is_valid():
        given = form.cleaned_data
        cut = api_tokens.TokenLimits(
            given["permissions"], given["scopes"], now + form.get_lifetime(), given["networks"]
        )
        try:
            token, text = api_tokens.create_token(
                actor=get_request_actor(request), service=given["service"], name=given["name"], cut=cut, now=now
            )
        except api_tokens.TokenRefusedError as error:
            form.add_error(None, str(error))
        else:
            return redirect_to_token(request, token, text)
    return render(request, "identity/token_new.html", {"form": form})


@permission_required(Permission.TOKEN_MANAGE)
@require_POST
def rotate_token_view(request: HttpRequest, pk: int) -> HttpResponse:
    actor, now = get_request_actor(request), timezone.now()
    token = get_object_or_404(visible_tokens(actor, now), pk=pk)
    # The new token gets the lifetime of the old one; the difference is zero for a token that ended as it was made.
    lasts = min(token.expires_at - token.created_at, api_tokens.MAX_TOKEN_LIFETIME) or timedelta(days=1)
    try:
        new, text = api_tokens.rotate_token(actor=actor, token=token, lasts=lasts, now=now)
    except api_tokens.TokenRefusedError as error:
        messages.error(request, str(error))
        return redirect("tokens")
    return redirect_to_token(request, new, text)


def redirect_to_token(request: HttpRequest, token: ApiToken, text: str) -> HttpResponse:
    keep_secret(request, f"token:{token.pk}", text)
    return redirect("token-shown", pk=token.pk)


@permission_required(Permission.TOKEN_MANAGE)
@require_safe
def show_issued_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a new token's text, for a few minutes, to the person who made it; afterwards only that it exists."""
    token = get_object_or_404(visible_tokens(get_request_actor(request), timezone.now()), pk=pk)
    shown = {"token": token, "text": read_secret(request, f"token:{pk}"), "minutes": SECRET_LIFETIME.seconds // 60}
    return render(request, "identity/token_shown.html", shown)


@permission_required(Permission.TOKEN_MANAGE)
@require_POST
def revoke_token_view(request: HttpRequest, pk: int) -> HttpResponse:
    actor, now = get_request_actor(request), timezone.now()
    token = get_object_or_404(visible_tokens(actor, now), pk=pk)
    api_tokens.revoke_token(actor=actor, token=token, now=now)
    messages.success(request, f"{token} is revoked.")
    return redirect("tokens")
