"""Service accounts and their API tokens."""

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
from governance.identity.people.forms import ServiceForm, TokenForm
from governance.identity.people.secret_display import LASTS, keep_secret, read_secret
from governance.identity.queries import visible_tokens
from governance.identity.web import actor_of_request, permission


@permission(Permission.TOKEN_VIEW)
@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    found = list(visible_tokens(actor_of_request(request), now)[:500])
    lines = [(token, api_tokens.holds(token, now)) for token in found]
    return render(request, "identity/tokens.html", {"lines": lines})


@permission(Permission.TOKEN_MANAGE)
@require_http_methods(["GET", "POST"])
def new_service(request: HttpRequest) -> HttpResponse:
    form = ServiceForm(request.POST or None)
    if form.is_valid():
        try:
            made = api_tokens.create_service(actor=actor_of_request(request), now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, ValidationError(error.messages))
        else:
            messages.success(request, f"{made} exists. Give it a Grant, then a token.")
            return redirect("person", pk=made.pk)
    return render(request, "identity/service_new.html", {"form": form})


@permission(Permission.TOKEN_MANAGE)
@require_http_methods(["GET", "POST"])
def new_token(request: HttpRequest) -> HttpResponse:
    form, now = TokenForm(request.POST or None, initial=request.GET.dict()), timezone.now()
    if form.is_valid():
        given = form.cleaned_data
        cut = api_tokens.Cut(given["permissions"], given["scopes"], now + form.lasts(), given["networks"])
        try:
            token, text = api_tokens.create_token(
                actor=actor_of_request(request), service=given["service"], name=given["name"], cut=cut, now=now
            )
        except api_tokens.TokenRefusedError as error:
            form.add_error(None, str(error))
        else:
            return show_token(request, token, text)
    return render(request, "identity/token_new.html", {"form": form})


@permission(Permission.TOKEN_MANAGE)
@require_POST
def rotate_token(request: HttpRequest, pk: int) -> HttpResponse:
    actor, now = actor_of_request(request), timezone.now()
    token = get_object_or_404(visible_tokens(actor, now), pk=pk)
    lasts = min(token.expires_at - token.created_at, api_tokens.LONGEST) or timedelta(days=1)
    try:
        new, text = api_tokens.rotate(actor=actor, token=token, lasts=lasts, now=now)
    except api_tokens.TokenRefusedError as error:
        messages.error(request, str(error))
        return redirect("tokens")
    return show_token(request, new, text)


def show_token(request: HttpRequest, token: ApiToken, text: str) -> HttpResponse:
    keep_secret(request, f"token:{token.pk}", text)
    return redirect("token-shown", pk=token.pk)


@permission(Permission.TOKEN_MANAGE)
@require_safe
def token_shown(request: HttpRequest, pk: int) -> HttpResponse:
    """A new token's text, for a few minutes and for the person who made it; then only that it exists."""
    token = get_object_or_404(visible_tokens(actor_of_request(request), timezone.now()), pk=pk)
    shown = {"token": token, "text": read_secret(request, f"token:{pk}"), "minutes": LASTS.seconds // 60}
    return render(request, "identity/token_shown.html", shown)


@permission(Permission.TOKEN_MANAGE)
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    actor, now = actor_of_request(request), timezone.now()
    token = get_object_or_404(visible_tokens(actor, now), pk=pk)
    api_tokens.revoke(actor=actor, token=token, now=now)
    messages.success(request, f"{token} is revoked; it stopped working.")
    return redirect("tokens")
