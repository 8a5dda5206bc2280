"""Reads accounts and OUs. Every list goes through visible_accounts(actor)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.models import Account, Organization, OrganizationalUnit
from governance.core.policy import Actor, GrantFact, Permission, ScopeKind, list_active_grants


def visible_accounts(actor: Actor, permission: Permission = Permission.ACCOUNT_VIEW) -> QuerySet[Account]:
    """The Accounts for which the actor has this permission now; none without a grant."""
    accounts = Account.objects.select_related("organization", "ou")
    if actor.system:
        return accounts
    seen = accounts.filter(build_reach_filter(list_active_grants(actor, permission, timezone.now())))
    return seen if actor.within is None else seen.filter(build_reach_filter(actor.within))


def build_reach_filter(grants: Iterable[GrantFact]) -> Q:
    """A filter for the Accounts that these grants cover; none without grants."""
    wanted = Q(pk__in=[])
    for grant in grants:
        match grant.scope:
            case ScopeKind.ORGANIZATION:
                wanted |= Q(organization__org_id=grant.scope_id)
            case ScopeKind.OU:
                # The slashes prevent a match with a longer id that starts the same.
                wanted |= Q(ou__path__contains=f"/{grant.scope_id}/")
            case ScopeKind.ACCOUNT:
                wanted |= Q(account_id=grant.scope_id)
    return wanted


def find_account(visible: QuerySet[Account], account_id: str, organization: str = "") -> Account | None:
    """The Account with this id. One that moved between Organizations is found where it is now."""
    found = visible.filter(account_id=account_id)
    if organization:
        found = found.filter(organization__org_id=organization)
    return found.order_by(F("vanished_at").desc(nulls_first=True), "-pk").first()


@dataclass(slots=True)
class Branch:
    """A root or an OU with the visible accounts in it and the branches below it."""

    unit: OrganizationalUnit
    accounts: list[Account] = field(default_factory=list)
    children: list[Branch] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.accounts) + sum(child.total for child in self.children)

    def walk(self) -> Iterator[Branch]:
        yield self
        for child in self.children:
            yield from child.walk()


def ou_tree(organization: Organization, accounts: Iterable[Account]) -> list[Branch]:
    """The roots with the OUs below them that contain one of these accounts, in two queries at most."""
    units = organization.ous.filter(vanished_at=None).order_by("path")
    branches = {unit.pk: Branch(unit) for unit in units}
    for account in sorted(accounts, key=lambda a: (a.name.casefold(), a.account_id)):
        if account.ou_id in branches:
            branches[account.ou_id].accounts.append(account)
    roots: list[Branch] = []
    for branch in branches.values():
        parent = branches.get(branch.unit.parent_id) if branch.unit.parent_id else None
        (roots if parent is None else parent.children).append(branch)
    return [pruned for root in roots if (pruned := prune_branch(root)) is not None]


def prune_branch(branch: Branch) -> Branch | None:
    """Remove branches without a visible account: their names are visible only to people with access to them."""
    branch.children = [kept for child in branch.children if (kept := prune_branch(child)) is not None]
    branch.children.sort(key=lambda b: b.unit.name.casefold())
    return branch if branch.accounts or branch.children else None


def list_organizations() -> QuerySet[Organization]:
    return Organization.objects.all()
