"""Attendance: on which local days each customer came, and how it began."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stream.simulate.diary import MINUTE_MS, Diary
from stream.simulate.truth.moment import Moment

COHORT_DAYS = 28


class Attendance(NamedTuple):
    """Local days as ordinals; the first day and channel are those of the very first activity. The last activity is
    told to the minute: of several channels in it the first by name.
    """

    days: frozenset[int]
    channels: frozenset[str]
    first_day: int
    first_channel: str
    last_ms: int
    last_channel: str

    def came_in(self, days: Iterable[int]) -> int:
        """On how many of the days."""
        return len(self.days & set(days))

    @property
    def first_week_days(self) -> int:
        return self.came_in(range(self.first_day, self.first_day + 7))


def attendance(diary: Diary, moment: Moment) -> Attendance | None:
    """None for who never was active."""
    deeds = [deed for deed in diary.deeds if deed.active]
    if not deeds:
        return None
    last_ms = deeds[-1].at_ms // MINUTE_MS * MINUTE_MS
    return Attendance(
        days=frozenset(moment.day(deed.at_ms) for deed in deeds),
        channels=frozenset(deed.channel for deed in deeds),
        first_day=moment.day(deeds[0].at_ms),
        first_channel=deeds[0].channel,
        last_ms=last_ms,
        last_channel=min(deed.channel for deed in deeds if deed.at_ms >= last_ms),
    )


def attendances(diaries: list[Diary], moment: Moment) -> list[Attendance]:
    """Of the customers who ever were active."""
    return [found for diary in diaries if (found := attendance(diary, moment))]


def cohort(attended: list[Attendance], n: int, moment: Moment) -> list[Attendance]:
    """The customers whose day n (the first is day 0) is one of the last 28 complete days."""
    decided = range(moment.today - COHORT_DAYS, moment.today)
    return [each for each in attended if each.first_day + n in decided]
