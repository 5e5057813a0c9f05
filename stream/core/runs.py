"""Runs: spans of time that are joined where no long gap lies between them, in any order of arrival."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints, Ragged, distinct, from_words64, places, row_numbers, to_words64

_WORDS = 7
MOST_PAGES = 2**31 - 1
"""More pages are not told apart."""
_LARGEST_KEY = 1 << 62


@dataclass(frozen=True)
class Runs:
    """Visits, or the time that single events cover: row and channel (key number) of each, its begin and end in
    milliseconds, page views in it, pages summed up by session ends, 1 where it converted. Stored runs are in order
    of row, channel and begin, and more than a gap apart."""

    row: Ints
    channel: Ints
    start_ms: Ints
    end_ms: Ints
    views: Ints
    summed_pages: Ints
    converted: Ints

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, which: NDArray[Any] | slice) -> Runs:
        return Runs(*(column[which] for column in self.columns))

    @property
    def columns(self) -> tuple[Ints, ...]:
        return (
            self.row,
            self.channel,
            self.start_ms,
            self.end_ms,
            self.views,
            self.summed_pages,
            self.converted,
        )

    @property
    def group(self) -> Ints:
        """Row and channel in one number."""
        return self.row << 32 | self.channel

    @property
    def pages(self) -> Ints:
        return np.maximum(self.views, self.summed_pages)

    @property
    def lasted_ms(self) -> Ints:
        return self.end_ms - self.start_ms

    @classmethod
    def unpack(cls, stored: Ragged) -> Runs:
        """[start_ms (2 words), end_ms (2 words), channel, summed pages, views · 2 + converted] a run."""
        words = stored.words.reshape(-1, _WORDS)
        row = row_numbers(stored.lengths // _WORDS)
        start, end = from_words64(words[:, 0:2]), from_words64(words[:, 2:4])
        channel, summed, views = words[:, 4:7].astype(np.int64).T
        return cls(row, channel, start.ravel(), end.ravel(), views >> 1, summed, views & 1)

    def renumbered(self, number: Callable[[Ints, Ints], Ints]) -> Runs:
        """The same with other numbers for channels, told by (row, number), and again in order."""
        channel = number(self.row, self.channel)
        if channel is self.channel:
            return self
        runs = replace(self, channel=channel)
        return runs[np.argsort(runs.group, kind="stable")]

    def pack(self, size: int) -> Ragged:
        words = np.empty((len(self), _WORDS), np.uint32)
        words[:, 0:2], words[:, 2:4] = to_words64(self.start_ms), to_words64(self.end_ms)
        words[:, 4] = self.channel
        words[:, 5] = np.minimum(self.summed_pages, MOST_PAGES)
        words[:, 6] = np.minimum(self.views, MOST_PAGES) << 1 | self.converted
        return Ragged(words.ravel(), np.bincount(self.row, minlength=size) * _WORDS)


def chained(*parts: Runs) -> Runs:
    return Runs(*map(np.concatenate, zip(*(part.columns for part in parts), strict=True)))


def merged(known: Runs, new: Runs, gap_ms: int) -> tuple[Runs, NDArray[np.bool_], Runs]:
    """The maximal runs of both, where what lies within `gap_ms` of one another is one: (all runs in order, which of
    them were not among the known, those of the known that are no more). `known` are maximal, `new` need not be."""
    touched = _among(known.group, distinct(new.group))
    mine = known[touched]
    runs = chained(mine, new)
    channels, channel = places(runs.channel)
    order, first = joined(runs.row * len(channels) + channel, runs.start_ms, runs.end_ms, gap_ms)
    unchanged = (np.diff(first, append=len(runs)) == 1) & (order[first] < len(mine))
    gone = np.ones(len(mine), np.bool_)
    gone[order[first[unchanged]]] = False
    rest = known[~touched]
    result = chained(rest, _joined(runs[order], first))
    fresh = np.append(np.zeros(len(rest), np.bool_), ~unchanged)
    order = np.argsort(result.group, kind="stable")
    return result[order], fresh[order], mine[gone]


def joined(group: Ints, start: Ints, end: Ints, gap: int) -> tuple[Ints, Ints]:
    """Spans of some groups, none of a negative number: (the order by group and start, where in it each maximal run
    begins, whose spans are no more than the gap apart)."""
    starts, ends = _keys(group, start, end, gap)
    order = np.argsort(starts)
    starts = starts[order]
    so_far = np.maximum.accumulate(ends[order])
    apart = starts[1:] > so_far[:-1] + gap
    return order, np.concatenate([np.arange(min(len(order), 1)), np.flatnonzero(apart) + 1])


def _among(numbers: Ints, sorted_numbers: Ints) -> NDArray[np.bool_]:
    at = np.searchsorted(sorted_numbers, numbers)
    inside = at < len(sorted_numbers)
    inside[inside] = sorted_numbers[at[inside]] == numbers[inside]
    return inside


def _joined(runs: Runs, first: Ints) -> Runs:
    """One run of each stretch that begins at `first`."""
    if not len(first):
        return runs
    return Runs(
        runs.row[first],
        runs.channel[first],
        runs.start_ms[first],
        np.maximum.reduceat(runs.end_ms, first),
        np.minimum(np.add.reduceat(runs.views, first), MOST_PAGES),
        np.minimum(np.add.reduceat(runs.summed_pages, first), MOST_PAGES),
        np.maximum.reduceat(runs.converted, first),
    )


def _keys(group: Ints, start: Ints, end: Ints, gap: int) -> tuple[Ints, Ints]:
    """(start, end) of each span as numbers that are apart by more than the gap from group to group, and within a
    group by as much as the times are, or both by more than the gap."""
    times = np.concatenate([start, end])
    times = times - times.min(initial=0)
    if int(group.max(initial=0) + 1) * int(times.max(initial=0) + gap + 2) >= _LARGEST_KEY:
        _, group = places(group)
        times = _moved_together(times, gap)
    offset = group * int(times.max(initial=0) + gap + 2)
    return offset + times[: len(start)], offset + times[len(start) :]


def _moved_together(times: Ints, gap: int) -> Ints:
    """The times without what is more than the gap of a time in which nothing begins or ends."""
    moments, where = places(times)
    steps = np.minimum(np.diff(moments, prepend=moments[:1]), gap + 1)
    return np.cumsum(steps)[where]
