"""Creates, changes, pauses, resumes, deletes and runs schedules. Each needs the permission over the whole scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from governance.core import audit, free_text
from governance.core.policy import Actor, NotPermittedError, Permission, is_permitted
from governance.core.states import SCAN_ENDED
from governance.core.transitions import LostRaceError
from scans import registry
from scans.domain.schedule_times import Rhythm
from scans.errors import ScanRequestError
from scans.models import Scan, Schedule
from scans.pipeline.rescan import Rescan
from scans.pipeline.schedule_scope import SCOPE_PARTS, ScheduleScope, rhythm_of
from scans.pipeline.start import (
    build_empty_scan_error,
    choose_accounts,
    list_partition_regions,
    refuse_unknown_ids,
    start_scan,
)
from scans.registry import resolve_control_ids

MAX_SCHEDULE_NAME = 100
MAX_SCHEDULE_ACCOUNTS = 1000
CLEARED_REFUSAL = {"refused": "", "refused_at": None}
RequestedScope = Mapping[str, Sequence[str]]


def create_schedule(
    *, actor: Actor, organization: Organization, name: str, rhythm: Rhythm, asked: RequestedScope
) -> Schedule:
    """asked: accounts, ous, regions, controls (ids or names of groups), as for a Scan. An empty part means everything.

    The first Scan starts at the first due time. Raises ScanRequestError, NotPermittedError.
    """
    scope = validate_schedule_scope(actor, organization, asked)
    now = timezone.now()
    with transaction.atomic():
        schedule = Schedule.objects.create(
            organization=organization,
            name=validate_schedule_name(organization, name),
            asked=scope,
            created_by=actor.name,
            created_at=now,
            next_due_at=rhythm.after(now),
            **build_rhythm_columns(rhythm),
        )
        audit_schedule_act(actor, "create", schedule, rhythm=rhythm.words(), asked=scope)
    return schedule


def change_schedule(
    *,
    actor: Actor,
    schedule: Schedule,
    name: str | None = None,
    rhythm: Rhythm | None = None,
    asked: RequestedScope | None = None,
    enabled: bool | None = None,
    version: int | None = None,
) -> None:
    """Change what is given; None leaves a value unchanged. version: the version that the person saw.

    1. Lock the row and check permission and version.
    2. Validate and collect the new values, and return if nothing differs.
    3. Compute a new due time if the rhythm changed or an overdue schedule was resumed.
    4. Save, and record a change and a pause or resume as separate audit events.

    Raises ScanRequestError, NotPermittedError, LostRaceError.
    """
    now = timezone.now()
    with transaction.atomic():
        row = lock_schedule(actor, schedule, version)
        new: dict[str, Any] = {}
        if name is not None and name.strip() != row.name:
            new["name"] = validate_schedule_name(row.organization, name)
        if rhythm is not None and rhythm != rhythm_of(row):
            new |= build_rhythm_columns(rhythm)
        if asked is not None and not is_same_scope(asked, row):
            new |= {"asked": validate_schedule_scope(actor, row.organization, asked), **CLEARED_REFUSAL}
        switched = enabled is not None and enabled != row.enabled
        was = {field: getattr(row, field) for field in new if field not in CLEARED_REFUSAL}
        if switched:
            new["enabled"] = enabled
        if not new:
            return
        for field, value in new.items():
            setattr(row, field, value)
        # A new rhythm counts from now. A schedule that was paused past its due time doesn't start at once when resumed.
        if "every_minutes" in new or (row.enabled and row.next_due_at <= now and switched):
            row.next_due_at = rhythm_of(row).after(now)
        row.changed_by, row.changed_at, row.version = actor.name, now, row.version + 1
        row.save()
        if was:
            audit_schedule_act(actor, "change", row, was=was, now={field: new[field] for field in was})
        if switched:
            audit_schedule_act(actor, "resume" if enabled else "pause", row)
    schedule.refresh_from_db()


def delete_schedule(*, actor: Actor, schedule: Schedule, version: int | None = None) -> None:
    """Mark it deleted. The Scans that it started stay. Raises NotPermittedError, LostRaceError."""
    with transaction.atomic():
        row = lock_schedule(actor, schedule, version)
        row.enabled, row.deleted_at, row.version = False, timezone.now(), row.version + 1
        row.save(update_fields=["enabled", "deleted_at", "version"])
        audit_schedule_act(actor, "delete", row, asked=row.asked, rhythm=rhythm_of(row).words())
    schedule.refresh_from_db()


def run_schedule(*, actor: Actor, schedule: Schedule) -> Rescan:
    """Scan its scope now, even if it is paused. The next due time stays. If started, enqueue the Scan on commit.

    While a Scan of the schedule runs, returns that one. Raises ScanRequestError, NotPermittedError, LostRaceError.
    """
    try:
        with transaction.atomic():
            row = lock_schedule(actor, schedule)
            running = find_running_scan(row)
            if running is not None:
                return Rescan(running, started=False)
            scan = start_scan(
                actor=actor,
                organization=row.organization,
                schedule=row,
                permission=Permission.SCAN_SCHEDULE,
                **build_scan_arguments(row),
            )
            Schedule.objects.filter(pk=row.pk).update(**CLEARED_REFUSAL)
            audit_schedule_act(actor, "run", row, scan=scan.pk)
    # Outside of the transaction, which was rolled back: the refusal must stay visible on the schedule's page.
    except ScanRequestError as error:
        Schedule.objects.filter(pk=schedule.pk).update(refused=str(error), refused_at=timezone.now())
        raise
    return Rescan(scan, started=True)


def find_running_scan(schedule: Schedule) -> Scan | None:
    return schedule.scans.exclude(state__in=SCAN_ENDED).order_by("-id").first()


def build_scan_arguments(schedule: Schedule) -> dict[str, Any]:
    """The arguments of start_scan. Rows of earlier releases lack the parts, which means everything."""
    return {name: list(schedule.asked.get(name, [])) for name in SCOPE_PARTS}


def lock_schedule(actor: Actor, schedule: Schedule, version: int | None = None) -> Schedule:
    """The current row, locked until the end of the transaction. Raises NotPermittedError, LostRaceError."""
    # of=("self",): PostgreSQL would otherwise lock the joined organization too.
    rows = Schedule.objects.select_for_update(of=("self",)).select_related("organization")
    row = rows.get(pk=schedule.pk)
    require_schedule_scope(actor, row.organization, ScheduleScope([row]), row.asked)
    if row.deleted_at is not None:
        raise LostRaceError("The schedule has been deleted.")
    if version is not None and version != row.version:
        raise LostRaceError("The schedule has changed since you read it. Review it, then try again.")
    return row


def require_schedule_scope(
    actor: Actor, organization: Organization, scope: ScheduleScope, asked: Mapping[str, Any]
) -> None:
    now = timezone.now()
    places = scope.places(organization, dict(asked))
    if not all(is_permitted(actor, Permission.SCAN_SCHEDULE, now, place) for place in places):
        raise NotPermittedError(
            f"{actor.name} is not allowed to schedule these scans. "
            "This needs a grant as scan operator for the whole scope."
        )


def validate_schedule_scope(actor: Actor, organization: Organization, asked: RequestedScope) -> dict[str, list[str]]:
    """The scope as stored. Raises ScanRequestError for what start_scan would refuse, and NotPermittedError."""
    accounts, ous, regions = (list(dict.fromkeys(asked.get(name, ()))) for name in SCOPE_PARTS[:3])
    if len(accounts) > MAX_SCHEDULE_ACCOUNTS:
        raise ScanRequestError(
            f"Enter at most {MAX_SCHEDULE_ACCOUNTS:,} accounts, or select their OUs instead.", field="accounts"
        )
    kept = {
        "accounts": accounts,
        "ous": ous,
        "regions": sorted(regions),
        "controls": sorted(resolve_control_ids(asked.get("controls", ()))),
    }
    chosen = choose_accounts(organization, accounts, ous)
    require_schedule_scope(actor, organization, ScheduleScope([Schedule(organization=organization, asked=kept)]), kept)
    refuse_unknown_ids("control", kept["controls"], registry.controls())
    refuse_unknown_ids("region", kept["regions"], list_partition_regions(organization))
    if not chosen.exists():
        raise build_empty_scan_error(organization, [*accounts, *ous])
    return kept


def is_same_scope(asked: RequestedScope, row: Schedule) -> bool:
    wanted = {**asked, "controls": resolve_control_ids(asked.get("controls", ()))}
    return all(set(wanted.get(name, ())) == set(row.asked.get(name, [])) for name in SCOPE_PARTS)


def validate_schedule_name(organization: Organization, name: str) -> str:
    """The cleaned name. Raises ScanRequestError if it is taken, too long, or contains a secret or personal data."""
    name = name.strip()
    if not name:
        raise ScanRequestError("Enter a name.", field="name")
    if len(name) > MAX_SCHEDULE_NAME:
        raise ScanRequestError(f"Use at most {MAX_SCHEDULE_NAME} characters.", field="name")
    if not name.isprintable():
        raise ScanRequestError("The name contains a character that can't be displayed. Remove it.", field="name")
    try:
        free_text.refuse_sensitive(name)
    except ValidationError as error:
        raise ScanRequestError(" ".join(error.messages), field="name") from error
    # The lock makes two requests with the same name run one after the other. no_key: scans of the organization that
    # only refer to its row don't wait.
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if Schedule.objects.filter(organization=organization, name=name, deleted_at=None).exists():
        raise ScanRequestError("A schedule with this name already exists. Choose another name.", field="name")
    return name


def build_rhythm_columns(rhythm: Rhythm) -> dict[str, Any]:
    return {"every_minutes": rhythm.every_minutes, "daily_at": rhythm.daily_at, "time_zone": rhythm.time_zone}


def audit_schedule_act(actor: Actor, act: str, schedule: Schedule, **body: Any) -> None:
    audit.record(
        actor=actor,
        action=f"schedule.{act}",
        subject=f"schedule:{schedule.pk}",
        name=schedule.name,
        organization=schedule.organization.org_id,
        **body,
    )
