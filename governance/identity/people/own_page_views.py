"""Views of the user's own page, and of the welcome link with which an invited person chooses a password."""

from __future__ import annotations

from typing import cast

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from governance.identity.models import User
from governance.identity.people import administration, one_time_links, sessions
from governance.identity.people.forms import ChoosePasswordForm
from governance.identity.queries import build_actor, list_factors
from governance.identity.web import own_resource, public_view

WELCOME_KEY = "tutela.welcome"  # session key: the link's token


@own_resource
@require_safe
def show_own_page(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    shown = {
        "sessions": sessions.list_live_sessions(user),
        "here": request.session.session_key,
        "actor": build_actor(user),
        "factors": list_factors(user),
    }
    return render(request, "identity/me.html", shown)


@own_resource
@require_POST
def end_my_sessions(request: HttpRequest) -> HttpResponse:
    """End one session by its number, or all but this one."""
    user = cast(User, request.user)
    mine = UserSession.objects.filter(user=user)
    if number := request.POST.get("session", ""):
        mine = mine.filter(pk=number if number.isdecimal() else None)
    here = request.session.session_key or ""
    keys = mine.exclude(session_key=here).values_list("session_key", flat=True)
    ended = sessions.end_sessions(
        actor=administration.build_audit_actor(user), user=user, why="ended by the person", keys=keys
    )
    messages.success(request, f"{ended} {'session has' if ended == 1 else 'sessions have'} ended.")
    return redirect("me")


@public_view
@never_cache
@require_safe
def open_welcome_link(request: HttpRequest, token: str) -> HttpResponse:
    # Moved to the session at once: in the address, the token would stay visible while the password is chosen.
    request.session[WELCOME_KEY] = token
    return redirect("welcome")


@public_view
@never_cache
@sensitive_post_parameters()
def choose_password_view(request: HttpRequest) -> HttpResponseBase:
    """Choose a password. The middleware then asks for the setup of a second factor."""
    token = str(request.session.get(WELCOME_KEY, ""))
    try:
        user = one_time_links.find_link(token, one_time_links.LinkPurpose.WELCOME, timezone.now()).user
        form = ChoosePasswordForm(request.POST or None, user=user)
        if not form.is_valid():
            return render(request, "identity/welcome.html", {"form": form, "invited": user})
        user = administration.set_welcome_password(
            token=token, password=form.cleaned_data["password"], now=timezone.now()
        )
    except one_time_links.LinkRefusedError as error:
        return render(request, "identity/link_refused.html", {"why": str(error)}, status=410)
    del request.session[WELCOME_KEY]
    record_authentication(request, user, method="password")
    return cast(HttpResponseBase, perform_login(request, user))
