"""The pages of the controls."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.core.policy import Permission
from governance.identity.web import permission_required
from scans import registry
from scans.queries import cells
from scans.queries import controls as queries
from scans.queries.extent import extent_of
from scans.views.shared import accounts_for


@require_safe
@permission_required(Permission.CONTROL_VIEW)
def control_list(request: HttpRequest) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    groups = queries.build_catalog(cells.count_by_control(cells.visible_totals(visible)))
    context = {"groups": groups, "total": sum(len(g.lines) for g in groups), "read": extent_of(visible)}
    return render(request, "scans/controls.html", context)


@require_safe
@permission_required(Permission.CONTROL_VIEW)
def control_detail(request: HttpRequest, id: str) -> HttpResponse:
    loaded = registry.controls().get(id)
    if loaded is None:
        raise Http404(f"There is no control {id}.")
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    context = {
        "loaded": loaded,
        "control": loaded.control,
        "detail": queries.describe_control(loaded, visible),
        "read": extent_of(visible, controls=[id]),
    }
    return render(request, "scans/control.html", context)
