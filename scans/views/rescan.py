"""Starts a rescan of an account, from its page or from the page of one of its findings."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.models import Account
from accounts.queries import find_account
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required
from scans.errors import ScanRequestError, ScanTooSoonError
from scans.pipeline.rescan import rescan_account
from scans.queries.findings import visible_findings
from scans.views.enqueue import enqueue_with_message
from scans.views.shared import accounts_for


@require_POST
@permission_required(Permission.SCAN_RESCAN)
def account_rescan(request: HttpRequest, account_id: str) -> HttpResponse:
    visible = accounts_for(request, Permission.SCAN_RESCAN)
    found = find_account(visible, account_id, request.POST.get("organization", ""))
    if found is None:
        raise Http404(f"There is no account {account_id} that you can scan.")
    return rescan_and_redirect(request, found) or redirect("account", account_id=account_id)


@require_POST
@permission_required(Permission.SCAN_RESCAN)
def finding_rescan(request: HttpRequest, pk: int) -> HttpResponse:
    mine = accounts_for(request, Permission.SCAN_RESCAN).order_by().values("pk")
    seen = visible_findings(accounts_for(request, Permission.FINDING_VIEW)).filter(account__in=mine)
    found = get_object_or_404(seen.select_related("account__organization", "account__ou"), pk=pk)
    return rescan_and_redirect(request, found.account) or redirect("finding", pk=pk)


def rescan_and_redirect(request: HttpRequest, account: Account) -> HttpResponse | None:
    """Redirects to the scan's page. None, with a message, if no scan was started."""
    try:
        done = rescan_account(actor=get_request_actor(request), account=account)
    except (ScanRequestError, ScanTooSoonError) as error:
        messages.warning(request, str(error))
        return None
    if done.started:
        enqueue_with_message(request, done.scan.pk)
    else:
        messages.info(request, f"Scan {done.scan.pk} of {account} is already running.")
    return redirect("scan", pk=done.scan.pk)
