"""The view of the exception metrics."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.queries import visible_accounts
from exceptions.overview.metrics import compute_metrics
from exceptions.requests.request_filters import visible_requests
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required


@require_safe
@permission_required(Permission.EXCEPTION_VIEW)
def show_metrics(request: HttpRequest) -> HttpResponse:
    actor = get_request_actor(request)
    visible = visible_accounts(actor, Permission.EXCEPTION_VIEW)
    found = compute_metrics(visible_requests(actor), visible, timezone.now())
    return render(request, "exceptions/metrics.html", {"metrics": found})
