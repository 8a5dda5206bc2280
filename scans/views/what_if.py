"""The what-if page of a finding: its fix, simulated on stored evidence."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import Account
from governance.core.policy import Permission
from governance.identity.web import permission_required
from scans import registry
from scans.queries import fix_preview
from scans.queries.extent import extent_of
from scans.queries.findings import visible_findings
from scans.timemachine.what_if import SimulationError
from scans.views.shared import accounts_for


@require_safe
@permission_required(Permission.FINDING_VIEW)
def what_if(request: HttpRequest, pk: int) -> HttpResponse:
    rows = visible_findings(accounts_for(request, Permission.FINDING_VIEW)).select_related("account__organization")
    found = get_object_or_404(rows, pk=pk)
    read = extent_of(Account.objects.filter(pk=found.account_id))
    context: dict[str, Any] = {"finding": found, "loaded": registry.controls().get(found.control), "read": read}
    try:
        context["simulation"] = fix_preview.simulate_finding_fix(found)
    except SimulationError as error:
        context["why_not"] = str(error)
    return render(request, "scans/what_if.html", context)
