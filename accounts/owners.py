"""Who owns an Account: by a grant, set by hand, or named by its tags."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from accounts.models import Account, AccountOwner
from accounts.scopes import find_account_place
from governance.core.name_folding import list_spellings
from governance.core.policy import GrantFact, Role, covers_place
from governance.identity.models import Grant, User
from governance.identity.people.identifiers import list_folded_names
from governance.identity.queries import list_grant_facts


def is_owned_by_grant(grants: Iterable[GrantFact], account: Account) -> bool:
    """Is one of these grants, which hold now, the grant of account owner over this account?"""
    place = find_account_place(account)
    return any(grant.role is Role.ACCOUNT_OWNER and covers_place(grant, place) for grant in grants)


def list_owned_accounts(person: User, accounts: Iterable[Account], now: datetime) -> list[Account]:
    """The accounts among these that the person owns: by a grant as account owner, as an owner set by hand, or by name
    in the tags of an account without owners set by hand."""
    # Names are compared in every spelling that looks the same: a zero-width character must not hide an owner.
    grants = list_held_facts(person, now)
    names = list_folded_names(person)
    by_hand = set(AccountOwner.objects.filter(user=person).values_list("account_id", flat=True))
    return [
        account
        for account in accounts
        if account.pk in by_hand
        or is_owned_by_grant(grants, account)
        or (not account.owners_set_by_hand and any(names & list_spellings(str(owner)) for owner in account.owners))
    ]


def find_account_owners(accounts: Iterable[Account], now: datetime) -> set[int]:
    """The Users (ids) who hold a grant as account owner over any of these accounts."""
    owned = list(accounts)
    holders = Grant.objects.filter(role=Role.ACCOUNT_OWNER, ended_at=None).values("user")
    found: set[int] = set()
    for user in User.objects.filter(pk__in=holders, is_active=True):
        grants = list_held_facts(user, now)
        if any(is_owned_by_grant(grants, account) for account in owned):
            found.add(user.pk)
    return found


def list_held_facts(user: User, now: datetime) -> list[GrantFact]:
    return [grant for grant in list_grant_facts(user) if grant.holds(now)]
