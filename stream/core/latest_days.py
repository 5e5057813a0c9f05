"""Latest days: the last two days on which each customer did each of several things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from stream.core.event_columns import Customers, EventColumns
from stream.core.key_ids import KEY_BITS, FoldKeys
from stream.core.ragged import Ints, Ragged, distinct, row_numbers, spans
from stream.core.series import Series
from stream.core.time import FAR_PAST

KEEP_DAYS = 31

_ROW = 32
_AGE = 5
_LOW, _NO_AGE = (1 << KEY_BITS) - 1, (1 << _AGE) - 1
"""No age is that of a day that there is none of."""


@dataclass(frozen=True)
class LatestDays:
    """Of `size` customers: the one in row `key[i] >> 32` did what key number `key[i] & (2³² − 1)` stands for on day
    `last[i]`, and before that on day `before[i]`, FAR_PAST where on none. In order of `key`; one a row and number.

    Days are kept for 31 days back from the newest of the customer's. Stored as [newest day, a word for each key: its
    id | age of the last day << 22 | age of the day before << 27]. A slot is a class of its own, with the things that
    it is about.
    """

    things: ClassVar[tuple[tuple[Series, frozenset[str]], ...]]
    """(the series whose keys stand for them, the event types by which they are done); none has a type in common."""

    size: int
    key: Ints
    last: Ints
    before: Ints

    @property
    def row(self) -> Ints:
        return self.key >> _ROW

    @property
    def number(self) -> Ints:
        return self.key & ((1 << _ROW) - 1)

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Self:
        known = stored.lengths > 0
        newest = np.zeros(len(known), np.int64)
        newest[known] = stored.words[stored.starts[known]].view(np.int32)
        counts = stored.lengths - known
        row = row_numbers(counts)
        words = stored.words[spans(stored.starts + known, counts)].astype(np.int64)
        number, last, before = words & _LOW, words >> KEY_BITS & _NO_AGE, words >> KEY_BITS + _AGE
        day = newest[row]
        before = np.where(before == _NO_AGE, FAR_PAST, day - before)
        return cls(len(known), *_ordered(row << _ROW | customers.read(row, number), day - last, before))

    def pack(self, customers: Customers) -> list[Ragged]:
        stored = self.row << _ROW | customers.key_ids.ids(self.number)
        key, last, before = _ordered(stored, self.last, self.before)
        row, number = key >> _ROW, key & ((1 << _ROW) - 1)
        newest = self._newest()
        known = newest != FAR_PAST
        heads = Ragged(newest[known].astype(np.int32).view(np.uint32), known.astype(np.int64))
        age = np.where(before == FAR_PAST, _NO_AGE, newest[row] - before)
        words = number | newest[row] - last << KEY_BITS | age << KEY_BITS + _AGE
        return [heads, Ragged(words.astype(np.uint32), np.bincount(row, minlength=self.size))]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Self:
        done = [columns.under(series, types) for series, types in self.things]
        if not any(len(at) for at, _ in done):
            return self
        held = self.before != FAR_PAST
        keys = [self.key, self.key[held], *(columns.row[at] << _ROW | number for at, number in done)]
        days = [self.last, self.before[held], *(columns.day[at] for at, _ in done)]
        key, day = np.concatenate(keys), np.concatenate(days)
        order = np.lexsort((day, key))
        key, day = key[order], day[order]
        fresh = np.append(True, (np.diff(key) != 0) | (np.diff(day) != 0))
        key, day = key[fresh], day[fresh]
        last = np.flatnonzero(np.diff(key, append=-1))
        again = key[last - 1] == key[last]
        again[:1] &= last[:1] > 0
        before = np.where(again, day[last - 1], FAR_PAST)
        return type(self)(self.size, key[last], day[last], before)._recent()

    def of(self, key_ids: FoldKeys, series: Series) -> NDArray[np.bool_]:
        """For each key, whether it is one of the series."""
        return key_ids.are_of(series.name, self.number)

    def differing(self, other: LatestDays) -> Ints:
        """The rows in which they are not the same."""
        if self is other:
            return self.key[:0]
        at = np.minimum(np.searchsorted(other.key, self.key), max(len(other.key) - 1, 0))
        if not len(other.key):
            return distinct(self.row)
        same = (other.key[at] == self.key) & (other.last[at] == self.last) & (other.before[at] == self.before)
        gone = np.ones(len(other.key), np.bool_)
        gone[at[same]] = False
        return distinct(np.concatenate([self.row[~same], other.row[gone]]))

    def _newest(self) -> Ints:
        newest = np.full(self.size, FAR_PAST)
        np.maximum.at(newest, self.row, self.last)
        return newest

    def _recent(self) -> Self:
        edge = self._newest()[self.row] - KEEP_DAYS
        before = np.where(self.before > edge, self.before, FAR_PAST)
        kept = self.last > edge
        return type(self)(self.size, self.key[kept], self.last[kept], before[kept])


def _ordered(key: Ints, *columns: Ints) -> tuple[Ints, ...]:
    """By key: numbers are stored as others, and so in another order."""
    order = np.argsort(key)
    return key[order], *(column[order] for column in columns)
