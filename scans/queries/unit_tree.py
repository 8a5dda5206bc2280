"""Sorts OUs as a tree and sums numbers over OUs and the OUs below them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from accounts.models import Account, OrganizationalUnit
from scans.queries.cells import Counts

NO_OU = "none"
Number = TypeVar("Number", int, Counts)


def order_units(units: Iterable[OrganizationalUnit]) -> Iterator[OrganizationalUnit]:
    """Parents before children, siblings by name. A unit whose parent isn't included counts as a root."""
    every = list(units)
    known = {unit.pk for unit in every}
    below: dict[int | None, list[OrganizationalUnit]] = defaultdict(list)
    for unit in sorted(every, key=lambda u: (u.organization_id, u.name.casefold(), u.ou_id)):
        below[unit.parent_id if unit.parent_id in known else None].append(unit)
    waiting = list(reversed(below[None]))
    while waiting:
        unit = waiting.pop()
        yield unit
        waiting += reversed(below[unit.pk])


def sum_by_unit(direct: Mapping[str | None, Number], nothing: Number) -> dict[str, Number]:
    """OU id -> the sum over it and the OUs below, from sums by path. The path None becomes "none", for no OU."""
    sums: dict[str, Number] = {}
    for path, value in direct.items():
        for ou_id in ids_in(path):
            sums[ou_id] = sums.get(ou_id, nothing) + value
    return sums


def ids_in(path: str | None) -> list[str]:
    """The ids on a path, from the root down."""
    return [part for part in path.split("/") if part] if path else [NO_OU]


def group_by_unit(accounts: Iterable[Account]) -> dict[int | None, list[Account]]:
    """OU's row id -> the accounts directly in it, by name."""
    found: dict[int | None, list[Account]] = defaultdict(list)
    for account in sorted(accounts, key=lambda a: (a.name.casefold(), a.account_id)):
        found[account.ou_id].append(account)
    return found
