"""Cells: sparse increments of one thing over time, and what they sum up to."""

from __future__ import annotations

import numpy as np

from stream.core.ragged import Ints, stretch_starts

_NONE: Ints = np.empty(0, np.int64)
_ZERO: Ints = np.zeros(1, np.int64)

_LATE_AT_LEAST = 64
_SUMS_KEPT = 64


class Cells:
    """The increments of one series key: most sorted by time with their running total, those of lately apart.

    A busy key gets a few in every second and is read in every second: sorting all of it each time would cost far
    more than looking through the latest. Sums up to a time are kept until something is added, for many readings
    begin or end at the same time.
    """

    __slots__ = ("_counts", "_late_counts", "_late_times", "_pending", "_running", "_sums", "_times")

    def __init__(self) -> None:
        self._times = self._counts = self._late_times = self._late_counts = _NONE
        self._running = _ZERO
        self._pending: list[tuple[Ints, Ints]] = []
        self._sums: dict[int, int] = {}

    def add(self, times: Ints, counts: Ints) -> None:
        self._pending.append((times, counts))
        self._sums.clear()

    def total(self, after: int | None, until: int) -> int:
        """Sum of the increments in (after, until]; after None: from the beginning."""
        sums = self._sums
        total = sums[until] if until in sums else self._up_to(until)
        if after is None:
            return total
        if after >= until:
            return 0
        return total - (sums[after] if after in sums else self._up_to(after))

    def cells(self) -> tuple[Ints, Ints]:
        """(times, counts), sorted, without zeros."""
        self._take_in()
        if len(self._late_times):
            self._settle()
        return self._times, self._counts

    def replace(self, times: Ints, counts: Ints) -> None:
        self._times, self._counts = _summed(times, counts)
        self._running = np.concatenate((_ZERO, self._counts.cumsum()))
        self._late_times = self._late_counts = _NONE
        self._pending.clear()
        self._sums.clear()

    def _up_to(self, time: int) -> int:
        self._take_in()
        total = int(self._running.item(self._times.searchsorted(time, side="right")))
        if len(self._late_times):
            total += int(self._late_counts[self._late_times <= time].sum())
        if len(self._sums) >= _SUMS_KEPT:
            self._sums.clear()
        self._sums[time] = total
        return total

    def _take_in(self) -> None:
        if not self._pending:
            return
        times, counts = zip((self._late_times, self._late_counts), *self._pending, strict=True)
        self._late_times, self._late_counts = np.concatenate(times), np.concatenate(counts)
        self._pending.clear()
        if len(self._late_times) > max(_LATE_AT_LEAST, len(self._times) // 8):
            self._settle()

    def _settle(self) -> None:
        self.replace(
            np.concatenate((self._times, self._late_times)), np.concatenate((self._counts, self._late_counts))
        )


def _summed(times: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Sorted, the counts of equal times added up, without zeros."""
    if not len(times):
        return _NONE, _NONE
    order = times.argsort(kind="stable")  # which is quick where runs are in order already
    times, counts = times[order], counts[order]
    starts = stretch_starts(times)
    sums = np.add.reduceat(counts, starts)
    kept = sums != 0
    return times[starts][kept], sums[kept]
