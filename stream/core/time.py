"""Minutes and local days: the two grains of time in which everything is counted.

A minute is whole minutes since the epoch, in UTC; a day is the proleptic Gregorian ordinal of a local day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from stream.core.ragged import Ints, places
from stream.core.units import DAY as DAY
from stream.core.units import DAY_MS as DAY_MS
from stream.core.units import HOUR as HOUR
from stream.core.units import HOUR_MS as HOUR_MS
from stream.core.units import MINUTE_MS as MINUTE_MS

WINDOWS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
FAR_PAST, FAR_FUTURE = -(1 << 62), 1 << 62
"""Moments before and after all others, at whatever grain: something that never was, something that never comes."""
AHEAD = 5
"""So many minutes a customer's clock may be ahead."""

_QUARTER = 15
_SEVERAL = 0
"""In the place of a day: there are several."""
_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_FIRST_DAY, _LAST_DAY = date.min.toordinal() + 1, date.max.toordinal() - 1


class Calendar:
    """Local days of one time zone. A day of 23 or 25 hours is one day."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._day_of_quarter: dict[int, int] = {}
        self._start_of_day: dict[int, int] = {}

    def day(self, minute: int) -> int:
        """The local day (ordinal) that holds the minute."""
        quarter = minute // _QUARTER
        day = self._day_of_quarter.get(quarter)
        if day is not None:
            return day
        day = self._look_up(minute)
        # Nearly every quarter of an hour lies on one day, so one look-up serves it; clocks that change at
        # 00:01 or old offsets of odd minutes make the exceptions.
        first = quarter * _QUARTER
        if self._look_up(first) == self._look_up(first + _QUARTER - 1):
            self._day_of_quarter[quarter] = day
        return day

    def days(self, minutes: Ints) -> Ints:
        """`day` of each minute."""
        quarters, where = places(minutes // _QUARTER)
        found: Ints = np.array([self._day_of(quarter) for quarter in quarters.tolist()], np.int64)[where]
        if len(split := np.flatnonzero(found == _SEVERAL)):
            found[split] = [self.day(minute) for minute in minutes[split].tolist()]
        return found

    def starts(self, days: Ints) -> Ints:
        """The moment at which each local day begins, in milliseconds since the epoch."""
        distinct, where = places(days)
        return np.array([self._start(day) for day in distinct.tolist()], np.int64)[where]

    def _day_of(self, quarter: int) -> int:
        """The day that holds all of the quarter of an hour, _SEVERAL where none does."""
        day = self._day_of_quarter.get(quarter)
        if day is None:
            self.day(quarter * _QUARTER)
            day = self._day_of_quarter.get(quarter, _SEVERAL)
        return day

    def first_minute(self, day: int) -> int:
        """The first minute that lies on the local day."""
        return -(-self._start(day) // MINUTE_MS)

    def _start(self, day: int) -> int:
        start = self._start_of_day.get(day)
        if start is None:
            midnight = datetime.fromordinal(min(max(day, _FIRST_DAY), _LAST_DAY)).replace(tzinfo=self.zone)
            # Where clocks are put forward at midnight, this is the moment at which they are.
            start = self._start_of_day[day] = round((midnight - _EPOCH) / _MS)
        return start

    def _look_up(self, minute: int) -> int:
        try:
            return datetime.fromtimestamp(minute * 60, self.zone).toordinal()
        except (OverflowError, ValueError):  # the zone's offset leads out of the years 1 to 9999
            return date.min.toordinal() if minute < 0 else date.max.toordinal()


def moment(epoch_ms: int) -> datetime:
    """In UTC."""
    return _EPOCH + epoch_ms * _MS


def rfc3339(epoch_ms: int, zone: tzinfo = UTC) -> str:
    """To the second, in UTC or in that zone."""
    return moment(epoch_ms).astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")


def minute_of(epoch_ms: int) -> int:
    """The whole minute that holds the millisecond."""
    return epoch_ms // MINUTE_MS


def floor_hour(minute: int) -> int:
    return minute - minute % HOUR
