"""Views of the user's own Grants: the list, lending an approver's Grant, ending a lent one."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.core.policy import Permission
from governance.identity.grants import queries
from governance.identity.grants.delegation import LENDABLE_ROLES, delegate_grant
from governance.identity.grants.forms import DelegateForm
from governance.identity.grants.grant_views import attempt_grant_change
from governance.identity.grants.services import revoke_grant
from governance.identity.models import Grant
from governance.identity.web import get_request_actor, own_resource, permission_required


@own_resource
@require_safe
def my_grants(request: HttpRequest) -> HttpResponse:
    grants = Grant.objects.select_related("user", "granted_by", "delegated_from__user").order_by("-id")
    shown = {
        "lines": queries.build_grant_lines(grants.filter(user=request.user.pk)),
        "lent": queries.build_grant_lines(grants.filter(delegated_from__user=request.user.pk)),
        "lendable": LENDABLE_ROLES,
    }
    return render(request, "identity/my_grants.html", shown)


@permission_required(Permission.GRANT_DELEGATE)
@require_http_methods(["GET", "POST"])
def delegate_grant_view(request: HttpRequest, pk: int) -> HttpResponse:
    grant = get_object_or_404(Grant.objects.select_related("user", "delegated_from"), pk=pk, user=request.user.pk)
    form = DelegateForm(request.POST or None)
    if form.is_valid():
        actor, given = get_request_actor(request), form.cleaned_data
        if lent := attempt_grant_change(form, lambda: delegate_grant(actor=actor, grant=grant, **given)):
            role = lent.role.replace("_", " ")
            messages.success(
                request, f"Grant lent: {lent.user} is also {role} until {lent.ends_at:%Y-%m-%d %H:%M} UTC."
            )
            return redirect("my-grants")
    return render(request, "identity/delegate.html", {"form": form, "line": queries.build_grant_lines([grant])[0]})


@own_resource
@require_POST
def end_delegation(request: HttpRequest, pk: int) -> HttpResponse:
    """End a lent Grant: the lender and the borrower can do it."""
    mine = Q(user=request.user.pk) | Q(delegated_from__user=request.user.pk)
    lent = Grant.objects.select_related("user", "delegated_from").filter(mine, delegated_from__isnull=False)
    grant, form = get_object_or_404(lent, pk=pk), DelegateForm({})
    if attempt_grant_change(form, lambda: revoke_grant(actor=get_request_actor(request), grant=grant)):
        messages.success(request, "The lent grant has ended.")
    else:
        messages.error(request, " ".join(map(str, form.non_field_errors())))
    return redirect("my-grants")
