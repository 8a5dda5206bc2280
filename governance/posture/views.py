"""The view of the posture page: the roll-up over every account that the reader can see."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required
from governance.posture import verdict_bar
from governance.posture.queries import load_posture
from scans.queries import unit_choices
from scans.queries.unit_tree import NO_OU


@require_safe
@permission_required(Permission.ACCOUNT_VIEW)
def posture(request: HttpRequest) -> HttpResponse:
    visible = visible_accounts(get_request_actor(request))
    ou = request.GET.get("ou", "")
    above = unit_choices.list_units_above(visible, ou)
    if ou not in {"", NO_OU} and not above:
        raise Http404(f"There is no OU {ou} that you can see.")
    found = load_posture(visible, ou)
    bands = verdict_bar.build_segments(found.total, found.bands.excepted, found.bands.requested)
    context = {"posture": found, "bar": bands, "ou": ou, "above": above}
    return render(request, "posture/posture.html", context)
