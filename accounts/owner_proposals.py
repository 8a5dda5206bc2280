"""Proposes account owners from the accounts' tags or manual owners; a security admin confirms them as Grants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, AccountOwner
from accounts.owners import is_owned_by_grant
from accounts.queries import visible_accounts
from governance.core.name_folding import fold_name
from governance.core.policy import Actor, GrantFact, Permission, Role, ScopeKind
from governance.identity.grants import services
from governance.identity.models import Grant, User
from governance.identity.people import identifiers


@dataclass(frozen=True, slots=True)
class OwnerProposal:
    """An owner of an Account without a grant there. user is None unless exactly one active person has the name."""

    account: Account
    named: str
    user: User | None
    why_not: str = ""

    @property
    def key(self) -> str:
        return f"{self.account.account_id}:{self.user.pk}" if self.user else ""


class ProposalGoneError(ValueError):
    """A proposal to confirm is no longer there; the message says which."""


def list_proposals(actor: Actor) -> list[OwnerProposal]:
    """Every proposal in the Accounts where the actor manages grants. Those that can be confirmed come first."""
    accounts = list(visible_accounts(actor, Permission.GRANT_MANAGE).exclude(owners=[]).order_by("account_id"))
    people = find_active_people({str(owner) for account in accounts for owner in account.owners})
    owning, by_hand = OwnershipGrants(), map_manual_owners()
    found = [
        proposal
        for account in accounts
        for proposal in (
            propose_manual_owners(account, by_hand[account.pk], owning)
            if account.pk in by_hand
            else propose_named_owners(account, people, owning)
        )
    ]
    return sorted(found, key=lambda proposal: proposal.user is None)


def propose_named_owners(
    account: Account, people: dict[str, list[User]], owning: OwnershipGrants
) -> Iterator[OwnerProposal]:
    for named in dict.fromkeys(map(str, account.owners)):
        called = people.get(fold_name(named), [])
        if len(called) > 1:
            yield OwnerProposal(account, named, None, f"{len(called)} people have this name")
        elif not called:
            yield OwnerProposal(account, named, None, "no user has this name or email address")
        elif not owning.holds(called[0], account):
            yield OwnerProposal(account, named, called[0])


def propose_manual_owners(account: Account, people: list[User], owning: OwnershipGrants) -> Iterator[OwnerProposal]:
    for person in people:
        if not owning.holds(person, account):
            usable = person.is_active
            yield OwnerProposal(
                account, person.get_username(), person if usable else None, "" if usable else "this person is disabled"
            )


def list_manual_owners(account: Account) -> list[AccountOwner]:
    """The owners that were set by hand, with who set them and when; none while the tags decide."""
    return sorted(account.owners_by_hand.select_related("user", "set_by"), key=lambda row: row.user.username)


def map_manual_owners() -> dict[int, list[User]]:
    """The manual owners of all Accounts, by the Account's row id."""
    found: dict[int, list[User]] = defaultdict(list)
    for row in AccountOwner.objects.select_related("user").order_by("user__username"):
        found[row.account_id].append(row.user)
    return dict(found)


def find_active_people(names: Iterable[str]) -> dict[str, list[User]]:
    """Folded name -> active people with that user name or email address."""
    called = identifiers.find_people_by_names(names).items()
    return {
        name: active for name, users in called if (active := [u for u in users if u.is_active and not u.is_service])
    }


def find_unique_people(names: Iterable[str]) -> list[User]:
    """The people with these names, each once. A name that more than one person has is ignored."""
    called = find_active_people(map(str, names)).values()
    return list({people[0].pk: people[0] for people in called if len({person.pk for person in people}) == 1}.values())


class OwnershipGrants:
    """The ownership that current Grants give, read in one query."""

    def __init__(self) -> None:
        self.facts: dict[int, list[GrantFact]] = defaultdict(list)
        for grant in services.current_grants(timezone.now()).filter(role=Role.ACCOUNT_OWNER):
            self.facts[grant.user_id].append(
                GrantFact(Role.ACCOUNT_OWNER, ScopeKind(grant.scope_kind), grant.scope_id, grant.ends_at)
            )

    def holds(self, person: User, account: Account) -> bool:
        return is_owned_by_grant(self.facts.get(person.pk, ()), account)


def confirm_owners(*, actor: Actor, keys: Sequence[str]) -> list[Grant]:
    """Create Grants from the proposals with these keys: all of them, or none.

    Raises ProposalGoneError, and what grant_role raises.
    """
    with transaction.atomic():
        standing = {proposal.key: proposal for proposal in list_proposals(actor) if proposal.user}
        gone = [key for key in keys if key not in standing]
        if gone:
            raise ProposalGoneError(f"No longer proposed: {', '.join(gone)[:300]}. Review the list, then try again.")
        return [grant_ownership(actor, standing[key]) for key in dict.fromkeys(keys)]


def grant_ownership(actor: Actor, proposal: OwnerProposal) -> Grant:
    if proposal.user is None:
        raise ProposalGoneError(f"The grant can't be given: {proposal.why_not}.")
    return services.grant_role(
        actor=actor,
        user=proposal.user,
        role=Role.ACCOUNT_OWNER,
        scope=ScopeKind.ACCOUNT,
        scope_id=proposal.account.account_id,
    )
