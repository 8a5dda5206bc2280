"""When a schedule is due: every so many minutes, or daily at a time of day in a time zone. Pure."""

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
# The machine's own zone, which the next machine may not share, and the mark of one that was never set.
EXCLUDED_ZONES = frozenset({"localtime", "Factory"})
TIME_PATTERN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """daily_at: None for every so many minutes, counted from the last time."""

    every_minutes: int
    daily_at: time | None = None
    time_zone: str = ""

    def after(self, moment: datetime) -> datetime:
        """The first due time after this moment. Raises ScanRequestError for a time zone that is gone."""
        if self.daily_at is None:
            return moment + timedelta(minutes=self.every_minutes)
        zone = find_time_zone(self.time_zone)
        # From the day before: a time that the clock skips may fall on the next day.
        day = moment.astimezone(zone).date() - timedelta(days=1)
        while True:
            # fold=0: of a time that the clock shows twice, the first. One that it skips becomes as much later as
            # the clock was put forward.
            due = datetime.combine(day, self.daily_at, zone).astimezone(UTC)
            if due > moment:
                return due
            day += timedelta(days=1)

    def following(self, due: datetime, now: datetime) -> tuple[datetime, int]:
        """The due time after now, and how many there were after `due` up to now: a Scan makes up for one of them."""
        if self.daily_at is None:
            step = timedelta(minutes=self.every_minutes)
            passed = max(0, (now - due) // step)
            return (now if passed else due) + step, passed
        following, passed = self.after(due), 0
        while following <= now:
            following, passed = self.after(following), passed + 1
        return following, passed

    def words(self) -> str:
        """Like "every 6 hours", or "daily at 02:30 (Europe/Madrid)"."""
        if self.daily_at is not None:
            return f"daily at {self.daily_at:%H:%M} ({self.time_zone})"
        number, unit = self.in_units()
        return f"every {unit.removesuffix('s')}" if number == 1 else f"every {number} {unit}"

    def in_units(self) -> tuple[int, str]:
        """The largest unit that it is a whole number of."""
        unit = next(unit for unit, minutes in UNIT_MINUTES.items() if self.every_minutes % minutes == 0)
        return self.every_minutes // UNIT_MINUTES[unit], unit


def make_rhythm(every_minutes: int | None = None, daily_at: str = "", time_zone: str = "") -> Rhythm:
    """Raises ScanRequestError that names the field."""
    if every_minutes is not None and daily_at:
        raise ScanRequestError("Choose one: every so many minutes, or daily at a time.", field="daily_at")
    if daily_at:
        return Rhythm(DAY_MINUTES, parse_time(daily_at), validate_time_zone(time_zone))
    if time_zone:
        raise ScanRequestError("A time zone goes with a time of day.", field="time_zone")
    if every_minutes is None:
        raise ScanRequestError("Say how often: every so many minutes, or daily at a time.", field="every_minutes")
    if not MIN_MINUTES <= every_minutes <= MAX_MINUTES:
        raise ScanRequestError(f"Choose from {MIN_MINUTES} minutes to 366 days.", field="every_minutes")
    return Rhythm(every_minutes)


def parse_time(text: str) -> time:
    found = TIME_PATTERN.fullmatch(text.strip())
    if found is None:
        raise ScanRequestError("Write the time like 02:30.", field="daily_at")
    return time(int(found[1]), int(found[2]))


def validate_time_zone(name: str) -> str:
    name = name.strip()
    if not name:
        raise ScanRequestError("Say in which time zone, like UTC or Europe/Madrid.", field="time_zone")
    find_time_zone(name)
    return name


def find_time_zone(name: str) -> tzinfo:
    if name == "UTC":  # even on a machine that has no time zones
        return UTC
    if name not in list_time_zones():
        raise ScanRequestError(f"Unknown time zone: {name}. Use one like UTC or Europe/Madrid.", field="time_zone")
    return ZoneInfo(name)


@cache
def list_time_zones() -> tuple[str, ...]:
    return tuple(sorted((available_timezones() | {"UTC"}) - EXCLUDED_ZONES))
