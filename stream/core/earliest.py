"""Earliest: when each customer first did each of a few things."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stream.core.event_columns import Customers, EventColumns
from stream.core.ragged import Ints, Ragged, from_words64, spans, to_words64
from stream.core.time import FAR_FUTURE

MOST_THINGS = 8


@dataclass(frozen=True)
class Earliest(ABC):
    """The customer in row i did thing k first at `ms[i, k]` (milliseconds since the epoch), FAR_FUTURE where it never
    did; shape (n, MOST_THINGS). Nothing of it is ever forgotten.

    Stored as [which things were done, a bit each, ms (2 words) of each of these] or nothing: 17 words at most. A slot
    is a class of its own, which says what the things are.
    """

    ms: Ints

    @staticmethod
    @abstractmethod
    def done(columns: EventColumns) -> Iterator[tuple[int, Ints]]:
        """(thing, the numbers of the events by which it was done), of those things that were."""

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Self:
        known = np.flatnonzero(stored.lengths)
        heads = stored.starts[known]
        ms = np.full((len(stored.lengths), MOST_THINGS), FAR_FUTURE)
        if len(known):
            done = np.zeros(ms.shape, np.bool_)
            done[known] = _bits(stored.words[heads])
            ms[done] = from_words64(stored.words[spans(heads + 1, stored.lengths[known] - 1)].reshape(-1, 2)).ravel()
        return cls(ms)

    def pack(self, customers: Customers) -> list[Ragged]:
        done = self.ms != FAR_FUTURE
        known = done.any(axis=1)
        heads = np.packbits(done[known], axis=1, bitorder="little").ravel().astype(np.uint32)
        times = Ragged(to_words64(self.ms[done]).ravel(), done.sum(axis=1) * 2)
        return [Ragged(heads, known.astype(np.int64)), times]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Self:
        done = [(thing, at) for thing, at in self.done(columns) if len(at)]
        if not done:
            return self
        ms = self.ms.copy()
        for thing, at in done:
            np.minimum.at(ms[:, thing], columns.row[at], columns.ms[at])
        return type(self)(ms)


def _bits(words: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Shape (n, MOST_THINGS)."""
    return np.unpackbits(words.astype(np.uint8)[:, None], axis=1, bitorder="little").astype(np.bool_)
