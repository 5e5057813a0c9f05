"""Segments: which segment a customer is in, told by its latest `identify` that names one; and series by segment."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from stream.core.key_ids import FoldKeys
from stream.core.latest_value import LatestValue
from stream.core.ragged import Ints, places
from stream.core.series import Key, Kind, Series

SEGMENT, UNKNOWN = "segment", "unknown"
"""The label, and the segment of who was never identified."""
IDENTIFIED = Series("identified", Kind.FLOW, "minute", (SEGMENT,), frozenset({"identify"}))


class Segment(LatestValue):
    """The customer's segment, as a key of IDENTIFIED."""

    series = IDENTIFIED


class Segments:
    """The segments of some customers, as they were and as they are: places in `names`, −1 where it is unknown."""

    def __init__(self, key_ids: FoldKeys, old: Segment, new: Segment) -> None:
        numbers = np.stack([old.numbers, new.numbers])
        known = numbers >= 0
        found, which = places(key_ids.in_keys(numbers[known]))
        self.names = [key_ids[number][-1] for number in found.tolist()]
        place = np.full(numbers.shape, -1)
        place[known] = which
        if UNKNOWN in self.names:
            place[place == self.names.index(UNKNOWN)] = -1
        self.was, self.is_ = place

    @cached_property
    def moved(self) -> Ints:
        """The rows of those that are in another segment than they were."""
        return np.flatnonzero(self.was != self.is_)


def with_segments(series: Series) -> Series:
    """With a split by segment (its last label), which counts the customers whose segment is known."""
    labels = (*series.labels, SEGMENT)
    split = replace(series, name=_split_name(series.name), labels=labels, of=frozenset(), only=(), splits=())
    return replace(series, splits=(*series.splits, split))


def key_of_split(key: Key, segment: str) -> Key:
    """Of the split by segment of the key's series."""
    name, *rest = key
    return (_split_name(name), *rest, segment)


def _split_name(name: str) -> str:
    return f"{name}_by_{SEGMENT}"
