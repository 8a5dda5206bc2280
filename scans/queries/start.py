"""Loads the choices of the form to start a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account, Organization
from governance.core.policy import Actor, Location, Permission, is_permitted
from scans.queries import choices, controls, unit_choices
from scans.queries.unit_choices import UnitChoice


@dataclass(frozen=True, slots=True)
class ScanFormChoices:
    """whole: ids of the organizations that the person may scan as a whole."""

    organizations: list[Organization]
    whole: frozenset[str]
    units: list[UnitChoice]
    regions: list[str]
    controls: list[tuple[str, str, list[tuple[str, str]]]]


def load_scan_form_choices(
    actor: Actor, visible: QuerySet[Account], permission: Permission = Permission.SCAN_RUN
) -> ScanFormChoices:
    """visible: the accounts for which the actor has the permission."""
    organizations = list(Organization.objects.filter(accounts__in=visible.order_by().values("pk")).distinct())
    now = timezone.now()
    return ScanFormChoices(
        organizations=organizations,
        whole=frozenset(
            o.org_id for o in organizations if is_permitted(actor, permission, now, Location(organization=o.org_id))
        ),
        units=unit_choices.list_unit_choices(visible),
        regions=choices.list_visible_regions(visible),
        controls=controls.list_control_choices(),
    )


def not_among(visible: QuerySet[Account], asked: Sequence[str]) -> list[str]:
    """The ids that are no visible account. Whether they exist elsewhere is not revealed."""
    known = set(visible.filter(account_id__in=asked).values_list("account_id", flat=True))
    return [id for id in asked if id not in known]
