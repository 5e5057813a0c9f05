"""Minutes and local days, against the time zone database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.time import Calendar, floor_hour, minute_of

ZONES = ("UTC", "Europe/Paris", "America/New_York", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia")
# Clocks that went back a minute after midnight (St John's), jumped over midnight (Beirut), skipped a day (Apia).
CHANGES = (
    ("America/St_Johns", datetime(2006, 10, 29, 2, 31, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2022, 3, 26, 22, 0, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),
    ("Europe/Paris", datetime(2026, 10, 25, 1, 0, tzinfo=UTC)),
)


def local_day(minute: int, zone: ZoneInfo) -> int:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).astimezone(zone).toordinal()


@settings(derandomize=True, database=None, deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.integers(0, 40_000_000), min_size=1, max_size=20))
def test_a_minute_lies_on_its_local_day(name: str, minutes: list[int]) -> None:
    calendar = Calendar(ZoneInfo(name))
    assert [calendar.day(minute) for minute in minutes] == [local_day(minute, calendar.zone) for minute in minutes]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_the_local_day_around_a_change_of_clocks_does_not_depend_on_which_minute_was_asked_first(
    name: str, change: datetime, backwards: bool
) -> None:
    calendar, around = Calendar(ZoneInfo(name)), int(change.timestamp()) // 60
    for minute in sorted(range(around - 60, around + 61), reverse=backwards):
        assert calendar.day(minute) == local_day(minute, calendar.zone), datetime.fromtimestamp(minute * 60, UTC)


def test_a_day_of_23_hours_and_one_of_25_are_one_day_each() -> None:
    calendar = Calendar(ZoneInfo("Europe/Paris"))
    for day, hours in ((datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25)):
        start = int(day.replace(tzinfo=calendar.zone).timestamp()) // 60
        lengths = [calendar.day(minute) for minute in range(start - 60, start + 26 * 60)]
        assert lengths.count(day.toordinal()) == hours * 60


def test_minutes_and_hours_are_rounded_down_also_before_1970() -> None:
    assert [minute_of(ms) for ms in (-1, 0, 59_999, 60_000)] == [-1, 0, 0, 1]
    assert [floor_hour(minute) for minute in (-1, 0, 59, 60)] == [-60, 0, 0, 60]
