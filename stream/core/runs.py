"""Runs: spans of time that are joined where no long gap lies between them, in any order of arrival."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple


class Run(NamedTuple):
    """A visit: milliseconds of its begin and end, page views in it, pages summed up by session ends, a conversion."""

    start_ms: int
    end_ms: int
    views: int
    summed_pages: int
    converted: bool

    @property
    def pages(self) -> int:
        return max(self.views, self.summed_pages)

    def with_(self, other: Run) -> Run:
        return Run(
            min(self.start_ms, other.start_ms),
            max(self.end_ms, other.end_ms),
            self.views + other.views,
            self.summed_pages + other.summed_pages,
            self.converted or other.converted,
        )


def exchanged(was: list[Run], now: list[Run]) -> tuple[list[Run], list[Run]]:
    """(runs that are gone, runs that are new): what stands between the common beginning and the common end."""
    start, shortest = 0, min(len(was), len(now))
    while start < shortest and was[start] == now[start]:
        start += 1
    end = 0
    while end < shortest - start and was[-1 - end] == now[-1 - end]:
        end += 1
    return was[start : len(was) - end], now[start : len(now) - end]


def joined_run(runs: list[Run], new: Run, gap_ms: int) -> list[Run]:
    """The maximal runs after one more: what lies within `gap_ms` of it becomes part of it.

    `runs` are in order of time, more than `gap_ms` apart; so is the result.
    """
    if not runs or runs[-1].end_ms < new.start_ms - gap_ms:  # as events mostly come
        return [*runs, new]
    first = bisect_left(runs, new.start_ms - gap_ms, key=lambda run: run.end_ms)
    last = first
    while last < len(runs) and runs[last].start_ms <= new.end_ms + gap_ms:
        new = new.with_(runs[last])
        last += 1
    return [*runs[:first], new, *runs[last:]]
