"""The pages of an account and a finding on a date."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.queries import find_account
from governance.core.policy import Permission
from governance.identity.web import permission_required
from scans.errors import ScanRequestError
from scans.queries import day_view
from scans.queries.findings import visible_findings
from scans.timemachine import as_of as history
from scans.views.shared import accounts_for


@require_safe
@permission_required(Permission.ACCOUNT_VIEW)
def account_as_of(request: HttpRequest, account_id: str) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    found = find_account(visible, account_id, request.GET.get("organization", ""))
    if found is None:
        raise Http404(f"There is no account {account_id} that you can see.")
    with_findings = accounts_for(request, Permission.FINDING_VIEW).filter(pk=found.pk).exists()
    asked, moment = day_of(request)
    past = day_view.load_account_as_of(found, moment, with_findings=with_findings) if moment else None
    context = {**asked, "account": found, "past": past, "with_findings": with_findings}
    return render(request, "scans/account_as_of.html", context, status=400 if asked["problem"] else 200)


@require_safe
@permission_required(Permission.FINDING_VIEW)
def finding_as_of(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(visible_findings(accounts_for(request, Permission.FINDING_VIEW)), pk=pk)
    asked, moment = day_of(request)
    past = day_view.load_finding_as_of(found, moment) if moment else None
    context = {**asked, "finding": found, "past": past}
    return render(request, "scans/finding_as_of.html", context, status=400 if asked["problem"] else 200)


def day_of(request: HttpRequest) -> tuple[dict[str, Any], datetime | None]:
    """The day in ?as_of= (by default yesterday) and its last moment. For an invalid day, a problem and no moment."""
    today = timezone.now().date()
    text = request.GET.get("as_of", "").strip() or str(today - timedelta(days=1))
    asked = {"as_of": text, "today": str(today), "problem": ""}
    try:
        return asked, history.end_of(history.parse_day(text))
    except ScanRequestError as error:
        return {**asked, "problem": str(error)}, None
