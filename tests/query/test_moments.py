"""The moments of a history: an hour lasts an hour, and a day begins when its date does, whatever clocks do."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from stream.core.time import Calendar
from stream.query.moments import moments
from stream.query.step import Step
from tests.histories import minute_at

HOUR = timedelta(hours=1)


def told(step: Step, zone: str, since: str, until: str) -> list[str]:
    """The moments in local time."""
    calendar = Calendar(ZoneInfo(zone))
    first, last = (minute_at(datetime.fromisoformat(each).replace(tzinfo=calendar.zone)) for each in (since, until))
    found = moments(step, first, last, calendar)
    return [datetime.fromtimestamp(each * 60, calendar.zone).isoformat(timespec="minutes") for each in found]


@pytest.mark.parametrize(
    ("step", "zone", "since", "until", "expected"),
    [
        # Paris skips 02:00, and lives it twice.
        (
            "hour",
            "Europe/Paris",
            "2026-03-29T00:30",
            "2026-03-29T04:00",
            ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"],
        ),
        (
            "hour",
            "Europe/Paris",
            "2026-10-25T02:00",
            "2026-10-25T03:00",
            ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00"],
        ),
        # Hours are those of UTC.
        ("hour", "Asia/Kathmandu", "2026-03-29T00:00", "2026-03-29T01:00", ["2026-03-29T00:45+05:45"]),
        (
            "day",
            "Europe/Paris",
            "2026-03-29",
            "2026-03-31T12:00",
            ["2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00", "2026-03-31T00:00+02:00"],
        ),
        # Beirut has no midnight that day, and Apia not the 30th at all.
        ("day", "Asia/Beirut", "2022-03-26T12:00", "2022-03-27T12:00", ["2022-03-27T01:00+03:00"]),
        (
            "day",
            "Pacific/Apia",
            "2011-12-29",
            "2011-12-31T12:00",
            ["2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00"],
        ),
        (
            "week",
            "Europe/Paris",
            "2026-03-23T00:01",
            "2026-04-06",
            ["2026-03-30T00:00+02:00", "2026-04-06T00:00+02:00"],
        ),
        (
            "month",
            "America/New_York",
            "2026-01-01",
            "2026-03-31",
            ["2026-01-01T00:00-05:00", "2026-02-01T00:00-05:00", "2026-03-01T00:00-05:00"],
        ),
        ("month", "UTC", "2026-01-02", "2026-01-31", []),
    ],
)
def test_moments_are_full_hours_and_local_midnights(
    step: Step, zone: str, since: str, until: str, expected: list[str]
) -> None:
    assert told(step, zone, since, until) == expected
