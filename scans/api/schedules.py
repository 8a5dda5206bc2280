"""The API of schedules: list, get, create, change, pause, resume, delete, run now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from django.http import Http404
from django.urls import reverse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from governance.core.policy import Permission
from governance.rest.etags import compute_etag, require_match
from governance.rest.parsing import PageQuery
from governance.rest.problems import ConflictError, translate_service_error
from governance.rest.views import Answer, Api
from scans.api import scan_starts
from scans.api.scan_documents import ScanSerializer
from scans.api.schedule_documents import ChangeBody, ScheduleBody, ScheduleSerializer
from scans.domain.schedule_times import Rhythm, make_rhythm
from scans.errors import ScanRequestError
from scans.models import Schedule
from scans.pipeline import schedule_changes
from scans.pipeline.schedule_scope import SCOPE_PARTS, rhythm_of
from scans.queries import schedules as queries


class ScheduleApi(Api):
    permissions: ClassVar = {
        "list": Permission.SCAN_VIEW,
        "retrieve": Permission.SCAN_VIEW,
        "create": Permission.SCAN_SCHEDULE,
        "change": Permission.SCAN_SCHEDULE,
        "remove": Permission.SCAN_SCHEDULE,
        "run": Permission.SCAN_SCHEDULE,
    }
    queries: ClassVar = {"list": PageQuery}
    bodies: ClassVar = {"create": ScheduleBody, "change": ChangeBody}
    answers: ClassVar = {
        "list": Answer(ScheduleSerializer, many=True),
        "retrieve": Answer(ScheduleSerializer),
        "create": Answer(ScheduleSerializer, status=201),
        "change": Answer(ScheduleSerializer),
        "remove": Answer(ScheduleSerializer, status=204),
        "run": Answer(ScanSerializer, status=201, also=(200,)),
    }
    throttles: ClassVar = {"run": "scan-start"}
    matched: ClassVar = frozenset({"change", "remove"})

    def list(self, _request: Request) -> Response:
        """List the schedules whose whole scope you can see, newest first."""
        page = self.paginate_rows(queries.visible_schedules(self.actor))
        return self.page(
            queries.list_schedule_lines(page.rows, self.actor, scan_starts.accounts_of_scanner(self.actor)), page.next
        )

    def create(self, _request: Request) -> Response:
        """Create a schedule. You need the permission to schedule scans for its whole scope."""
        given = self.body()
        scan_starts.refuse_unseen(self.actor, given["accounts"], given["ous"])
        organization = scan_starts.require_organization(self.actor, given["organization"])
        asked = {name: given[name] for name in SCOPE_PARTS}
        with report_field_errors():
            rhythm = make_rhythm(given["every_minutes"], given["daily_at"] or "", given["time_zone"] or "")
            made = schedule_changes.create_schedule(
                actor=self.actor, organization=organization, name=given["name"], rhythm=rhythm, asked=asked
            )
        return self.shown(made.pk, Location=reverse("api-schedule", args=[made.pk]))

    def retrieve(self, _request: Request, schedule: int) -> Response:
        """Get one schedule, with its ETag."""
        return self.shown(self.found(schedule, Permission.SCAN_VIEW).pk)

    def change(self, _request: Request, schedule: int) -> Response:
        """Change a schedule. `enabled` pauses and resumes it. A list replaces the earlier list."""
        found = self.found(schedule)
        given = self.body()
        require_match(self.request, make_schedule_etag(found))
        # Only new ids must be visible. Ids that the schedule has already may name accounts that have left since.
        scan_starts.refuse_unseen(
            self.actor, list_added_ids(found, given, "accounts"), list_added_ids(found, given, "ous")
        )
        asked = schedule_changes.build_scan_arguments(found) | {
            name: given[name] for name in SCOPE_PARTS if name in given
        }
        with report_field_errors():
            schedule_changes.change_schedule(
                actor=self.actor,
                schedule=found,
                version=found.version,
                name=given.get("name"),
                asked=asked,
                rhythm=amend_rhythm(rhythm_of(found), given),
                enabled=given.get("enabled"),
            )
        return self.shown(schedule)

    def remove(self, _request: Request, schedule: int) -> Response:
        """Delete a schedule. The Scans that it started stay."""
        self.body()
        found = self.found(schedule)
        require_match(self.request, make_schedule_etag(found))
        schedule_changes.delete_schedule(actor=self.actor, schedule=found, version=found.version)
        return Response(status=204)

    def run(self, _request: Request, schedule: int) -> Response:
        """Start its Scan now, even if it is paused. Returns 200 with the Scan that already runs, if there is one."""
        self.body()
        found = self.found(schedule)
        with translate_service_error(ScanRequestError, as_=ConflictError):
            done = schedule_changes.run_schedule(actor=self.actor, schedule=found)
        return scan_starts.answer_with_scan(self, done)

    def found(self, schedule: int, permission: Permission = Permission.SCAN_SCHEDULE) -> Schedule:
        """Raises Http404."""
        row = queries.visible_schedules(self.actor, permission, schedule).first()
        if row is None:
            raise Http404
        return row

    def shown(self, pk: int, **headers: str) -> Response:
        """A response with the current schedule. Who may write it may see it, even without scan.view."""
        row = Schedule.objects.select_related("organization").get(pk=pk)
        (line,) = queries.list_schedule_lines([row], self.actor, scan_starts.accounts_of_scanner(self.actor))
        return self.answer(line, headers={"ETag": make_schedule_etag(row), **headers})


@contextmanager
def report_field_errors() -> Iterator[None]:
    """Turn a service's refusal into a 400 with the field."""
    try:
        yield
    except ScanRequestError as error:
        raise ValidationError({error.field or "non_field_errors": [str(error)]}) from error


def list_added_ids(schedule: Schedule, given: Mapping[str, Any], name: str) -> list[str]:
    """The ids in the request that the schedule doesn't have yet."""
    before = set(schedule.asked.get(name, []))
    return [id for id in given.get(name, []) if id not in before]


def amend_rhythm(rhythm: Rhythm, given: Mapping[str, Any]) -> Rhythm | None:
    """The rhythm with the values in the body. None: the body has none of them. Raises ScanRequestError."""
    named = {name: given[name] for name in ("every_minutes", "daily_at", "time_zone") if name in given}
    if not named:
        return None
    minutes, at, zone = (named.get(name) for name in ("every_minutes", "daily_at", "time_zone"))
    # A PATCH may change only the time zone of a daily schedule, or only one value of the current kind of rhythm.
    if minutes is None and "daily_at" not in named and rhythm.daily_at:
        at = f"{rhythm.daily_at:%H:%M}"
    if minutes is None and not at and not rhythm.daily_at:
        minutes = rhythm.every_minutes
    return make_rhythm(minutes, at or "", (rhythm.time_zone if at and "time_zone" not in named else zone) or "")


def make_schedule_etag(row: Schedule) -> str:
    """The ETag over what people change. Runs of the schedule don't change it."""
    return compute_etag("schedule", row.pk, row.version)
