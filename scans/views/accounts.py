"""The AWS inventory with what scans say about it. It stands here because accounts know nothing of scans."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.manual_owners import may_set_owners
from accounts.owner_proposals import set_by_hand
from accounts.queries import find_account
from governance.core.policy import Permission
from governance.identity.web import actor_of_request, permission
from scans.pipeline.rescan import may_rescan, why_unscannable
from scans.queries import account as queries
from scans.queries import coverage
from scans.queries.inventory import inventory as inventory_of
from scans.views.shared import accounts_for, filter_of


@require_safe
@permission(Permission.ACCOUNT_VIEW)
def inventory(request: HttpRequest) -> HttpResponse:
    wanted = filter_of(request)
    shown = inventory_of(accounts_for(request, Permission.ACCOUNT_VIEW), wanted)
    return render(request, "scans/inventory.html", {"wanted": wanted, "inventory": shown})


@require_safe
@permission(Permission.ACCOUNT_VIEW)
def account(request: HttpRequest, account_id: str) -> HttpResponse:
    visible = accounts_for(request, Permission.ACCOUNT_VIEW)
    found = find_account(visible, account_id, request.GET.get("organization", ""))
    if found is None:
        raise Http404(f"There is no account {account_id} that you may see.")
    context = {
        "account": found, "detail": queries.detail_of(found), "coverage": coverage.of_account(found),
        "owners_set": next(iter(set_by_hand(found)), None),
        "may_set_owners": may_set_owners(actor_of_request(request), found),
        "may_rescan": may_rescan(actor_of_request(request), found), "unscannable": why_unscannable(found),
    }  # fmt: skip
    return render(request, "scans/account.html", context)
