"""The accounts in their OUs, with what the scans say about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Account, Organization, OrganizationalUnit
from scans.models import AccountTotal
from scans.queries import cells, unit_choices, unit_tree
from scans.queries.cells import COLUMNS, NONE, Counts
from scans.queries.extent import Extent, State, extent_of, states_of
from scans.queries.findings import FindingFilter
from scans.queries.unit_tree import NO_OU

# Beyond this many accounts the page shows the OUs, and the accounts of the one that is chosen.
SHOWN_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Line:
    """An OU (accounts: how many are in it and below), or an Account with its state. Neither: in no OU."""

    depth: int
    counts: Counts
    unit: OrganizationalUnit | None = None
    account: Account | None = None
    accounts: int = 0
    state: State | None = None

    @property
    def query(self) -> str:
        """What the findings' filter calls this place."""
        return urlencode({"account": self.account.account_id} if self.account else {"ou": ou_of(self.unit)})


@dataclass(frozen=True, slots=True)
class Inventory:
    """read: how far the accounts were read. shown: how many of them have a line of their own."""

    organizations: list[Organization]
    lines: list[Line]
    read: Extent
    shown: int

    @property
    def total(self) -> int:
        return self.read.accounts

    @property
    def unreadable(self) -> int:
        return self.read.unreadable

    @property
    def never(self) -> int:
        return self.read.never


def inventory(visible: QuerySet[Account], wanted: FindingFilter) -> Inventory:
    found = wanted.accounts(visible)
    if wanted.q:
        found = found.filter(Q(name__icontains=wanted.q) | Q(account_id__icontains=wanted.q))
    read = extent_of(found)
    listed = found if read.accounts <= SHOWN_AT_ONCE or wanted.q else directly_in(found, wanted.ou)
    shown = list(listed.order_by("name", "account_id")[:SHOWN_AT_ONCE])
    return Inventory(
        organizations=list(Organization.objects.filter(accounts__in=found.order_by().values("pk")).distinct()),
        lines=list(lines(found, shown)),
        read=read,
        shown=len(shown),
    )


def ou_of(unit: OrganizationalUnit | None) -> str:
    return unit.ou_id if unit else NO_OU


def directly_in(accounts: QuerySet[Account], ou: str) -> QuerySet[Account]:
    return accounts.filter(ou__ou_id=ou) if ou and ou != NO_OU else accounts.filter(ou=None)


def lines(found: QuerySet[Account], shown: list[Account]) -> Iterator[Line]:
    sizes = unit_tree.rolled_up(dict(found.order_by().values_list("ou__path").annotate(n=Count("pk"))), 0)
    counts = unit_tree.rolled_up(by_path(cells.totals_of(found.order_by())), NONE)
    of_account = cells.by_account(AccountTotal.objects.filter(account__in=shown))
    members, states = unit_tree.by_unit(shown), states_of(shown)
    for unit in unit_tree.in_order(unit_choices.units(found)):
        yield Line(unit.depth, counts.get(unit.ou_id, NONE), unit=unit, accounts=sizes.get(unit.ou_id, 0))
        for account in members[unit.pk]:
            yield Line(unit.depth + 1, of_account.get(account.pk, NONE), account=account, state=states[account.pk])
    if NO_OU in sizes:
        yield Line(0, counts.get(NO_OU, NONE), accounts=sizes[NO_OU])
        for account in members[None]:
            yield Line(1, of_account.get(account.pk, NONE), account=account, state=states[account.pk])


def by_path(rows: QuerySet[AccountTotal]) -> dict[str | None, Counts]:
    summed = rows.values_list("account__ou__path").annotate(*map(Sum, COLUMNS)).order_by()
    return {path: Counts(*numbers) for path, *numbers in summed}
