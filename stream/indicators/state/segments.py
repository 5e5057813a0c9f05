"""Segments: which segment a customer is in, told by its latest `identify` that names one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stream.core.facts import Customers, Facts
from stream.core.names import Names
from stream.core.ragged import Ints, Ragged, from_words64, to_words64
from stream.core.series import Kind, Series
from stream.indicators.churn.trajectory import EVER

UNKNOWN = "unknown"
"""The segment of who was never identified."""
IDENTIFIED = Series("identified", Kind.FLOW, "minute", ("segment",), frozenset({"identify"}))
_WORDS = 3


@dataclass(frozen=True)
class Segment:
    """The customer in row i has been in the segment with key number `number[i]` (of IDENTIFIED) since `ms[i]`
    (milliseconds since the epoch), EVER where none was named. Of several named in one millisecond the last by name
    counts.

    Stored as [ms (2 words), number] or nothing.
    """

    names: Names
    ms: Ints
    number: Ints

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Segment:
        known = stored.lengths > 0
        words = stored.words.reshape(-1, _WORDS)
        ms, number = np.full(len(known), EVER), np.zeros(len(known), np.int64)
        ms[known] = from_words64(words[:, 0:2]).ravel()
        number[known] = customers.read(np.flatnonzero(known), words[:, 2].astype(np.int64))
        return cls(customers.names, ms, number)

    def pack(self, customers: Customers) -> list[Ragged]:
        known = self.ms != EVER
        words = np.empty((int(known.sum()), _WORDS), np.uint32)
        words[:, 0:2], words[:, 2] = to_words64(self.ms[known]), self.names.stored(self.number[known])
        return [Ragged(words.ravel(), known * _WORDS)]

    def merge(self, facts: Facts, keep_days: int | None) -> Segment:
        at, numbers = facts.under(IDENTIFIED)
        if not len(at):
            return self
        ms, number = self.ms.copy(), self.number.copy()
        for row, heard, named in zip(
            facts.row[at].tolist(), facts.ms[at].tolist(), numbers.tolist(), strict=True
        ):  # identities are rare beside other events
            if (heard, self.names[named]) > (int(ms[row]), self.names[int(number[row])]):
                ms[row], number[row] = heard, named
        return Segment(self.names, ms, number)

    @property
    def numbers(self) -> Ints:
        """For each row the key of its segment, −1 where it is unknown."""
        return np.where(self.ms != EVER, self.number, -1)
