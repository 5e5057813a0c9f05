"""By segment: what customers add to a series goes to its split by segment too, under the segment that they are in.

Who was never identified is in no such split, and so costs nothing: what stands under `unknown` is the total less the
sum over all segments.
"""

from __future__ import annotations

import numpy as np

from stream.core.increments import Increments
from stream.core.ragged import Ints
from stream.core.series import Key
from stream.indicators.catalogue import SERIES
from stream.indicators.state.segments import SEGMENT, Segments, key_of_split

_HAVE_SPLITS = {each.name for each in SERIES for split in each.splits if SEGMENT in split.labels}


def also_by_segment(increments: Increments, segments: Segments) -> Increments:
    """Where what is added goes to the splits too, under the segments of now."""
    if (segments.is_ < 0).all():
        return increments
    return BySegment(increments, increments, segments.names, segments.is_)


def to_other_segments(increments: Increments, segments: Segments, rows: Ints) -> Increments:
    """Where what is added, of the customers in these rows, goes from their old segments to the new, and changes no
    total."""
    leaving = BySegment(Increments(increments.key_ids), increments, segments.names, segments.was[rows], -1)
    return BySegment(leaving, increments, segments.names, segments.is_[rows])


class BySegment(Increments):
    """Passes on to `totals` what is added, and adds it to the splits too: `step` times, under the segments whose
    places among the names the customers have."""

    def __init__(self, totals: Increments, splits: Increments, names: list[str], place: Ints, step: int = 1) -> None:
        super().__init__(splits.key_ids)
        self._totals, self._splits = totals, splits
        self._names, self._place, self._step = names, place, step

    def add(self, numbers: Ints | int, times: Ints, counts: Ints | int, rows: Ints | None = None) -> None:
        self._totals.add(numbers, times, counts, rows)
        if rows is None or not len(rows):
            return
        numbers, place = np.broadcast_to(numbers, rows.shape), self._place[rows]
        if not self._has_split(int(numbers[0])):
            return
        known = np.flatnonzero(place >= 0)
        if len(known):
            of_split = self.key_ids.like(numbers[known], self._key, place[known])
            counts = counts if isinstance(counts, int) else counts[known]
            self._splits.add(of_split, times[known], counts * self._step)

    def _has_split(self, number: int) -> bool:
        """Whether the series has; what is added at once is of one."""
        return self.key_ids[number][0] in _HAVE_SPLITS

    def _key(self, key: Key, place: int) -> Key:
        return key_of_split(key, self._names[place])
