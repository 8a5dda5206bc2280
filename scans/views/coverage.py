"""The coverage page of an account."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.queries import find_account
from governance.core.policy import Permission
from governance.identity.web import permission_required
from scans.queries import coverage as queries
from scans.views.shared import accounts_for


@require_safe
@permission_required(Permission.ACCOUNT_VIEW)
def account_coverage(request: HttpRequest, account_id: str) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    found = find_account(visible, account_id, request.GET.get("organization", ""))
    if found is None:
        raise Http404(f"There is no account {account_id} that you can see.")
    return render(request, "scans/coverage.html", {"account": found, "coverage": queries.load_account_coverage(found)})
