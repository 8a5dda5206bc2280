"""Loads the schedules whose whole scope the reader can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts.models import Account
from governance.core.policy import Actor, Permission, is_permitted
from scans.domain.schedule_times import Rhythm
from scans.models import Scan, Schedule
from scans.pipeline.schedule_scope import SCOPE_PARTS, ScheduleScope, rhythm_of
from scans.queries import scans
from scans.queries.asked_scopes import AskedScope


def visible_schedules(
    actor: Actor, permission: Permission = Permission.SCAN_VIEW, pk: int | None = None
) -> QuerySet[Schedule]:
    """The schedules over whose whole scope the actor has this permission. pk: only this one."""
    # The whole scope, since a schedule's name and refusals can mention any part of it.
    rows = Schedule.objects.filter(deleted_at=None).select_related("organization")
    rows = rows if pk is None else rows.filter(pk=pk)
    return (
        rows if actor.system else rows.filter(pk__in=[row.pk for row in filter_allowed(actor, permission, list(rows))])
    )


def filter_allowed(
    actor: Actor, permission: Permission, rows: Sequence[Schedule], scope: ScheduleScope | None = None
) -> list[Schedule]:
    scope, now = scope or ScheduleScope(rows), timezone.now()
    return [
        row
        for row in rows
        if all(is_permitted(actor, permission, now, place) for place in scope.places(row.organization, row.asked))
    ]


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """A Schedule in a list. last: its newest Scan, if the reader can see it. ran: whether it ever started one."""

    schedule: Schedule
    asked: AskedScope
    rhythm: Rhythm
    gone: list[str]
    last: Scan | None
    ran: bool
    may_change: bool


def list_schedule_lines(rows: Sequence[Schedule], actor: Actor, visible: QuerySet[Account]) -> list[ScheduleLine]:
    """visible: the Accounts whose Scans the reader can see."""
    scope = ScheduleScope(rows)
    newest = Scan.objects.filter(schedule__in=rows).order_by().values("schedule").annotate(pk_of_last=Max("pk"))
    last = {each["schedule"]: each["pk_of_last"] for each in newest}
    seen = {scan.pk: scan for scan in scans.visible_scans(visible).filter(pk__in=last.values())}
    mine = {row.pk for row in filter_allowed(actor, Permission.SCAN_SCHEDULE, rows, scope)}
    return [
        ScheduleLine(
            schedule=row,
            asked=read_schedule_scope(row),
            rhythm=rhythm_of(row),
            gone=scope.gone(row),
            last=seen.get(last.get(row.pk, 0)),
            ran=row.pk in last,
            may_change=row.pk in mine,
        )
        for row in rows
    ]


def read_schedule_scope(row: Schedule) -> AskedScope:
    """The schedule's scope, unrestricted: a reader who can see a schedule can see its whole scope."""
    parts: dict[str, list[str]] = {name: row.asked.get(name, []) for name in SCOPE_PARTS}
    return AskedScope(whole=not parts["accounts"] and not parts["ous"], **parts)
