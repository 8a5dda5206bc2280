"""Reads a schedule's scope and rhythm from its row, for services and pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts.models import Account, Organization, OrganizationalUnit
from accounts.scopes import find_account_place, split_ou_path
from governance.core.policy import Location
from scans import registry
from scans.domain.schedule_times import Rhythm
from scans.models import Schedule

SCOPE_PARTS = ("accounts", "ous", "regions", "controls")
GONE_REASONS = {
    Account.Status.VANISHED: "The account {} has left the organization.",
    Account.Status.CLOSED: "The account {} is closed.",
}


class ScheduleScope:
    """The Accounts and OUs that schedules name, loaded in two queries for any number of schedules."""

    def __init__(self, rows: Iterable[Schedule]) -> None:
        rows = list(rows)
        accounts = {id for row in rows for id in row.asked.get("accounts", [])}
        units = {id for row in rows for id in row.asked.get("ous", [])}
        named = Account.objects.filter(account_id__in=accounts).select_related("organization", "ou")
        self.accounts = {(each.organization_id, each.account_id): each for each in named if accounts}
        found = OrganizationalUnit.objects.filter(ou_id__in=units)
        self.units = {(each.organization_id, each.ou_id): each for each in found if units}

    def places(self, organization: Organization, asked: dict[str, Any]) -> list[Location]:
        """The places that a Scan of it reads, for permission checks."""
        # An id that is unknown here may name anything, so it needs the permission over the whole organization.
        whole = Location(organization.org_id)
        places: list[Location] = []
        for id in asked.get("accounts", []):
            account = self.accounts.get((organization.pk, id))
            places.append(find_account_place(account) if account else whole)
        for id in asked.get("ous", []):
            # The OU itself instead of its current accounts, because others may join it later.
            unit = self.units.get((organization.pk, id))
            places.append(Location(organization.org_id, split_ou_path(unit.path)) if unit else whole)
        return places or [whole]

    def gone(self, row: Schedule) -> list[str]:
        """What it names but no Scan can read any more, as sentences."""
        sentences: list[str] = []
        for id in row.asked.get("accounts", []):
            account = self.accounts.get((row.organization_id, id))
            if account is None:
                sentences.append(f"The account {id} is unknown.")
            elif account.status in GONE_REASONS:
                sentences.append(GONE_REASONS[Account.Status(account.status)].format(account))
        for id in row.asked.get("ous", []):
            unit = self.units.get((row.organization_id, id))
            if unit is None or unit.vanished_at:
                sentences.append(f"The OU {f'{unit} ({id})' if unit else id} no longer exists.")
        unknown = sorted(set(row.asked.get("controls", [])) - set(registry.controls()))
        return sentences + [f"The control {id} no longer exists." for id in unknown]


def rhythm_of(row: Schedule) -> Rhythm:
    return Rhythm(row.every_minutes, row.daily_at, row.time_zone)
