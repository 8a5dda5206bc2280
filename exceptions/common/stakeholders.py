"""Finds the people behind requests and accounts, for permissions, conflicts of interest and notifications."""

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
    Location,
    Permission,
    Role,
    covers_place,
    is_permitted,
    is_permitted_disinterested,
)
from governance.identity.grants.services import list_grantors
from governance.identity.models import Grant, User
from governance.identity.people.identifiers import list_folded_names
from governance.identity.queries import list_grant_facts


def may_everywhere(actor: Actor, permission: Permission, now: datetime, places: Sequence[Location]) -> bool:
    """The actor holds the permission in every one of these places, and there is at least one."""
    # all() of no places is true: an empty scope would be everyone's to decide.
    return bool(places) and all(is_permitted(actor, permission, now, place) for place in places)


def find_conflict_of_interest(
    request: ExceptionRequest, person: User, actor: Actor, now: datetime, accounts: Sequence[Account] | None = None
) -> str:
    """Why this person may not decide this request, whatever their grants; empty if there is no conflict.

    accounts: those in its scope; None: they are read here, if they are needed. The trigger of exceptions.triggers
    repeats these rules in the database."""
    if person.pk == request.requested_by_id:
        return "You requested this exception, so another person must decide it."
    if is_requesting_party(person, request):
        return "A service account requested this on your behalf, so another person must decide it."
    accounts = list(accounts_in_scope(request)) if accounts is None else accounts
    owned = list_owned_accounts(person, accounts, now)
    if owned:
        return f"You own {owned[0]}, which is in the scope, so another person must decide it."
    interested = find_requesting_parties(request)
    # Otherwise a requester could make an approver: give, extend or lend a grant, and have the own request approved.
    if interested & list_grantors(person, Role.GOVERNANCE_APPROVER):
        return (
            "Your approver's grant, or the one that was lent to you, was given or extended by a person behind this "
            "request: the requester, the person on whose behalf it was made, or the person responsible for the "
            "requester. Another person must decide it."
        )
    # A person may hold several approver's grants: the other one decides where it covers the place as well.
    for place in list_account_places(accounts):
        if not is_permitted_disinterested(actor, Permission.EXCEPTION_DECIDE, now, place, interested):
            return (
                "Your approver's grant was lent to you by a person behind this request: the requester, the person on "
                "whose behalf it was made, or the person responsible for the requester. Another person must decide it."
            )
    return ""


def is_requesting_party(person: User, request: ExceptionRequest) -> bool:
    """True for the requester, the person it was requested for, and the person responsible for the requester.

    Text of an earlier release that may name the person counts as their name: in doubt they don't decide."""
    return person.pk in find_requesting_parties(request) or bool(
        list_spellings(request.on_behalf_of_unknown) & list_folded_names(person)
    )


def explain_unknown_on_behalf_of(request: ExceptionRequest) -> str:
    """Why it can't be submitted or approved if it was requested on behalf of an unknown person; else empty."""
    if not request.on_behalf_of_unknown:
        return ""
    return (
        f"This was requested on behalf of “{request.on_behalf_of_unknown}”, but it is not known who that is. The "
        "requester must edit the request, or make a new one, and name the person by user name or email address."
    )


def find_requesting_parties(request: ExceptionRequest) -> set[int]:
    """The Users (ids) behind a request: the requester, the person it is for, and the person responsible for the
    requester if that is a service account."""
    wanting = (request.requested_by_id, request.on_behalf_of_id, request.requested_by.responsible_id)
    return {pk for pk in wanting if pk is not None}


def find_permission_holders(
    permission: Permission, accounts: Iterable[Account], now: datetime, *, everywhere: bool = False
) -> set[int]:
    """The Users (ids) who hold this permission now in any of these accounts; everywhere: in all of them."""
    # The query narrows it to people with a fitting role, few beside all users; the pure policy decides about each.
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
