"""Queries of the posture page: verdicts by OU or account and by group of controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import Account, OrganizationalUnit
from exceptions.common.exception_counts import ExceptionCounts, count_exceptions
from governance.posture.scores import Score, compute_heat, compute_score
from scans.models import AccountTotal
from scans.queries import cells, controls, unit_choices, unit_tree
from scans.queries.cells import COLUMNS, NO_COUNTS, Counts
from scans.queries.extent import Extent, extent_of
from scans.queries.inventory import ou_of
from scans.queries.unit_tree import NO_OU

# With up to this many accounts, each has a row; with more, only those of a chosen OU. Ten thousand rows help no reader.
MAX_ACCOUNT_ROWS = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """group: the letters of the controls, as the filter of the findings uses them."""

    group: str
    counts: Counts

    @property
    def heat(self) -> int:
        return compute_heat(self.counts.scored)


@dataclass(frozen=True, slots=True)
class PostureRow:
    """One OU (with all below it) or one Account; neither: the accounts in no OU."""

    depth: int
    cells: list[Cell]
    unit: OrganizationalUnit | None = None
    account: Account | None = None

    @property
    def total(self) -> Counts:
        return cells.sum_counts(cell.counts for cell in self.cells)

    @property
    def query(self) -> str:
        """The filter of the findings for this row."""
        return urlencode({"account": self.account.account_id} if self.account else {"ou": ou_of(self.unit)})

    @property
    def score(self) -> Score:
        return compute_score(self.total.scored)


@dataclass(frozen=True, slots=True)
class Posture:
    """groups: (letters, name) of each column. read: how far the accounts were read. accounts_shown: accounts have rows.
    bands: the excepted and requested ones among the failing findings, as of now."""

    groups: list[tuple[str, str]]
    rows: list[PostureRow]
    total: Counts
    read: Extent
    accounts_shown: bool
    bands: ExceptionCounts

    @property
    def score(self) -> Score:
        return compute_score(self.total.scored)


def load_posture(visible: QuerySet[Account], ou: str) -> Posture:
    """Load the posture of the accounts in an OU and below it; of all accounts if ou is empty."""
    scope = filter_by_ou(visible, ou).order_by()
    groups = [(group, controls.name_control_group(group)) for group in controls.list_control_groups()]
    read = extent_of(scope)
    shown = list_shown_accounts(scope, ou, read.accounts)
    by_path = sum_by_place(cells.visible_totals(scope), "account__ou__path")
    rows = list(generate_rows(unit_choices.list_visible_units(scope), shown, by_path, [group for group, _ in groups]))
    return Posture(
        groups=groups,
        rows=rows,
        total=cells.sum_counts(counts for by_group in by_path.values() for counts in by_group.values()),
        read=read,
        accounts_shown=bool(shown),
        bands=count_exceptions(scope, timezone.now()),
    )


def filter_by_ou(visible: QuerySet[Account], ou: str) -> QuerySet[Account]:
    if ou == NO_OU:
        return visible.filter(ou=None)
    return visible.filter(ou__path__contains=f"/{ou}/") if ou else visible


def list_shown_accounts(scope: QuerySet[Account], ou: str, total: int) -> list[Account]:
    if total <= MAX_ACCOUNT_ROWS:
        return list(scope)
    return list(scope.filter(ou__ou_id=ou)) if ou and ou != NO_OU else []


def sum_by_place(rows: QuerySet[AccountTotal], place: str) -> dict[str | None, dict[str, Counts]]:
    """Value of the place -> group of controls -> counts."""
    found: dict[str | None, dict[str, Counts]] = {}
    for where, control, *numbers in rows.values_list(place, "control").annotate(*map(Sum, COLUMNS)).order_by():
        of_place, group = found.setdefault(where, {}), cells.group_of(control)
        of_place[group] = of_place.get(group, NO_COUNTS) + cells.count_control(control, *numbers)
    return found


def generate_rows(
    units: list[OrganizationalUnit],
    shown: list[Account],
    by_path: Mapping[str | None, Mapping[str, Counts]],
    groups: list[str],
) -> Iterator[PostureRow]:
    # Totals are summed up the tree in memory: one query for the whole page, however many OUs there are.
    of_unit = {
        g: unit_tree.sum_by_unit({path: by.get(g, NO_COUNTS) for path, by in by_path.items()}, NO_COUNTS)
        for g in groups
    }
    of_account = sum_by_place(AccountTotal.objects.filter(account__in=shown), "account_id") if shown else {}
    members = unit_tree.group_by_unit(shown)

    def accounts_in(unit: int | None, depth: int) -> Iterator[PostureRow]:
        for account in members[unit]:
            counts = of_account.get(account.pk, {})  # type: ignore[call-overload]
            yield PostureRow(depth, [Cell(g, counts.get(g, NO_COUNTS)) for g in groups], account=account)

    for unit in unit_tree.order_units(units):
        yield PostureRow(unit.depth, [Cell(g, of_unit[g].get(unit.ou_id, NO_COUNTS)) for g in groups], unit=unit)
        yield from accounts_in(unit.pk, unit.depth + 1)
    if None in by_path or members[None]:
        yield PostureRow(0, [Cell(g, of_unit[g].get(NO_OU, NO_COUNTS)) for g in groups])
        yield from accounts_in(None, 1)
