"""The API's documents of a schedule, as input and output."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from governance.rest.parsing import Strict
from scans.api.scan_documents import AskedSerializer
from scans.domain.schedule_times import MAX_MINUTES, MIN_MINUTES
from scans.pipeline.schedule_changes import MAX_SCHEDULE_ACCOUNTS, MAX_SCHEDULE_NAME

EVERY: dict[str, Any] = {"min_value": MIN_MINUTES, "max_value": MAX_MINUTES, "allow_null": True}
EVERY_HELP = "The interval in minutes. Alternatively, use daily_at with time_zone."
AT_HELP = (
    "A time of day such as 02:30. If clocks go back and it occurs twice, the first counts. If clocks go forward and "
    "skip it, the scan starts later that day."
)
ZONE_HELP = "The time zone of daily_at, such as UTC or Europe/Madrid."


def make_id_list_field(most: int, **more: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), max_length=most, **more)


class ScheduleBody(Strict):
    """A schedule. Without accounts and OUs, it scans the whole Organization."""

    name = serializers.CharField(max_length=MAX_SCHEDULE_NAME)
    organization = serializers.CharField(
        default="", allow_blank=True, help_text="Required only if you can see several."
    )
    every_minutes = serializers.IntegerField(default=None, help_text=EVERY_HELP, **EVERY)
    daily_at = serializers.CharField(default=None, allow_null=True, help_text=AT_HELP)
    time_zone = serializers.CharField(default=None, allow_null=True, help_text=ZONE_HELP)
    accounts = make_id_list_field(MAX_SCHEDULE_ACCOUNTS, default=list)
    ous = make_id_list_field(1_000, default=list)
    regions = make_id_list_field(100, default=list)
    controls = make_id_list_field(1_000, default=list, help_text="Ids of controls, or names of groups.")


class ChangeBody(Strict):
    """The changes to a schedule. Fields that are left out stay unchanged."""

    name = serializers.CharField(max_length=MAX_SCHEDULE_NAME, required=False)
    enabled = serializers.BooleanField(required=False, help_text="false pauses the schedule, true resumes it.")
    every_minutes = serializers.IntegerField(required=False, help_text=EVERY_HELP, **EVERY)
    daily_at = serializers.CharField(required=False, allow_null=True, help_text=AT_HELP)
    time_zone = serializers.CharField(required=False, allow_null=True, help_text=ZONE_HELP)
    accounts = make_id_list_field(MAX_SCHEDULE_ACCOUNTS, required=False)
    ous = make_id_list_field(1_000, required=False)
    regions = make_id_list_field(100, required=False)
    controls = make_id_list_field(1_000, required=False, help_text="Ids of controls, or names of groups.")


class LastRunSerializer(serializers.Serializer[Any]):
    scan = serializers.IntegerField(source="pk")
    state = serializers.CharField()
    started_at = serializers.DateTimeField(source="created_at")


class ScheduleSerializer(serializers.Serializer[Any]):
    """A schedule that starts Scans. Either every_minutes or daily_at is set; the other is null.

    next_run_at: null while it is paused. last_run: null if there is none or you can't see it. refused: why the last
    start was refused, null if it wasn't. missed: how many due times started no Scan. gone: parts of its scope that no
    longer exist. created_by and created_at: null on rows of earlier releases.
    """

    id = serializers.IntegerField(source="schedule.pk")
    name = serializers.CharField(source="schedule.name")
    organization = serializers.CharField(source="schedule.organization.org_id")
    enabled = serializers.BooleanField(source="schedule.enabled")
    asked = AskedSerializer()
    every_minutes = serializers.SerializerMethodField()
    daily_at = serializers.TimeField(source="schedule.daily_at", format="%H:%M", allow_null=True)
    time_zone = serializers.SerializerMethodField()
    next_run_at = serializers.SerializerMethodField()
    last_run = LastRunSerializer(source="last", allow_null=True)
    refused = serializers.SerializerMethodField()
    refused_at = serializers.DateTimeField(source="schedule.refused_at", allow_null=True)
    missed = serializers.IntegerField(source="schedule.missed")
    last_missed_at = serializers.DateTimeField(source="schedule.missed_at", allow_null=True)
    gone = serializers.ListField(child=serializers.CharField())
    created_by = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="schedule.created_at", allow_null=True)
    changed_by = serializers.SerializerMethodField()
    changed_at = serializers.DateTimeField(source="schedule.changed_at", allow_null=True)

    def get_every_minutes(self, line: Any) -> int | None:
        return None if line.schedule.daily_at else int(line.schedule.every_minutes)

    def get_time_zone(self, line: Any) -> str | None:
        return line.schedule.time_zone or None

    def get_next_run_at(self, line: Any) -> datetime | None:
        return line.schedule.next_due_at if line.schedule.enabled else None

    def get_refused(self, line: Any) -> str | None:
        return line.schedule.refused or None

    def get_created_by(self, line: Any) -> str | None:
        return line.schedule.created_by or None

    def get_changed_by(self, line: Any) -> str | None:
        return line.schedule.changed_by or None
