"""What the posture page counts: verdicts by OU or account and by group of controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import Account, OrganizationalUnit
from exceptions.common.exception_counts import Bands, bands_of
from governance.posture.scores import Score, heat, score_of
from scans.models import AccountTotal
from scans.queries import cells, controls, unit_choices, unit_tree
from scans.queries.cells import COLUMNS, NONE, Counts
from scans.queries.extent import Extent, extent_of
from scans.queries.inventory import ou_of
from scans.queries.unit_tree import NO_OU

# Up to this many accounts each has a row of its own; with more, choosing an OU shows its accounts.
SHOWN_AT_ONCE = 60

Place = tuple[str, str]  # (OU id or account's row id, group of controls)


@dataclass(frozen=True, slots=True)
class Cell:
    """group: the controls' letters, as the findings' filter takes them."""

    group: str
    counts: Counts

    @property
    def heat(self) -> int:
        return heat(self.counts)


@dataclass(frozen=True, slots=True)
class Row:
    """One OU (with all below it) or one Account; neither: the accounts that are in no OU."""

    depth: int
    cells: list[Cell]
    unit: OrganizationalUnit | None = None
    account: Account | None = None

    @property
    def total(self) -> Counts:
        return cells.total(cell.counts for cell in self.cells)

    @property
    def query(self) -> str:
        """What the findings' filter calls this place."""
        return urlencode({"account": self.account.account_id} if self.account else {"ou": ou_of(self.unit)})

    @property
    def score(self) -> Score:
        return score_of(self.total)


@dataclass(frozen=True, slots=True)
class Posture:
    """groups: (letters, name) of each column. read: what the figures rest on. accounts_shown: do accounts have rows?
    bands: of what fails, at this moment."""

    groups: list[tuple[str, str]]
    rows: list[Row]
    total: Counts
    read: Extent
    accounts_shown: bool
    bands: Bands

    @property
    def score(self) -> Score:
        return score_of(self.total)


def posture_of(visible: QuerySet[Account], ou: str) -> Posture:
    """Of the accounts in an OU and below it; of all where ou is empty."""
    scope = in_ou(visible, ou).order_by()
    groups = [(group, controls.name_of(group)) for group in controls.groups()]
    read = extent_of(scope)
    shown = shown_accounts(scope, ou, read.accounts)
    by_path = summed(cells.totals_of(scope), "account__ou__path")
    rows = list(rows_of(unit_choices.units(scope), shown, by_path, [group for group, _ in groups]))
    return Posture(
        groups=groups,
        rows=rows,
        total=cells.total(counts for by_group in by_path.values() for counts in by_group.values()),
        read=read,
        accounts_shown=bool(shown),
        bands=bands_of(scope, timezone.now()),
    )


def in_ou(visible: QuerySet[Account], ou: str) -> QuerySet[Account]:
    if ou == NO_OU:
        return visible.filter(ou=None)
    return visible.filter(ou__path__contains=f"/{ou}/") if ou else visible


def shown_accounts(scope: QuerySet[Account], ou: str, total: int) -> list[Account]:
    if total <= SHOWN_AT_ONCE:
        return list(scope)
    return list(scope.filter(ou__ou_id=ou)) if ou and ou != NO_OU else []


def summed(rows: QuerySet[AccountTotal], place: str) -> dict[str | None, dict[str, Counts]]:
    """The place's value -> group of controls -> counts."""
    found: dict[str | None, dict[str, Counts]] = {}
    for where, control, *numbers in rows.values_list(place, "control").annotate(*map(Sum, COLUMNS)).order_by():
        of_place, group = found.setdefault(where, {}), cells.group_of(control)
        of_place[group] = of_place.get(group, NONE) + Counts(*numbers)
    return found


def rows_of(
    units: list[OrganizationalUnit],
    shown: list[Account],
    by_path: Mapping[str | None, Mapping[str, Counts]],
    groups: list[str],
) -> Iterator[Row]:
    of_unit = {g: unit_tree.rolled_up({path: by.get(g, NONE) for path, by in by_path.items()}, NONE) for g in groups}
    of_account = summed(AccountTotal.objects.filter(account__in=shown), "account_id") if shown else {}
    members = unit_tree.by_unit(shown)

    def accounts_in(unit: int | None, depth: int) -> Iterator[Row]:
        for account in members[unit]:
            counts = of_account.get(account.pk, {})  # type: ignore[call-overload]
            yield Row(depth, [Cell(g, counts.get(g, NONE)) for g in groups], account=account)

    for unit in unit_tree.in_order(units):
        yield Row(unit.depth, [Cell(g, of_unit[g].get(unit.ou_id, NONE)) for g in groups], unit=unit)
        yield from accounts_in(unit.pk, unit.depth + 1)
    if None in by_path or members[None]:
        yield Row(0, [Cell(g, of_unit[g].get(NO_OU, NONE)) for g in groups])
        yield from accounts_in(None, 1)
