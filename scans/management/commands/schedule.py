"""manage.py schedule list|add|change|pause|resume|remove|run: manages the schedules that start scans."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Account
from governance.core.cli import DONE, CouldNotError, TutelaCommand, UsageError
from governance.core.policy import SYSTEM
from governance.core.transitions import LostRaceError
from scans.domain.schedule_times import UNIT_MINUTES, Rhythm, make_rhythm
from scans.errors import ScanRequestError
from scans.management.commands.scan import find_named_organization, reach_broker
from scans.models import Schedule
from scans.pipeline import schedule_changes
from scans.pipeline.schedule_scope import SCOPE_PARTS
from scans.queries.schedules import ScheduleLine, list_schedule_lines

EVERY = re.compile(r"([0-9]{1,7})([mhd])")
IDS = 19  # digits that an id may have
ID_OR_NAME = "the schedule's id, or its name"


class Command(TutelaCommand):
    help = "List, add, change, pause, resume, remove and run the schedules that start scans."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
        seen = acts.add_parser("list", help="list scope, times, last and next run, and problems of each schedule")
        seen.add_argument("--organization", metavar="ID", help="only schedules of this organization")
        add = acts.add_parser("add", help="create a schedule; without accounts and OUs it scans the whole organization")
        add.add_argument("name")
        add.add_argument("--organization", metavar="ID", help="the organization, if several are known")
        change = acts.add_parser("change", help="change the given values; others stay unchanged")
        change.add_argument("id", help=ID_OR_NAME)
        change.add_argument("--name")
        for part in SCOPE_PARTS:
            change.add_argument(f"--all-{part}", action="store_true", help=f"cover all {part} instead of some")
        for act in (add, change):
            add_rhythm_arguments(act)
        for name, what in (
            ("pause", "start no scans until it is resumed"),
            ("resume", "resume a paused schedule"),
            ("remove", "delete a schedule; the scans that it started stay"),
            ("run", "start its scan now, on the workers"),
        ):
            acts.add_parser(name, help=what).add_argument("id", help=ID_OR_NAME)

    def work(self, options: dict[str, Any]) -> int:
        named = [find_schedule(options["id"])] if "id" in options else []
        with translate_refusals():
            getattr(self, options["act"])(*named, options)
        return DONE

    def list(self, options: dict[str, Any]) -> None:
        rows = Schedule.objects.filter(deleted_at=None).select_related("organization").order_by("pk")
        if options["organization"]:
            rows = rows.filter(organization=find_named_organization(options["organization"]))
        found = list_schedule_lines(list(rows), SYSTEM, Account.objects.all())
        for line in found:
            self.show(line)
        if not found:
            self.stdout.write(
                "There are no schedules. Create one: manage.py schedule add NAME --daily 02:00 --zone UTC"
            )

    def show(self, line: ScheduleLine) -> None:
        row, last = line.schedule, line.last
        ran = (
            f"last run: scan {last.pk} ({last.state}) {format_schedule_time(last.created_at)}"
            if last
            else "last run: none yet"
        )
        due = f"next run: {format_schedule_time(row.next_due_at)}" if row.enabled else "paused"
        missed = f"; missed runs: {row.missed}" if row.missed else ""
        self.stdout.write(f"{row.pk}  {row.name}  {line.rhythm.words()}; {line.asked.words()} of {row.organization}")
        self.stdout.write(f"    {due}; {ran}{missed}")
        if row.refused:
            self.stdout.write(f"    last start refused {format_schedule_time(row.refused_at)}: {row.refused}")
        for problem in line.gone:
            self.stdout.write(f"    {problem}")

    def add(self, options: dict[str, Any]) -> None:
        rhythm = rhythm_of(options) or make_rhythm()
        organization = find_named_organization(options["organization"])
        asked = {part: options[part] for part in SCOPE_PARTS}
        made = schedule_changes.create_schedule(
            actor=SYSTEM, organization=organization, name=options["name"], rhythm=rhythm, asked=asked
        )
        self.stdout.write(
            f"Schedule {made.pk} is created: {rhythm.words()}; next run {format_schedule_time(made.next_due_at)}."
        )

    def change(self, schedule: Schedule, options: dict[str, Any]) -> None:
        asked = schedule_changes.build_scan_arguments(schedule)
        for part in SCOPE_PARTS:
            if options[part] and options[f"all_{part}"]:
                raise UsageError(f"Give {part} or --all-{part}, not both.")
            asked[part] = [] if options[f"all_{part}"] else options[part] or asked[part]
        rhythm, before = rhythm_of(options), schedule.version
        schedule_changes.change_schedule(
            actor=SYSTEM, schedule=schedule, name=options["name"], rhythm=rhythm, asked=asked
        )
        self.stdout.write(f"Schedule {schedule.pk} is {'changed' if schedule.version != before else 'unchanged'}.")

    def pause(self, schedule: Schedule, _options: dict[str, Any]) -> None:
        schedule_changes.change_schedule(actor=SYSTEM, schedule=schedule, enabled=False)
        self.stdout.write(f"Schedule {schedule.pk} is paused.")

    def resume(self, schedule: Schedule, _options: dict[str, Any]) -> None:
        schedule_changes.change_schedule(actor=SYSTEM, schedule=schedule, enabled=True)
        self.stdout.write(f"Schedule {schedule.pk} is resumed; next run {format_schedule_time(schedule.next_due_at)}.")

    def remove(self, schedule: Schedule, _options: dict[str, Any]) -> None:
        schedule_changes.delete_schedule(actor=SYSTEM, schedule=schedule)
        self.stdout.write(f"Schedule {schedule.pk} is removed.")

    def run(self, schedule: Schedule, _options: dict[str, Any]) -> None:
        from django.conf import settings

        from scans.tasks import enqueue_scan

        if settings.EMBEDDED:
            raise CouldNotError(
                "There are no workers, because BROKER_URL is memory://. Run the schedule on its page in the portal."
            )
        reach_broker()
        done = schedule_changes.run_schedule(actor=SYSTEM, schedule=schedule)
        if done.started:
            enqueue_scan(done.scan.pk)
        state = "is queued" if done.started else "of this schedule is already running"
        self.stdout.write(f"Scan {done.scan.pk} {state}.")


def add_rhythm_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--every", metavar="N", help="an interval such as 30m, 6h or 1d")
    parser.add_argument("--daily", metavar="HH:MM", help="a time of day; needs --zone")
    parser.add_argument("--zone", metavar="ZONE", help="a time zone such as UTC or Europe/Madrid")
    for name, part, metavar, what in (
        ("--account", "accounts", "ID", "account"),
        ("--ou", "ous", "ID", "OU with its child OUs"),
        ("--region", "regions", "R", "region"),
        ("--control", "controls", "ID", "control, or group such as SSM-DS-001 or PS"),
    ):
        parser.add_argument(
            name, dest=part, metavar=metavar, action="append", default=[], help=f"only this {what} (repeatable)"
        )


def rhythm_of(options: dict[str, Any]) -> Rhythm | None:
    """The rhythm in the options. None: no option of it is given. --zone alone is refused by make_rhythm."""
    every, daily, zone = options["every"], options["daily"], options["zone"]
    if every is None and daily is None and zone is None:
        return None
    return make_rhythm(None if every is None else minutes_in(every), daily or "", zone or "")


def minutes_in(text: str) -> int:
    found = EVERY.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--every takes a number and a unit, such as 30m, 6h or 1d, not {text!r}.")
    unit = next(minutes for name, minutes in UNIT_MINUTES.items() if name.startswith(found[2]))
    return int(found[1]) * unit


def find_schedule(named: str) -> Schedule:
    """The schedule with this id, or else with this name. Two organizations may use the same name."""
    known = Schedule.objects.filter(deleted_at=None).select_related("organization")
    by_id = known.filter(pk=int(named)) if named.isascii() and named.isdigit() and len(named) < IDS else known.none()
    found = list(by_id) or list(known.filter(name=named))
    if len(found) > 1:
        raise UsageError(f"Several organizations have a schedule {named}. Use its id; see: manage.py schedule list")
    if not found:
        raise UsageError(f"There is no schedule {named}. See: manage.py schedule list")
    return found[0]


@contextmanager
def translate_refusals() -> Iterator[None]:
    """Turn a service's refusal into a command's error."""
    # An error with a field is about the options of the command. Without one, the portal isn't ready.
    try:
        yield
    except ScanRequestError as error:
        raise (UsageError if error.field else CouldNotError)(str(error)) from error
    except LostRaceError as error:
        raise CouldNotError(str(error)) from error


def format_schedule_time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "at an unknown time"
