"""Computes when a schedule is due: at an interval in minutes, or daily at a time in a time zone. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from scans.errors import ScanRequestError

MIN_MINUTES, MAX_MINUTES = 5, 366 * 24 * 60
DAY_MINUTES = 24 * 60
UNIT_MINUTES = {"days": DAY_MINUTES, "hours": 60, "minutes": 1}
# "localtime" is the zone of this machine, which other workers may not share; "Factory" means that no zone was ever set.
EXCLUDED_ZONES = frozenset({"localtime", "Factory"})
TIME_PATTERN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When scans start. daily_at None: every `every_minutes`, counted from the last due time."""

    every_minutes: int
    daily_at: time | None = None
    time_zone: str = ""

    def after(self, moment: datetime) -> datetime:
        """The first due time after this moment. Raises ScanRequestError for an unknown time zone."""
        if self.daily_at is None:
            return moment + timedelta(minutes=self.every_minutes)
        zone = find_time_zone(self.time_zone)
        # Starts with the day before: a time that the clock skips can move past midnight.
        day = moment.astimezone(zone).date() - timedelta(days=1)
        while True:
            # fold is 0: a time that occurs twice counts the first time. A time that is skipped moves later by as much
            # as the clock was put forward.
            due = datetime.combine(day, self.daily_at, zone).astimezone(UTC)
            if due > moment:
                return due
            day += timedelta(days=1)

    def following(self, due: datetime, now: datetime) -> tuple[datetime, int]:
        """The next due time after now, and how many due times passed after `due`. One Scan makes up for all of them."""
        if self.daily_at is None:
            step = timedelta(minutes=self.every_minutes)
            passed = max(0, (now - due) // step)
            return (now if passed else due) + step, passed
        following, passed = self.after(due), 0
        while following <= now:
            following, passed = self.after(following), passed + 1
        return following, passed

    def words(self) -> str:
        """For example, "every 6 hours" or "daily at 02:30 (Europe/Madrid)"."""
        if self.daily_at is not None:
            return f"daily at {self.daily_at:%H:%M} ({self.time_zone})"
        number, unit = self.in_units()
        return f"every {unit.removesuffix('s')}" if number == 1 else f"every {number} {unit}"

    def in_units(self) -> tuple[int, str]:
        """The interval as a whole number of the largest unit that fits."""
        unit = next(unit for unit, minutes in UNIT_MINUTES.items() if self.every_minutes % minutes == 0)
        return self.every_minutes // UNIT_MINUTES[unit], unit


def make_rhythm(every_minutes: int | None = None, daily_at: str = "", time_zone: str = "") -> Rhythm:
    """A Rhythm from values that were entered. Raises ScanRequestError with the field."""
    if every_minutes is not None and daily_at:
        raise ScanRequestError("Choose either an interval in minutes or a daily time, not both.", field="daily_at")
    if daily_at:
        return Rhythm(DAY_MINUTES, parse_time(daily_at), validate_time_zone(time_zone))
    if time_zone:
        raise ScanRequestError(
            "A time zone needs a daily time. Enter a time, or remove the time zone.", field="time_zone"
        )
    if every_minutes is None:
        raise ScanRequestError("Enter an interval in minutes or a daily time.", field="every_minutes")
    if not MIN_MINUTES <= every_minutes <= MAX_MINUTES:
        raise ScanRequestError(f"Enter an interval from {MIN_MINUTES} minutes to 366 days.", field="every_minutes")
    return Rhythm(every_minutes)


def parse_time(text: str) -> time:
    found = TIME_PATTERN.fullmatch(text.strip())
    if found is None:
        raise ScanRequestError("Enter the time as HH:MM, such as 02:30.", field="daily_at")
    return time(int(found[1]), int(found[2]))


def validate_time_zone(name: str) -> str:
    name = name.strip()
    if not name:
        raise ScanRequestError("Enter a time zone, such as UTC or Europe/Madrid.", field="time_zone")
    find_time_zone(name)
    return name


def find_time_zone(name: str) -> tzinfo:
    if name == "UTC":  # works even on a machine without a time zone database
        return UTC
    if name not in list_time_zones():
        raise ScanRequestError(
            f"Unknown time zone: {name}. Use a name such as UTC or Europe/Madrid.", field="time_zone"
        )
    return ZoneInfo(name)


@cache
def list_time_zones() -> tuple[str, ...]:
    return tuple(sorted((available_timezones() | {"UTC"}) - EXCLUDED_ZONES))
