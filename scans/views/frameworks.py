"""The pages of frameworks and their requirements."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.core.policy import Permission
from governance.identity.web import permission_required
from scans.insight.frameworks import Framework
from scans.queries import frameworks as queries
from scans.queries.extent import extent_of
from scans.views.shared import accounts_for


@require_safe
@permission_required(Permission.CONTROL_VIEW)
def framework_list(request: HttpRequest) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    return render(
        request, "scans/frameworks.html", {"rollups": queries.roll_up_all(visible), "read": extent_of(visible)}
    )


@require_safe
@permission_required(Permission.CONTROL_VIEW)
def framework_detail(request: HttpRequest, id: str) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    context = {"rollup": queries.roll_up_framework(require_framework(id), visible), "read": extent_of(visible)}
    return render(request, "scans/framework.html", context)


@require_safe
@permission_required(Permission.CONTROL_VIEW)
def requirement_detail(request: HttpRequest, id: str, requirement: str) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    found = require_framework(id)
    wanted = found.requirement(requirement)
    if wanted is None:
        raise Http404(f"{found.name} has no requirement {requirement}.")
    places, more = queries.list_unmet_controls(wanted, visible)
    context = {
        "framework": found,
        "line": queries.load_requirement_line(wanted, visible),
        "places": places,
        "more": more,
        "read": extent_of(visible, controls=wanted.control_ids),
    }
    return render(request, "scans/requirement.html", context)


def require_framework(id: str) -> Framework:
    found = queries.load_frameworks().get(id)
    if found is None:
        raise Http404(f"There is no framework {id}.")
    return found
