"""Who has a say or a stake in what: for permissions, conflicts of interest and notifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from accounts.models import Account
from accounts.owners import list_owned_accounts
from accounts.scopes import list_account_places
from exceptions.common.request_scope import accounts_in_scope
from exceptions.models import ExceptionRequest
from governance.core.name_folding import list_spellings
from governance.core.policy import (
    ROLE_PERMISSIONS,
    Actor,
    Permission,
    Place,
    Role,
    covers_place,
    is_permitted,
    is_permitted_disinterested,
)
from governance.identity.grants.services import list_grantors
from governance.identity.models import Grant, User
from governance.identity.people.identifiers import list_folded_names
from governance.identity.queries import list_grant_facts


def may_everywhere(actor: Actor, permission: Permission, now: datetime, places: Sequence[Place]) -> bool:
    """In every one of these places; with none of them, nowhere."""
    return bool(places) and all(is_permitted(actor, permission, now, place) for place in places)


def find_conflict_of_interest(
    request: ExceptionRequest, person: User, actor: Actor, now: datetime, accounts: Sequence[Account] | None = None
) -> str:
    """Why this person may not decide this request, whatever their grants; empty if nothing speaks against it.

    accounts: those in its scope; None: they are read here, if it comes to that."""
    if person.pk == request.requested_by_id:
        return "You asked for this exception, so somebody else must decide it."
    if is_requesting_party(person, request):
        return "This was asked for by a service account on your behalf, so somebody else must decide it."
    accounts = list(accounts_in_scope(request)) if accounts is None else accounts
    owned = list_owned_accounts(person, accounts, now)
    if owned:
        return f"You own {owned[0]}, which is in its scope, so somebody else must decide it."
    interested = find_requesting_parties(request)
    if interested & list_grantors(person, Role.GOVERNANCE_APPROVER):
        return (
            "The requester, the person for whom it is asked, or the person who answers for the requester gave you your "
            "approver's grant or set its end, or did so for the person who lent it to you. Somebody else must decide it."
        )
    for place in list_account_places(accounts):
        if not is_permitted_disinterested(actor, Permission.EXCEPTION_DECIDE, now, place, interested):
            return (
                "Your approver's grant here was lent to you by the requester, by the person for whom it is asked, or by "
                "the person who answers for the requester. Somebody else must decide it."
            )
    return ""


def is_requesting_party(person: User, request: ExceptionRequest) -> bool:
    """Does this person answer for the service account that asked, or did it ask for them, or for a name that may be theirs?"""
    return person.pk in find_requesting_parties(request) or bool(
        list_spellings(request.on_behalf_of_unknown) & list_folded_names(person)
    )


def explain_unknown_on_behalf_of(request: ExceptionRequest) -> str:
    """Why it can't be submitted or approved: the person for whom it is asked isn't known. Empty where there is none, or is known."""
    if not request.on_behalf_of_unknown:
        return ""
    return (
        f"It is not known who “{request.on_behalf_of_unknown}” is, on whose behalf this was asked. The requester must "
        "name the person by user name or mail address, in a change of the request or in a new one."
    )


def find_requesting_parties(request: ExceptionRequest) -> set[int]:
    """The Users (ids) who want it: who asked, for whom they asked, and who answers for the account that asked."""
    wanting = (request.requested_by_id, request.on_behalf_of_id, request.requested_by.responsible_id)
    return {pk for pk in wanting if pk is not None}


def find_permission_holders(
    permission: Permission, accounts: Iterable[Account], now: datetime, *, everywhere: bool = False
) -> set[int]:
    """The Users (ids) who hold this permission now in any of these accounts; everywhere: in all of them."""
    roles = [role for role, carried in ROLE_PERMISSIONS.items() if permission in carried]
    users = User.objects.filter(
        pk__in=Grant.objects.filter(role__in=roles, ended_at=None).values("user"), is_active=True
    )
    places = list_account_places(accounts)
    found: set[int] = set()
    for user in users.filter(is_service=False):
        grants = [g for g in list_grant_facts(user) if g.holds(now) and permission in ROLE_PERMISSIONS[g.role]]
        held = (any(covers_place(grant, place) for grant in grants) for place in places)
        if places and (all(held) if everywhere else any(held)):
            found.add(user.pk)
    return found
