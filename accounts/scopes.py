"""Locates the scopes of Grants for governance.identity, which may not import the inventory."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Account, Organization, OrganizationalUnit
from accounts.queries import visible_accounts
from governance.core.policy import Actor, GrantFact, Location, Permission, ScopeKind, list_active_grants
from governance.identity.grants.scopes import ScopeKey, ScopeLocation


def locate(scopes: Iterable[ScopeKey]) -> dict[ScopeKey, ScopeLocation]:
    """The location of each scope that the inventory knows, in three queries at most."""
    ids: dict[str, set[str]] = {}
    for kind, scope_id in scopes:
        ids.setdefault(kind, set()).add(scope_id)
    found: dict[ScopeKey, ScopeLocation] = {}
    for organization in Organization.objects.filter(org_id__in=ids.get(ScopeKind.ORGANIZATION, ())):
        scope = (str(ScopeKind.ORGANIZATION), organization.org_id)
        found[scope] = ScopeLocation(Location(organization.org_id), f"the organization {organization.org_id}")
    units = OrganizationalUnit.objects.filter(ou_id__in=ids.get(ScopeKind.OU, ())).select_related("organization")
    for unit in units:
        place = Location(unit.organization.org_id, split_ou_path(unit.path))
        found[str(ScopeKind.OU), unit.ou_id] = ScopeLocation(place, f"{unit.name} ({unit.ou_id})")
    accounts = Account.objects.filter(account_id__in=ids.get(ScopeKind.ACCOUNT, ()))
    for account in accounts.select_related("organization", "ou"):
        location = ScopeLocation(find_account_place(account), str(account))
        found[str(ScopeKind.ACCOUNT), account.account_id] = location
    return found


def find_account_place(account: Account) -> Location:
    """Where policy finds it. Rows come with their organization and OU, or this reads them."""
    ous = split_ou_path(account.ou.path) if account.ou else ()
    return Location(account.organization.org_id, ous, account.account_id)


def list_account_places(accounts: Iterable[Account]) -> list[Location]:
    return [find_account_place(account) for account in accounts]


def split_ou_path(path: str) -> tuple[str, ...]:
    """The ids in an OU's path: its own first, then its parents."""
    return tuple(reversed([part for part in path.split("/") if part]))


def within(actor: Actor, permission: Permission) -> Q:
    """A filter for rows with scope_kind and scope_id: the scopes where the actor has the permission."""
    if actor.system:
        return Q()
    accounts = visible_accounts(actor, permission).order_by()
    return (
        Q(scope_kind=ScopeKind.ORGANIZATION, scope_id__in=find_permitted_org_ids(actor, permission))
        | Q(scope_kind=ScopeKind.OU, scope_id__in=select_permitted_units(actor, permission).values("ou_id"))
        | Q(scope_kind=ScopeKind.ACCOUNT, scope_id__in=accounts.values("account_id"))
    )


def units(actor: Actor, permission: Permission) -> list[tuple[ScopeKey, str]]:
    """The organizations and OUs where the actor has the permission, with names. Accounts would be too many."""
    known = Organization.objects.all()
    if not actor.system:
        known = known.filter(org_id__in=find_permitted_org_ids(actor, permission))
    whole = [((str(ScopeKind.ORGANIZATION), org.org_id), f"the organization {org.org_id}") for org in known]
    present = select_permitted_units(actor, permission).filter(vanished_at=None)
    # Em spaces show the depth: HTML collapses ordinary ones.
    return whole + [((str(ScopeKind.OU), u.ou_id), "\u2003" * u.depth + u.name) for u in present]


def find_permitted_org_ids(actor: Actor, permission: Permission) -> set[str]:
    whole = {g.scope_id for g in list_held_grants(actor, permission) if g.scope is ScopeKind.ORGANIZATION}
    return {org_id for org_id in whole if actor.can_reach(Location(org_id))}


def select_permitted_units(actor: Actor, permission: Permission) -> QuerySet[OrganizationalUnit]:
    every = OrganizationalUnit.objects.all()
    if actor.system:
        return every
    seen = every.filter(build_unit_filter(list_held_grants(actor, permission)))
    return seen if actor.within is None else seen.filter(build_unit_filter(actor.within))


def build_unit_filter(grants: Iterable[GrantFact]) -> Q:
    """A filter for the OUs that these grants cover completely; none without grants."""
    wanted = Q(pk__in=[])
    for grant in grants:
        if grant.scope is ScopeKind.ORGANIZATION:
            wanted |= Q(organization__org_id=grant.scope_id)
        elif grant.scope is ScopeKind.OU:
            wanted |= Q(path__contains=f"/{grant.scope_id}/")
    return wanted


def list_held_grants(actor: Actor, permission: Permission) -> list[GrantFact]:
    return list_active_grants(actor, permission, timezone.now())
