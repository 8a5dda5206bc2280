"""Frameworks and the source document's statements: what holds where."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.core.policy import Permission
from governance.identity.web import permission
from scans.insight.frameworks import Framework
from scans.queries import frameworks as queries
from scans.queries.extent import extent_of
from scans.views.shared import accounts_for


@require_safe
@permission(Permission.CONTROL_VIEW)
def frameworks(request: HttpRequest) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    return render(request, "scans/frameworks.html", {"rollups": queries.all_of(visible), "read": extent_of(visible)})


@require_safe
@permission(Permission.CONTROL_VIEW)
def framework(request: HttpRequest, id: str) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    context = {"rollup": queries.one_of(the(id), visible), "read": extent_of(visible)}
    return render(request, "scans/framework.html", context)


@require_safe
@permission(Permission.CONTROL_VIEW)
def requirement(request: HttpRequest, id: str, requirement: str) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    found = the(id)
    wanted = found.requirement(requirement)
    if wanted is None:
        raise Http404(f"{found.name} has no requirement {requirement} that a control enforces.")
    places, more = queries.places_of(wanted, visible)
    context = {
        "framework": found, "line": queries.line_of(wanted, visible), "places": places, "more": more,
        "read": extent_of(visible, controls=wanted.control_ids),
    }  # fmt: skip
    return render(request, "scans/requirement.html", context)


def the(id: str) -> Framework:
    found = queries.known().get(id)
    if found is None:
        raise Http404(f"There is no framework {id}.")
    return found
