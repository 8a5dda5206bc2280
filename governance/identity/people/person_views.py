"""Views of people: the list, one person, and the acts of a security admin."""

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
from governance.identity.people.secret_display import SECRET_LIFETIME, keep_secret, read_secret
from governance.identity.queries import build_actor, list_factors, list_identities, visible_people
from governance.identity.web import get_request_actor, permission_required


def person_or_404(request: HttpRequest, pk: int) -> User:
    return get_object_or_404(visible_people(get_request_actor(request), timezone.now()), pk=pk)


@permission_required(Permission.USER_VIEW)
@require_safe
def people_list(request: HttpRequest) -> HttpResponse:
    found = visible_people(get_request_actor(request), timezone.now())
    wanted = request.GET.get("q", "").replace("\x00", "").strip()
    if wanted:
        found = found.filter(username__icontains=wanted)
    return render(request, "identity/people.html", {"people": found.order_by("username")[:500], "q": wanted})


@permission_required(Permission.USER_VIEW)
@require_safe
def show_person(request: HttpRequest, pk: int) -> HttpResponse:
    found = person_or_404(request, pk)
    shown = {
        "person": found,
        "actor": build_actor(found),
        "factors": list_factors(found),
        "sessions": sessions.list_live_sessions(found),
        "identities": list_identities(found),
        "single_sign_on": bool(settings.SOCIALACCOUNT_PROVIDERS),
        "oneself": found.pk == request.user.pk,
    }
    return render(request, "identity/person.html", shown)


@permission_required(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def invite_person_view(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if form.is_valid():
        try:
            user, token = administration.invite_person(
                actor=get_request_actor(request), now=timezone.now(), **form.cleaned_data
            )
        except ValidationError as error:
            form.add_error(None, ValidationError(error.messages))
        else:
            return redirect_to_link(request, user, "welcome-open", token)
    return render(request, "identity/invite.html", {"form": form})


@permission_required(Permission.USER_MANAGE)
@require_POST
def new_welcome_link(request: HttpRequest, pk: int) -> HttpResponse:
    return issue_link_for_person(request, pk, one_time_links.LinkPurpose.WELCOME, "welcome-open")


@permission_required(Permission.USER_MANAGE)
@require_POST
def new_connect_link(request: HttpRequest, pk: int) -> HttpResponse:
    return issue_link_for_person(request, pk, one_time_links.LinkPurpose.CONNECT, "connect-open")


def issue_link_for_person(
    request: HttpRequest, pk: int, purpose: one_time_links.LinkPurpose, name: str
) -> HttpResponse:
    actor, now = get_request_actor(request), timezone.now()
    return act_and_show_link(
        request, pk, lambda user: administration.reissue_link(actor=actor, user=user, purpose=purpose, now=now), name
    )


@permission_required(Permission.USER_MANAGE)
@require_POST
def disconnect_identities_view(request: HttpRequest, pk: int) -> HttpResponse:
    user = person_or_404(request, pk)
    administration.disconnect_identities(actor=get_request_actor(request), user=user, now=timezone.now())
    messages.success(request, f"Single sign-on of {user} is disconnected.")
    return redirect("person", pk=pk)


@permission_required(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def change_email_view(request: HttpRequest, pk: int) -> HttpResponse:
    user = person_or_404(request, pk)
    form = MailAddressForm(request.POST or None, initial={"email": user.email})
    if form.is_valid():
        try:
            administration.change_email(
                actor=get_request_actor(request), user=user, now=timezone.now(), **form.cleaned_data
            )
        except ValidationError as error:
            form.add_error("email", ValidationError(error.messages))
        except administration.SelfAdministrationError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"The email address of {user} is now {user.email}. A notice was sent.")
            return redirect("person", pk=pk)
    return render(request, "identity/mail_address.html", {"form": form, "person": user})


@permission_required(Permission.USER_RESET_FACTOR)
@require_POST
def reset_access_view(request: HttpRequest, pk: int) -> HttpResponse:
    return act_and_show_link(
        request,
        pk,
        lambda user: administration.reset_access(actor=get_request_actor(request), user=user, now=timezone.now()),
    )


@permission_required(Permission.USER_MANAGE)
@require_POST
def set_person_active_view(request: HttpRequest, pk: int) -> HttpResponse:
    user, active = person_or_404(request, pk), request.POST.get("active") == "1"
    try:
        administration.set_person_active(actor=get_request_actor(request), user=user, active=active, now=timezone.now())
    except administration.SelfAdministrationError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{user} is {'enabled' if active else 'disabled; sessions and tokens have ended'}.")
    return redirect("person", pk=pk)


@permission_required(Permission.SESSION_END)
@require_POST
def end_person_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    user = person_or_404(request, pk)
    ended = administration.end_all_sessions(actor=get_request_actor(request), user=user, now=timezone.now())
    messages.success(request, f"{ended} of {user}'s sessions have ended.")
    return redirect("person", pk=pk)


def act_and_show_link(
    request: HttpRequest, pk: int, act: Callable[[User], str], name: str = "welcome-open"
) -> HttpResponse:
    user = person_or_404(request, pk)
    try:
        token = act(user)
    except administration.SelfAdministrationError as error:
        messages.error(request, str(error))
        return redirect("person", pk=pk)
    return redirect_to_link(request, user, name, token)


def redirect_to_link(request: HttpRequest, user: User, name: str, token: str) -> HttpResponse:
    keep_secret(request, f"link:{user.pk}", request.build_absolute_uri(reverse(name, args=[token])))
    return redirect("person-link-shown", pk=user.pk)


@permission_required(Permission.USER_VIEW)
@require_safe
def show_issued_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a new link, for a few minutes, to the person who made it. The portal stores only its digest."""
    shown = {
        "person": person_or_404(request, pk),
        "url": read_secret(request, f"link:{pk}"),
        "hours": one_time_links.LINK_LIFETIME.days * 24,
        "minutes": SECRET_LIFETIME.seconds // 60,
    }
    return render(request, "identity/link_shown.html", shown)
