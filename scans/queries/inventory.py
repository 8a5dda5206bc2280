"""Loads the accounts in their OUs, with their counts and read states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Account, Organization, OrganizationalUnit
from scans.models import AccountTotal
from scans.queries import cells, unit_choices, unit_tree
from scans.queries.cells import COLUMNS, NO_COUNTS, Counts
from scans.queries.extent import Extent, ReadState, extent_of, states_of
from scans.queries.findings import FindingFilter
from scans.queries.unit_tree import NO_OU

# With more accounts than this, the page shows the OUs and only the accounts of the selected one.
MAX_SHOWN_ACCOUNTS = 400


@dataclass(frozen=True, slots=True)
class InventoryLine:
    """A line for an OU (accounts: how many are in it and below), an Account, or the accounts in no OU."""

    depth: int
    counts: Counts
    unit: OrganizationalUnit | None = None
    account: Account | None = None
    accounts: int = 0
    state: ReadState | None = None

    @property
    def query(self) -> str:
        """The filter of the findings list for this line."""
        return urlencode({"account": self.account.account_id} if self.account else {"ou": ou_of(self.unit)})


@dataclass(frozen=True, slots=True)
class AccountInventory:
    """read: how far the accounts were read. shown: how many have their own line."""

    organizations: list[Organization]
    lines: list[InventoryLine]
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


def load_inventory(visible: QuerySet[Account], wanted: FindingFilter) -> AccountInventory:
    found = wanted.accounts(visible)
    if wanted.q:
        found = found.filter(Q(name__icontains=wanted.q) | Q(account_id__icontains=wanted.q))
    read = extent_of(found)
    listed = found if read.accounts <= MAX_SHOWN_ACCOUNTS or wanted.q else directly_in(found, wanted.ou)
    shown = list(listed.order_by("name", "account_id")[:MAX_SHOWN_ACCOUNTS])
    return AccountInventory(
        organizations=list(Organization.objects.filter(accounts__in=found.order_by().values("pk")).distinct()),
        lines=list(iterate_inventory_lines(found, shown)),
        read=read,
        shown=len(shown),
    )


def ou_of(unit: OrganizationalUnit | None) -> str:
    return unit.ou_id if unit else NO_OU


def directly_in(accounts: QuerySet[Account], ou: str) -> QuerySet[Account]:
    return accounts.filter(ou__ou_id=ou) if ou and ou != NO_OU else accounts.filter(ou=None)


def iterate_inventory_lines(found: QuerySet[Account], shown: list[Account]) -> Iterator[InventoryLine]:
    sizes = unit_tree.sum_by_unit(dict(found.order_by().values_list("ou__path").annotate(n=Count("pk"))), 0)
    counts = unit_tree.sum_by_unit(count_by_path(cells.visible_totals(found.order_by())), NO_COUNTS)
    of_account = cells.count_by_account(AccountTotal.objects.filter(account__in=shown))
    members, states = unit_tree.group_by_unit(shown), states_of(shown)
    for unit in unit_tree.order_units(unit_choices.list_visible_units(found)):
        yield InventoryLine(unit.depth, counts.get(unit.ou_id, NO_COUNTS), unit=unit, accounts=sizes.get(unit.ou_id, 0))
        for account in members[unit.pk]:
            yield InventoryLine(
                unit.depth + 1, of_account.get(account.pk, NO_COUNTS), account=account, state=states[account.pk]
            )
    if NO_OU in sizes:
        yield InventoryLine(0, counts.get(NO_OU, NO_COUNTS), accounts=sizes[NO_OU])
        for account in members[None]:
            yield InventoryLine(1, of_account.get(account.pk, NO_COUNTS), account=account, state=states[account.pk])


def count_by_path(rows: QuerySet[AccountTotal]) -> dict[str | None, Counts]:
    summed = rows.values_list("account__ou__path").annotate(*map(Sum, COLUMNS)).order_by()
    return {path: Counts(*numbers) for path, *numbers in summed}
