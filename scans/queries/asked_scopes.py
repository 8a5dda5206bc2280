"""Describes the scope of a Scan, limited to what the reader can see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Account
from scans.models import Scan
from scans.queries import unit_choices


@dataclass(frozen=True, slots=True)
class AskedScope:
    """whole: the whole organization, so accounts and ous are empty. Otherwise they hold what the reader can see."""

    whole: bool
    accounts: list[str]
    ous: list[str]
    regions: list[str]
    controls: list[str]

    def words(self) -> str:
        """For example, "everything" or "2 accounts, 1 OU; regions eu-west-1". Counts only what the reader can see."""
        named = (("account", self.accounts), ("OU", self.ous))
        where = [f"{len(ids)} {name}{'s' if len(ids) > 1 else ''}" for name, ids in named if ids]
        parts = [", ".join(where) or ("everything" if self.whole else "a part of the organization")]
        limits = (("regions", self.regions), ("controls", self.controls))
        return "; ".join(parts + [f"{name} {', '.join(ids)}" for name, ids in limits if ids])


def load_asked_scopes(scans: Iterable[Scan], visible: QuerySet[Account]) -> dict[int, AskedScope]:
    """Scan's id -> scope, in three queries at most."""
    found = list(scans)
    named = {id for scan in found for id in scan.asked.get("accounts", [])}
    known = (
        set(visible.filter(account_id__in=named).order_by().values_list("account_id", flat=True)) if named else set()
    )
    by_ou = any(scan.asked.get("ous") for scan in found)
    units = {unit.ou_id for unit in unit_choices.list_visible_units(visible)} if by_ou else set()
    return {scan.pk: restrict_asked_scope(scan, known, units) for scan in found}


def restrict_asked_scope(scan: Scan, known: set[str], units: set[str]) -> AskedScope:
    accounts, ous = scan.asked.get("accounts", []), scan.asked.get("ous", [])
    return AskedScope(
        whole=not accounts and not ous,
        accounts=[id for id in accounts if id in known],
        ous=[id for id in ous if id in units],
        regions=scan.asked.get("regions", []),
        controls=scan.asked.get("controls", []),
    )
