"""The page of metrics."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.queries import visible_accounts
from exceptions.overview.metrics import metrics_of
from exceptions.requests.request_filters import visible_requests
from governance.core.policy import Permission
from governance.identity.web import actor_of_request, permission


@require_safe
@permission(Permission.EXCEPTION_VIEW)
def metrics(request: HttpRequest) -> HttpResponse:
    actor = actor_of_request(request)
    visible = visible_accounts(actor, Permission.EXCEPTION_VIEW)
    found = metrics_of(visible_requests(actor), visible, timezone.now())
    return render(request, "exceptions/metrics.html", {"metrics": found})
