"""Lists the OUs that a reader can choose from: those with a visible account, and their parents."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Account, OrganizationalUnit
from scans.queries import unit_tree


@dataclass(frozen=True, slots=True)
class UnitChoice:
    ou_id: str
    name: str
    depth: int

    @property
    def label(self) -> str:
        # An em space per level. HTML collapses ordinary spaces in an option, and CSS can't indent one.
        return "\u2003" * self.depth + self.name


def list_visible_units(visible: QuerySet[Account]) -> list[OrganizationalUnit]:
    """Parents before children, in two queries."""
    paths = visible.exclude(ou=None).order_by().values_list("ou__path", flat=True).distinct()
    ids = {part for path in paths for part in path.split("/") if part}
    return list(OrganizationalUnit.objects.filter(ou_id__in=ids).order_by("organization_id", "path"))


def list_unit_choices(visible: QuerySet[Account]) -> list[UnitChoice]:
    return [
        UnitChoice(unit.ou_id, unit.name, unit.depth) for unit in unit_tree.order_units(list_visible_units(visible))
    ]


def list_units_above(visible: QuerySet[Account], ou: str) -> list[OrganizationalUnit]:
    """The OUs from the root down to this one; empty if it has no visible account."""
    units_seen = list_visible_units(visible.filter(ou__path__contains=f"/{ou}/")) if ou else []
    wanted = next((unit for unit in units_seen if unit.ou_id == ou), None)
    return [unit for unit in units_seen if wanted and wanted.path.startswith(unit.path)]
