"""By segment: what customers add to a series goes to its twin too, under the segment that they are in.

Who was never identified is in no twin: the total less the sum over all segments is what stands under `unknown`. So
nothing is spent on such a customer.
"""

from __future__ import annotations

import numpy as np

from stream.core.increments import Increments
from stream.core.ragged import Ints
from stream.core.series import Key
from stream.indicators.catalogue import SERIES
from stream.indicators.state.segments import SEGMENT, Segments, key_of_twin

_HAVE_TWINS = {each.name for each in SERIES for split in each.splits if SEGMENT in split.labels}


def with_twins(increments: Increments, segments: Segments) -> Increments:
    """Where what is added goes to the twins too, under the segments of now."""
    if (segments.is_ < 0).all():
        return increments
    return BySegment(increments, increments, segments.names, segments.is_)


def between_twins(increments: Increments, segments: Segments, rows: Ints) -> Increments:
    """Where what is added, of the customers in these rows, leaves the twins of the old segments for those of the new,
    and changes no total."""
    leaving = BySegment(Increments(increments.key_ids), increments, segments.names, segments.was[rows], -1)
    return BySegment(leaving, increments, segments.names, segments.is_[rows])


class BySegment(Increments):
    """Passes on to `totals` what is added, and adds it to the twins too: `step` times, under the segments whose
    places among the names the customers have."""

    def __init__(self, totals: Increments, twins: Increments, names: list[str], place: Ints, step: int = 1) -> None:
        super().__init__(twins.key_ids)
        self._totals, self._twins = totals, twins
        self._names, self._place, self._step = names, place, step

    def add(self, numbers: Ints | int, times: Ints, counts: Ints | int, rows: Ints | None = None) -> None:
        self._totals.add(numbers, times, counts, rows)
        if rows is None or isinstance(numbers, int) or not len(rows) or not self._has_twin(numbers[0]):
            return
        place = self._place[rows]
        known = np.flatnonzero(place >= 0)
        if len(known):
            of_twin = self.key_ids.like(numbers[known], self._key, place[known])
            counts = counts if isinstance(counts, int) else counts[known]
            self._twins.add(of_twin, times[known], counts * self._step)

    def _has_twin(self, number: int) -> bool:
        return self.key_ids[number][0] in _HAVE_TWINS

    def _key(self, key: Key, place: int) -> Key:
        return key_of_twin(key, self._names[place])
