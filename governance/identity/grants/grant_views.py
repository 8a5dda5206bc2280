"""Views of Grants: the list, a new Grant, one Grant."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.core import audit
from governance.core.list_filters import parse_filter
from governance.core.pages import read_cursor, write_cursor
from governance.core.policy import NotPermittedError, Permission, Role
from governance.identity.grants import queries
from governance.identity.grants.forms import ExtendForm, GrantForm, RevokeForm
from governance.identity.grants.scopes import get_scope_inventory
from governance.identity.grants.services import GrantError, extend_grant, grant_role, revoke_grant, visible_grants
from governance.identity.models import Grant, User
from governance.identity.web import get_request_actor, permission_required


@permission_required(Permission.GRANT_VIEW)
@require_safe
def grant_list(request: HttpRequest) -> HttpResponse:
    wanted = parse_filter(queries.GrantFilter, request.GET.dict())
    rows = wanted.rows(visible_grants(get_request_actor(request)))
    below = read_cursor(request.GET.get("page", ""), wanted.given())
    page = queries.paginate_grants(rows, below)
    following = write_cursor(page.last, wanted.given()) if page.last is not None else ""
    shown = {
        "lines": page.lines,
        "wanted": wanted,
        "roles": list(Role),
        "holding": queries.HOLDING_CHOICES,
        "page": {"next": following, "first": below is None},
    }
    return render(request, "identity/grants.html", shown)


@permission_required(Permission.GRANT_MANAGE)
@require_http_methods(["GET", "POST"])
def new_grant(request: HttpRequest) -> HttpResponse:
    form = GrantForm(request.POST or None, initial=request.GET.dict())
    if form.is_valid() and (
        grant := attempt_grant_change(form, lambda: grant_role(actor=get_request_actor(request), **form.asked()))
    ):
        messages.success(request, f"Grant created: {grant.user} is now {grant.role.replace('_', ' ')}.")
        return redirect("grant", pk=grant.pk)
    places = get_scope_inventory().units(get_request_actor(request), Permission.GRANT_MANAGE)
    people = User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True)[:500]
    shown = {"form": form, "places": [(f"{kind} {id}", name.strip()) for (kind, id), name in places], "people": people}
    return render(request, "identity/grant_new.html", shown)


@permission_required(Permission.GRANT_VIEW)
@require_safe
def show_grant(request: HttpRequest, pk: int) -> HttpResponse:
    return render_grant(request, grant_or_404(request, pk, Permission.GRANT_VIEW))


@permission_required(Permission.GRANT_MANAGE)
@require_POST
def extend_grant_view(request: HttpRequest, pk: int) -> HttpResponse:
    grant, form = grant_or_404(request, pk, Permission.GRANT_MANAGE), ExtendForm(request.POST)
    if form.is_valid() and attempt_grant_change(
        form, lambda: extend_grant(actor=get_request_actor(request), grant=grant, **form.cleaned_data)
    ):
        messages.success(request, "End date saved.")
        return redirect("grant", pk=pk)
    return render_grant(request, grant, extend_form=form)


@permission_required(Permission.GRANT_MANAGE)
@require_POST
def revoke_grant_view(request: HttpRequest, pk: int) -> HttpResponse:
    grant, form = grant_or_404(request, pk, Permission.GRANT_MANAGE), RevokeForm(request.POST)
    if form.is_valid() and attempt_grant_change(
        form, lambda: revoke_grant(actor=get_request_actor(request), grant=grant, **form.cleaned_data)
    ):
        messages.success(request, f"Grant revoked: {grant.user} is no longer {grant.role.replace('_', ' ')}.")
        return redirect("grant", pk=pk)
    return render_grant(request, grant, revoke_form=form)


def attempt_grant_change(form: forms.Form, act: Callable[[], Grant]) -> Grant | None:
    """The Grant that the act returns; None if it was refused, with the reason in the form. Not permitted: 403."""
    try:
        return act()
    except GrantError as error:
        form.add_error(None, str(error))
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    return None


def grant_or_404(request: HttpRequest, pk: int, wanted: Permission) -> Grant:
    return get_object_or_404(visible_grants(get_request_actor(request), wanted), pk=pk)


def render_grant(request: HttpRequest, grant: Grant, **bound: forms.Form) -> HttpResponse:
    shown = {
        "line": queries.build_grant_lines([grant])[0],
        "lent": queries.build_grant_lines(grant.delegations.select_related("user")),
        "history": audit.history(f"user:{grant.user_id}").filter(action__startswith="grant.", body__grant=grant.pk)[
            :50
        ],
        "own": grant.user_id == request.user.pk,
        "extend_form": ExtendForm(),
        "revoke_form": RevokeForm(),
        **bound,
    }
    return render(request, "identity/grant.html", shown)
