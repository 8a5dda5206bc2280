"""People, for the security admin and the auditor."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.core.policy import Permission
from governance.identity.models import User
from governance.identity.people import administration, one_time_links, sessions
from governance.identity.people.forms import InviteForm, MailAddressForm
from governance.identity.people.secret_display import LASTS, keep_secret, read_secret
from governance.identity.queries import actor_of, factors_of, identities_of, visible_people
from governance.identity.web import actor_of_request, permission


def person_or_404(request: HttpRequest, pk: int) -> User:
    return get_object_or_404(visible_people(actor_of_request(request), timezone.now()), pk=pk)


@permission(Permission.USER_VIEW)
@require_safe
def people_list(request: HttpRequest) -> HttpResponse:
    found = visible_people(actor_of_request(request), timezone.now())
    wanted = request.GET.get("q", "").replace("\x00", "").strip()
    if wanted:
        found = found.filter(username__icontains=wanted)
    return render(request, "identity/people.html", {"people": found.order_by("username")[:500], "q": wanted})


@permission(Permission.USER_VIEW)
@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    found = person_or_404(request, pk)
    shown = {
        "person": found,
        "actor": actor_of(found),
        "factors": factors_of(found),
        "sessions": sessions.sessions_of(found),
        "identities": identities_of(found),
        "single_sign_on": bool(settings.SOCIALACCOUNT_PROVIDERS),
        "oneself": found.pk == request.user.pk,
    }
    return render(request, "identity/person.html", shown)


@permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if form.is_valid():
        try:
            user, word = administration.invite(actor=actor_of_request(request), now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, ValidationError(error.messages))
        else:
            return show_link(request, user, "welcome-open", word)
    return render(request, "identity/invite.html", {"form": form})


@permission(Permission.USER_MANAGE)
@require_POST
def new_link(request: HttpRequest, pk: int) -> HttpResponse:
    return link_for(request, pk, one_time_links.Purpose.WELCOME, "welcome-open")


@permission(Permission.USER_MANAGE)
@require_POST
def connect_link(request: HttpRequest, pk: int) -> HttpResponse:
    return link_for(request, pk, one_time_links.Purpose.CONNECT, "connect-open")


def link_for(request: HttpRequest, pk: int, purpose: one_time_links.Purpose, name: str) -> HttpResponse:
    actor, now = actor_of_request(request), timezone.now()
    return with_link(
        request, pk, lambda user: administration.new_link(actor=actor, user=user, purpose=purpose, now=now), name
    )


@permission(Permission.USER_MANAGE)
@require_POST
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    user = person_or_404(request, pk)
    administration.disconnect(actor=actor_of_request(request), user=user, now=timezone.now())
    messages.success(request, f"{user} can't come by single sign-on any more.")
    return redirect("person", pk=pk)


@permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def mail_address(request: HttpRequest, pk: int) -> HttpResponse:
    user = person_or_404(request, pk)
    form = MailAddressForm(request.POST or None, initial={"email": user.email})
    if form.is_valid():
        try:
            administration.change_email(
                actor=actor_of_request(request), user=user, now=timezone.now(), **form.cleaned_data
            )
        except ValidationError as error:
            form.add_error("email", ValidationError(error.messages))
        except administration.OneselfError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"The mail address of {user} is {user.email} now; they are told.")
            return redirect("person", pk=pk)
    return render(request, "identity/mail_address.html", {"form": form, "person": user})


@permission(Permission.USER_RESET_FACTOR)
@require_POST
def reset_factors(request: HttpRequest, pk: int) -> HttpResponse:
    return with_link(
        request,
        pk,
        lambda user: administration.reset_factors(actor=actor_of_request(request), user=user, now=timezone.now()),
    )


@permission(Permission.USER_MANAGE)
@require_POST
def set_active(request: HttpRequest, pk: int) -> HttpResponse:
    user, active = person_or_404(request, pk), request.POST.get("active") == "1"
    try:
        administration.set_active(actor=actor_of_request(request), user=user, active=active, now=timezone.now())
    except administration.OneselfError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{user} is {'enabled' if active else 'disabled; sessions and tokens have ended'}.")
    return redirect("person", pk=pk)


@permission(Permission.SESSION_END)
@require_POST
def end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    user = person_or_404(request, pk)
    ended = administration.end_all_sessions(actor=actor_of_request(request), user=user, now=timezone.now())
    messages.success(request, f"{ended} of {user}'s sessions have ended.")
    return redirect("person", pk=pk)


def with_link(request: HttpRequest, pk: int, act: Callable[[User], str], name: str = "welcome-open") -> HttpResponse:
    user = person_or_404(request, pk)
    try:
        word = act(user)
    except administration.OneselfError as error:
        messages.error(request, str(error))
        return redirect("person", pk=pk)
    return show_link(request, user, name, word)


def show_link(request: HttpRequest, user: User, name: str, word: str) -> HttpResponse:
    keep_secret(request, f"link:{user.pk}", request.build_absolute_uri(reverse(name, args=[word])))
    return redirect("person-link-shown", pk=user.pk)


@permission(Permission.USER_VIEW)
@require_safe
def link_shown(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link, for a few minutes and for the person who made it; the portal keeps none."""
    shown = {
        "person": person_or_404(request, pk), "url": read_secret(request, f"link:{pk}"),
        "hours": one_time_links.LASTS.days * 24, "minutes": LASTS.seconds // 60,
    }  # fmt: skip
    return render(request, "identity/link_shown.html", shown)
