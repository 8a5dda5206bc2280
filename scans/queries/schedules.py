"""Schedules as a reader may see them: those whose whole scope they may see. What they know of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts.models import Account, Organization, OrganizationalUnit
from accounts.scopes import branch, place_of
from governance.core.policy import Actor, Permission, Place, decide
from scans import registry
from scans.domain.schedule_times import Rhythm
from scans.models import Scan, Schedule
from scans.queries import scans
from scans.queries.asked import Asked

PARTS = ("accounts", "ous", "regions", "controls")
GONE = {
    Account.Status.VANISHED: "The account {} has left the organization.",
    Account.Status.CLOSED: "The account {} is closed.",
}


def visible_schedules(
    actor: Actor, permission: Permission = Permission.SCAN_VIEW, pk: int | None = None
) -> QuerySet[Schedule]:
    """Those over the whole scope of which the actor holds this permission: their names and reasons name parts of it.

    pk: only this one.
    """
    rows = Schedule.objects.filter(deleted_at=None).select_related("organization")
    rows = rows if pk is None else rows.filter(pk=pk)
    return rows if actor.system else rows.filter(pk__in=[row.pk for row in allowed(actor, permission, list(rows))])


def allowed(
    actor: Actor, permission: Permission, rows: Sequence[Schedule], scope: Scope | None = None
) -> list[Schedule]:
    scope, now = scope or Scope(rows), timezone.now()
    return [
        row for row in rows if all(decide(actor, permission, now, place) for place in scope.places(row.organization, row.asked))
    ]  # fmt: skip


class Scope:
    """The Accounts and OUs that schedules name, in two queries however many schedules there are."""

    def __init__(self, rows: Iterable[Schedule]) -> None:
        rows = list(rows)
        accounts = {id for row in rows for id in row.asked.get("accounts", [])}
        units = {id for row in rows for id in row.asked.get("ous", [])}
        named = Account.objects.filter(account_id__in=accounts).select_related("organization", "ou")
        self.accounts = {(each.organization_id, each.account_id): each for each in named if accounts}
        found = OrganizationalUnit.objects.filter(ou_id__in=units)
        self.units = {(each.organization_id, each.ou_id): each for each in found if units}

    def places(self, organization: Organization, asked: dict[str, Any]) -> list[Place]:
        """Where a Scan of it reads. Whatever isn't known takes the whole organization."""
        whole = Place(organization.org_id)
        places: list[Place] = []
        for id in asked.get("accounts", []):
            account = self.accounts.get((organization.pk, id))
            places.append(place_of(account) if account else whole)
        for id in asked.get("ous", []):
            # The OU itself, not the accounts that are in it now: others may join it.
            unit = self.units.get((organization.pk, id))
            places.append(Place(organization.org_id, branch(unit.path)) if unit else whole)
        return places or [whole]

    def gone(self, row: Schedule) -> list[str]:
        """What it names and no Scan can read any more, in sentences."""
        said: list[str] = []
        for id in row.asked.get("accounts", []):
            account = self.accounts.get((row.organization_id, id))
            if account is None:
                said.append(f"The account {id} is not known.")
            elif account.status in GONE:
                said.append(GONE[Account.Status(account.status)].format(account))
        for id in row.asked.get("ous", []):
            unit = self.units.get((row.organization_id, id))
            if unit is None or unit.vanished_at:
                said.append(f"The OU {f'{unit} ({id})' if unit else id} is gone.")
        unknown = sorted(set(row.asked.get("controls", [])) - set(registry.controls()))
        return said + [f"There is no control {id} any more." for id in unknown]


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """A Schedule in a list. last: its newest Scan, if the reader may see that; ran: is there one at all?"""

    schedule: Schedule
    asked: Asked
    rhythm: Rhythm
    gone: list[str]
    last: Scan | None
    ran: bool
    may_change: bool


def lines(rows: Sequence[Schedule], actor: Actor, visible: QuerySet[Account]) -> list[ScheduleLine]:
    """visible: the Accounts whose Scans the reader may see."""
    scope = Scope(rows)
    newest = Scan.objects.filter(schedule__in=rows).order_by().values("schedule").annotate(pk_of_last=Max("pk"))
    last = {each["schedule"]: each["pk_of_last"] for each in newest}
    seen = {scan.pk: scan for scan in scans.visible_scans(visible).filter(pk__in=last.values())}
    mine = {row.pk for row in allowed(actor, Permission.SCAN_SCHEDULE, rows, scope)}
    return [
        ScheduleLine(
            schedule=row, asked=asked_of(row), rhythm=rhythm_of(row), gone=scope.gone(row),
            last=seen.get(last.get(row.pk, 0)), ran=row.pk in last, may_change=row.pk in mine,
        )
        for row in rows
    ]  # fmt: skip


def asked_of(row: Schedule) -> Asked:
    """Whole: who sees the schedule may see all of its scope."""
    parts: dict[str, list[str]] = {name: row.asked.get(name, []) for name in PARTS}
    return Asked(whole=not parts["accounts"] and not parts["ous"], **parts)


def rhythm_of(row: Schedule) -> Rhythm:
    return Rhythm(row.every_minutes, row.daily_at, row.time_zone)
