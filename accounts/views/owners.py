"""Shows the proposed owners of accounts, and confirms them with Grants."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.owner_proposals import ProposalGoneError, confirm_owners, list_proposals
from governance.core.policy import NotPermittedError, Permission
from governance.identity.grants.services import GrantError
from governance.identity.web import get_request_actor, permission_required

MAX_SHOWN = 200


@permission_required(Permission.GRANT_MANAGE)
@require_http_methods(["GET", "POST"])
def owner_proposals(request: HttpRequest) -> HttpResponse:
    actor, error, chosen = get_request_actor(request), "", request.POST.getlist("proposal")
    if request.method == "POST":
        try:
            made = confirm_owners(actor=actor, keys=chosen)
        except (ProposalGoneError, GrantError) as refused:
            error = str(refused)
        except NotPermittedError as refused:
            raise PermissionDenied(str(refused)) from refused
        else:
            messages.success(request, f"{len(made)} owners are confirmed." if made else "Nothing was selected.")
            return redirect("owner-proposals")
    found = list_proposals(actor)
    shown = {
        "proposals": found[:MAX_SHOWN],
        "total": len(found),
        "error": error,
        "chosen": chosen,
        "confirmable": any(each.user for each in found[:MAX_SHOWN]),
    }
    return render(request, "accounts/owners.html", shown, status=409 if error else 200)
