"""The moments of a history: full hours, or the midnights with which local days, weeks and months begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from stream.core.time import DAY, HOUR, Calendar
from stream.query.step import Step

_BEGINS: dict[Step, Callable[[date], bool]] = {
    "day": lambda _: True,
    "week": lambda day: day.weekday() == 0,
    "month": lambda day: day.day == 1,
}
"""Which days a step begins with."""


def moments(step: Step, since: int, until: int, calendar: Calendar) -> Iterator[int]:
    """Those from minute `since` until minute `until`, both included.

    Hours are those of UTC, for by them series are kept: so each lasts an hour, whatever clocks do.
    """
    if step == "hour":
        yield from range(-(-since // HOUR) * HOUR, until + 1, HOUR)
        return
    for day in range(calendar.day(since), calendar.day(until) + 1):
        if _BEGINS[step](date.fromordinal(day)):
            minute = calendar.first_minute(day)
            if since <= minute <= until and calendar.day(minute) == day:  # zones have skipped days
                yield minute


def first_of_default(step: Step, until: int, calendar: Calendar) -> int | None:
    """Where a history begins that is not told where: 24 hours, 30 days, or all that is kept (None)."""
    if step == "hour":
        return until - DAY + 1
    if step == "day":
        return calendar.first_minute(calendar.day(until) - 29)
    return None
