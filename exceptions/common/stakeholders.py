"""Who has a say or a stake in what: for permissions, conflicts of interest and notifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from accounts.models import Account, AccountOwner
from exceptions.common.request_scope import accounts_of
from exceptions.models import ExceptionRequest
from governance.core.name_folding import spellings
from governance.core.policy import MATRIX, Actor, Permission, Place, Role, covers, decide, decide_disinterested
from governance.identity.grants.services import givers
from governance.identity.models import Grant, User
from governance.identity.people.identifiers import names_of
from governance.identity.queries import facts_of
from scans.pipeline.start import place_of


def places_of(accounts: Iterable[Account]) -> list[Place]:
    return [place_of(account.organization, account) for account in accounts]


def may_everywhere(actor: Actor, permission: Permission, now: datetime, places: Sequence[Place]) -> bool:
    """In every one of these places; with none of them, nowhere."""
    return bool(places) and all(decide(actor, permission, now, place) for place in places)


def conflict_of(request: ExceptionRequest, person: User, actor: Actor, now: datetime) -> str:
    """Why this person may not decide this request, whatever their grants; empty if nothing speaks against it."""
    if person.pk == request.requested_by_id:
        return "You asked for this exception, so somebody else must decide it."
    if stands_behind(person, request):
        return "This was asked for by a service account on your behalf, so somebody else must decide it."
    accounts = list(accounts_of(request))
    owned = owned_by(person, accounts, now)
    if owned:
        return f"You own {owned[0]}, which is in its scope, so somebody else must decide it."
    interested = behind(request)
    if interested & givers(person, Role.GOVERNANCE_APPROVER):
        return (
            "The requester, the person for whom it is asked, or the person who answers for the requester gave you your "
            "approver's grant or set its end, or did so for the person who lent it to you. Somebody else must decide it."
        )
    for place in places_of(accounts):
        if not decide_disinterested(actor, Permission.EXCEPTION_DECIDE, now, place, interested):
            return (
                "Your approver's grant here was lent to you by the requester, by the person for whom it is asked, or by "
                "the person who answers for the requester. Somebody else must decide it."
            )
    return ""


def stands_behind(person: User, request: ExceptionRequest) -> bool:
    """Does this person answer for the service account that asked, or did it ask for them, or for a name that may be theirs?"""
    return person.pk in behind(request) or bool(spellings(request.on_behalf_of_unknown) & names_of(person))


def unknown_behalf(request: ExceptionRequest) -> str:
    """Why it can't be submitted or approved: the person for whom it is asked isn't known. Empty where there is none, or is known."""
    if not request.on_behalf_of_unknown:
        return ""
    return (
        f"It is not known who “{request.on_behalf_of_unknown}” is, on whose behalf this was asked. The requester must "
        "name the person by user name or mail address, in a change of the request or in a new one."
    )


def behind(request: ExceptionRequest) -> set[int]:
    """The Users (ids) who want it: who asked, for whom they asked, and who answers for the account that asked."""
    wanting = (request.requested_by_id, request.on_behalf_of_id, request.requested_by.responsible_id)
    return {pk for pk in wanting if pk is not None}


def owned_by(person: User, accounts: Iterable[Account], now: datetime) -> list[Account]:
    """Of these accounts, those that the person owns: by a grant of account owner, set by hand as an owner, or named by
    the tags of an account whose owners nobody set by hand."""
    grants = [g for g in facts_of(person) if g.role is Role.ACCOUNT_OWNER and g.holds(now)]
    names = names_of(person)
    by_hand = set(AccountOwner.objects.filter(user=person).values_list("account_id", flat=True))
    return [
        account
        for account in accounts
        if account.pk in by_hand
        or any(covers(g, place_of(account.organization, account)) for g in grants)
        or (not account.owners_set_by_hand and any(names & spellings(str(owner)) for owner in account.owners))
    ]


def holders(
    permission: Permission, accounts: Iterable[Account], now: datetime, *, everywhere: bool = False
) -> set[int]:
    """The Users (ids) who hold this permission now in any of these accounts; everywhere: in all of them."""
    roles = [role for role, carried in MATRIX.items() if permission in carried]
    users = User.objects.filter(
        pk__in=Grant.objects.filter(role__in=roles, ended_at=None).values("user"), is_active=True
    )
    places = places_of(accounts)
    found: set[int] = set()
    for user in users.filter(is_service=False):
        grants = [g for g in facts_of(user) if g.holds(now) and permission in MATRIX[g.role]]
        held = (any(covers(grant, place) for grant in grants) for place in places)
        if places and (all(held) if everywhere else any(held)):
            found.add(user.pk)
    return found


def owners_of(accounts: Iterable[Account], now: datetime) -> set[int]:
    """The Users who hold the grant of account owner over any of these accounts."""
    users = User.objects.filter(
        pk__in=Grant.objects.filter(role=Role.ACCOUNT_OWNER, ended_at=None).values("user"), is_active=True
    )
    places = places_of(accounts)
    return {
        user.pk
        for user in users
        if any(
            covers(g, place)
            for g in facts_of(user)
            if g.role is Role.ACCOUNT_OWNER and g.holds(now)
            for place in places
        )
    }
