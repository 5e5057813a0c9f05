"""Latest values: what was named last of each customer, such as the segment that it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from stream.core.event_columns import Customers, EventColumns
from stream.core.key_ids import FoldKeys
from stream.core.ragged import Ints, Ragged, distinct, from_words64, to_words64
from stream.core.series import Series
from stream.core.time import FAR_PAST

_WORDS = 3


@dataclass(frozen=True)
class LatestValue:
    """The value that holds of the customer in row i is that of key number `number[i]` of the series, named at `ms[i]`
    (milliseconds since the epoch), FAR_PAST where none was. Of several named in one millisecond the last by name
    counts.

    Stored as [ms (2 words), number] or nothing. A slot is a class of its own, with its series.
    """

    series: ClassVar[Series]
    """A plain count of the events that name a value, with the value as its label."""

    key_ids: FoldKeys
    ms: Ints
    number: Ints

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Self:
        known = stored.lengths > 0
        words = stored.words.reshape(-1, _WORDS)
        ms, number = np.full(len(known), FAR_PAST), np.zeros(len(known), np.int64)
        ms[known] = from_words64(words[:, 0:2]).ravel()
        number[known] = customers.read(np.flatnonzero(known), words[:, 2].astype(np.int64))
        return cls(customers.key_ids, ms, number)

    def pack(self, customers: Customers) -> list[Ragged]:
        known = self.ms != FAR_PAST
        words = np.empty((int(known.sum()), _WORDS), np.uint32)
        words[:, 0:2], words[:, 2] = to_words64(self.ms[known]), self.key_ids.ids(self.number[known])
        return [Ragged(words.ravel(), known * _WORDS)]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Self:
        at, named = columns.under(self.series)
        if not len(at):
            return self
        touched = distinct(columns.row[at])
        held = touched[self.ms[touched] != FAR_PAST]
        row = np.concatenate([held, columns.row[at]])
        ms = np.concatenate([self.ms[held], columns.ms[at]])
        number = np.concatenate([self.number[held], named])
        order = np.lexsort((self.key_ids.ranks(number), ms, row))
        last = order[np.diff(row[order], append=-1) != 0]
        all_ms, numbers = self.ms.copy(), self.number.copy()
        all_ms[row[last]], numbers[row[last]] = ms[last], number[last]
        return type(self)(self.key_ids, all_ms, numbers)

    @property
    def numbers(self) -> Ints:
        """For each row the key of its value, −1 where none was named."""
        return np.where(self.ms != FAR_PAST, self.number, -1)
