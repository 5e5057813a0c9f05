"""The moment of a truth: what lies in its windows, and which local days are complete."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from stream.simulate.diary import MINUTE_MS

WINDOWS = {"24h": 24 * 60, "7d": 7 * 24 * 60, "30d": 30 * 24 * 60}
"""Name -> minutes."""


class Timed(Protocol):
    """Anything that was done at a moment."""

    @property
    def at_ms(self) -> int: ...


T = TypeVar("T", bound=Timed)


class Moment:
    """`minute` since the epoch; `today` is the ordinal of the local day."""

    def __init__(self, at: datetime, zone: ZoneInfo) -> None:
        self.minute = int(at.timestamp()) // 60
        self.today = at.astimezone(zone).toordinal()
        self._zone = zone
        # Some thousands of deeds fall on the same minutes, and local time is slow to tell.
        self._day = cache(lambda minute: datetime.fromtimestamp(minute * 60, zone).toordinal())

    def day(self, at_ms: int) -> int:
        """The local day of a deed."""
        return self._day(at_ms // MINUTE_MS)

    @property
    def hour_ms(self) -> int:
        """The last full hour."""
        return self.minute // 60 * 60 * MINUTE_MS

    def starts_ms(self, day: int) -> int:
        """When the local day begins."""
        return int(datetime.fromordinal(day).replace(tzinfo=self._zone).timestamp()) * 1000

    def saw_active(self, last_ms: int, window: str) -> bool:
        """Whether a customer last active then counts as active: to the minute in every window."""
        return self.minute - WINDOWS[window] < last_ms // MINUTE_MS <= self.minute

    def holds(self, minute: int, window: str) -> bool:
        """Whether anything else lies in the window: 24h to the minute, 7d and 30d from the hour."""
        start = self.minute - WINDOWS[window]
        return (start if window == "24h" else start // 60 * 60) < minute <= self.minute

    def within(self, deeds: Iterable[T], window: str) -> list[T]:
        return [deed for deed in deeds if self.holds(deed.at_ms // MINUTE_MS, window)]
