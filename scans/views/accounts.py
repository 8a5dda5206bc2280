"""The pages of the AWS inventory. They are in this app because they show what scans found."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.manual_owners import may_set_owners
from accounts.owner_proposals import list_manual_owners
from accounts.queries import find_account
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required
from scans.pipeline.rescan import can_rescan, explain_unscannable
from scans.queries import account as queries
from scans.queries import coverage
from scans.queries.inventory import load_inventory as inventory_of
from scans.views.shared import accounts_for, parse_finding_filter


@require_safe
@permission_required(Permission.ACCOUNT_VIEW)
def account_inventory(request: HttpRequest) -> HttpResponse:
    wanted = parse_finding_filter(request)
    shown = inventory_of(accounts_for(request, Permission.ACCOUNT_VIEW), wanted)
    return render(request, "scans/inventory.html", {"wanted": wanted, "inventory": shown})


@require_safe
@permission_required(Permission.ACCOUNT_VIEW)
def account_detail(request: HttpRequest, account_id: str) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    found = find_account(visible, account_id, request.GET.get("organization", ""))
    if found is None:
        raise Http404(f"There is no account {account_id} that you can see.")
    context = {
        "account": found,
        "detail": queries.describe_account(found),
        "coverage": coverage.load_account_coverage(found),
        "owners_set": next(iter(list_manual_owners(found)), None),
        "may_set_owners": may_set_owners(get_request_actor(request), found),
        "may_rescan": can_rescan(get_request_actor(request), found),
        "unscannable": explain_unscannable(found),
    }
    return render(request, "scans/account.html", context)
