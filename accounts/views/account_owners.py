"""Shows and changes the owners of one account: set by hand, or taken from its tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.manual_owners import OwnersError, compute_owners_version, set_owners
from accounts.models import Account
from accounts.owner_proposals import find_unique_people, list_manual_owners
from accounts.queries import find_account, visible_accounts
from governance.core.policy import Permission
from governance.core.transitions import LostRaceError
from governance.identity.models import User
from governance.identity.web import get_request_actor, permission_required

MAX_OFFERED = 500
EMPTY_FIELDS = 3


@dataclass(frozen=True, slots=True)
class OwnerField:
    """An entered name and its problem."""

    value: str = ""
    problem: str = ""


@permission_required(Permission.ACCOUNT_SET_OWNERS)
@require_http_methods(["GET", "POST"])
def account_owners(request: HttpRequest, account_id: str) -> HttpResponse:
    visible = visible_accounts(get_request_actor(request), Permission.ACCOUNT_SET_OWNERS)
    account = find_account(visible, account_id, request.GET.get("organization", ""))
    if account is None:
        raise Http404(f"There is no account {account_id} whose owners you can set.")
    return change_owners(request, account) if request.method == "POST" else render_owners_page(request, account)


def change_owners(request: HttpRequest, account: Account) -> HttpResponse:
    reset, names = "reset" in request.POST, read_owner_names(request)
    if not reset and not names:
        return render_owners_page(
            request, account, OwnersError("Select at least one person, or let the tags decide."), status=422
        )
    wanted, version = [] if reset else names, request.POST.get("version", "")
    try:
        set_owners(actor=get_request_actor(request), account=account, names=wanted, version=version)
    except OwnersError as error:
        return render_owners_page(request, account, error, names, status=422)
    except LostRaceError as error:
        return render_owners_page(request, account, error, names, status=409)
    messages.success(request, "Owners now come from the tags." if reset else "Owners saved.")
    return redirect("account", account_id=account.account_id)


def read_owner_names(request: HttpRequest) -> list[str]:
    return [name.strip() for name in request.POST.getlist("owners") if name.strip()]


def render_owners_page(
    request: HttpRequest, account: Account, error: Exception | None = None, names: Sequence[str] = (), status: int = 200
) -> HttpResponse:
    """names: as submitted. Without any, the current owners are shown, from the manual owners or the tags."""
    rows = list_manual_owners(account)
    people = [row.user for row in rows] or find_unique_people(account.owners)
    known = {person.username for person in people}
    problems = error.problems if isinstance(error, OwnersError) else {}
    typed = [OwnerField(name, problems.get(place, "")) for place, name in enumerate(names) if name not in known]
    shown = {
        "account": account,
        "error": error,
        "set": rows[0] if rows else None,
        "version": compute_owners_version(account),
        "people": [(person, person.username in names if names else person.is_active) for person in people],
        "unmatched": [] if rows else list_unmatched_names(account, people),
        "fields": [*typed, *[OwnerField()] * EMPTY_FIELDS],
        "offered": User.objects.filter(is_active=True, is_service=False).order_by("username")[:MAX_OFFERED],
    }
    return render(request, "accounts/account_owners.html", shown, status=status)


def list_unmatched_names(account: Account, people: Sequence[User]) -> list[str]:
    """Names of owners that belong to no person in the portal."""
    return [name for name in account.owners if not {p.pk for p in find_unique_people([name])} & {p.pk for p in people}]
