"""Minutes and local days: the two grains of time in which everything is counted.

A minute is whole minutes since the epoch, in UTC; a day is the proleptic Gregorian ordinal of a local day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
HOUR = 60
DAY = 24 * HOUR
WINDOWS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}

# Since 1972 every zone keeps an offset of whole quarters of an hour, so one look-up serves a quarter.
_QUARTER = 15
_REGULAR_FROM = int(datetime(1973, 1, 1, tzinfo=UTC).timestamp()) // 60


class Calendar:
    """Local days of one time zone. A day of 23 or 25 hours is one day."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._day_of_quarter: dict[int, int] = {}

    def day(self, minute: int) -> int:
        """The local day (ordinal) that holds the minute."""
        if minute < _REGULAR_FROM:
            return self._look_up(minute)
        quarter = minute // _QUARTER
        day = self._day_of_quarter.get(quarter)
        if day is None:
            day = self._day_of_quarter[quarter] = self._look_up(minute)
        return day

    def _look_up(self, minute: int) -> int:
        try:
            return datetime.fromtimestamp(minute * 60, self.zone).toordinal()
        except (OverflowError, ValueError):  # the zone's offset leads out of the years 1 to 9999
            return date.min.toordinal() if minute < 0 else date.max.toordinal()


def minute_of(epoch_ms: int) -> int:
    """The whole minute that holds the millisecond."""
    return epoch_ms // MINUTE_MS


def floor_hour(minute: int) -> int:
    return minute - minute % HOUR
