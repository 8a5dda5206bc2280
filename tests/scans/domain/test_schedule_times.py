"""When a schedule is due, over the changes of clocks too."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.domain.schedule_times import Rhythm, make_rhythm
from scans.errors import ScanRequestError

MADRID = "Europe/Madrid"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(at: str, zone: str = MADRID) -> Rhythm:
    return make_rhythm(daily_at=at, time_zone=zone)


def times(rhythm: Rhythm, after: str, count: int) -> list[str]:
    moment, found = utc(after), []
    for _ in range(count):
        moment = rhythm.after(moment)
        found.append(f"{moment:%Y-%m-%dT%H:%M}")
    return found


def test_minute_rhythm_gives_times() -> None:
    assert times(make_rhythm(90), "2026-01-01T00:00", 2) == ["2026-01-01T01:30", "2026-01-01T03:00"]


def test_daily_keeps_the_clock_of_the_zone() -> None:
    assert times(daily("08:00"), "2026-03-28T00:00", 3) == ["2026-03-28T07:00", "2026-03-29T06:00", "2026-03-30T06:00"]


def test_a_skipped_time_is_as_much_later_and_that_day_only() -> None:
    # At 02:00 the clocks go forward to 03:00, so 02:30 isn't there: 03:30 is 01:30 UTC.
    assert times(daily("02:30"), "2026-03-28T12:00", 2) == ["2026-03-29T01:30", "2026-03-30T00:30"]


def test_repeated_hour_counts_once() -> None:
    # At 03:00 the clocks go back to 02:00: 02:30 is 00:30 UTC, and 01:30 UTC again.
    assert times(daily("02:30"), "2026-10-24T12:00", 2) == ["2026-10-25T00:30", "2026-10-26T01:30"]
    assert daily("02:30").after(utc("2026-10-25T01:00")) == utc("2026-10-26T01:30")


@pytest.mark.parametrize(
    "zone", [MADRID, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "UTC"]
)
@given(hour=st.integers(0, 23), minute=st.integers(0, 59), start=st.integers(0, 20 * 366))
def test_daily_rhythm_runs_once_a_day_despite_clock_changes(zone: str, hour: int, minute: int, start: int) -> None:
    rhythm = Rhythm(1440, time(hour, minute), zone)
    moment = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(days=start)
    following = rhythm.after(moment)
    assert following > moment
    assert following - moment <= timedelta(hours=26 if zone != "Pacific/Apia" else 50)
    assert rhythm.after(following - timedelta(microseconds=1)) == following
    local, then = following.astimezone(ZoneInfo(zone)), rhythm.after(following).astimezone(ZoneInfo(zone))
    assert then.date() > local.date()


def test_missed_times_are_counted() -> None:
    due = utc("2026-01-01T00:00")
    assert make_rhythm(60).following(due, due + timedelta(minutes=1)) == (due + timedelta(hours=1), 0)
    assert make_rhythm(60).following(due, due + timedelta(minutes=150)) == (due + timedelta(minutes=210), 2)
    at = utc("2026-01-01T07:00")
    assert daily("08:00").following(at, at + timedelta(days=3, minutes=1)) == (at + timedelta(days=4), 3)


@pytest.mark.parametrize(
    ("minutes", "at", "zone", "field"),
    [
        (None, "", "", "every_minutes"), (4, "", "", "every_minutes"), (366 * 1440 + 1, "", "", "every_minutes"),
        (60, "02:00", "UTC", "daily_at"), (None, "2:00", "UTC", "daily_at"), (None, "24:00", "UTC", "daily_at"),
        (None, "02:00", "", "time_zone"), (None, "02:00", "Mars/Base", "time_zone"), (60, "", "UTC", "time_zone"),
        (None, "02:00", "../etc/passwd", "time_zone"), (None, "02:00", "localtime", "time_zone"),
        (None, "02:00", "Factory", "time_zone"), (None, "٠٢:٠٠", "UTC", "daily_at"),
    ],
)  # fmt: skip
def test_invalid_rhythm_names_its_field(minutes: int | None, at: str, zone: str, field: str) -> None:
    with pytest.raises(ScanRequestError) as refused:
        make_rhythm(minutes, at, zone)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("rhythm", "said"),
    [
        (Rhythm(5), "every 5 minutes"), (Rhythm(60), "every hour"), (Rhythm(90), "every 90 minutes"),
        (Rhythm(360), "every 6 hours"), (Rhythm(2880), "every 2 days"), (daily("02:30"), "daily at 02:30 (Europe/Madrid)"),
    ],
)  # fmt: skip
def test_rhythm_is_described_in_words(rhythm: Rhythm, said: str) -> None:
    assert rhythm.words() == said
