"""Latest: when a customer last did each of several things, and the censuses that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers, EventColumns
from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys
from stream.core.ragged import Ints, Ragged, row_numbers, spans, stretch_starts
from stream.core.record import Change
from stream.core.series import KEEP_MINUTES, Series
from stream.core.time import FAR_PAST

_ROW = 32
_HALF = 16
_LOW = (1 << _HALF) - 1
_REST, _FAR = _LOW, _LOW - 1
"""In the place of an age: this word holds, for the word that follows, the upper half of the number, or how many times
_FAR minutes are to be added to the age."""


@dataclass(frozen=True)
class Latest:
    """Of `size` customers: the one in row `key[i] >> 32` last did what key number `key[i] & (2³² − 1)` counts at
    `minute[i]`. In order of `key`; one a row and number.

    Stored as [newest minute, a word for each key: its number | minutes before the newest << 16 …]; what is too large
    for 16 bits has the rest in a word of its own before it.
    """

    size: int
    key: Ints
    minute: Ints

    @property
    def row(self) -> Ints:
        return self.key >> _ROW

    @property
    def number(self) -> Ints:
        return self.key & ((1 << _ROW) - 1)

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Latest:
        known = stored.lengths > 0
        newest = np.full(len(known), FAR_PAST)
        newest[known] = stored.words[stored.starts[known]].view(np.int32)
        counts = stored.lengths - known
        row = row_numbers(counts)
        words = stored.words[spans(stored.starts + known, counts)]
        number, age = (words & _LOW).astype(np.int64), (words >> _HALF).astype(np.int64)
        if len(extra := np.flatnonzero(age >= _FAR)):
            own = np.flatnonzero(age < _FAR)
            of = own[np.searchsorted(own, extra)]
            is_rest = age[extra] == _REST
            number[of[is_rest]] |= number[extra[is_rest]] << _HALF
            age[of[~is_rest]] += number[extra[~is_rest]] * _FAR
            row, number, age = row[own], number[own], age[own]
        minute = newest[row] - age
        key = (row << _ROW) | customers.read(row, number)
        order = np.argsort(key)
        return cls(len(known), key[order], minute[order])

    def pack(self, customers: Customers) -> list[Ragged]:
        row, number = self.row, customers.key_ids.ids(self.number)
        order = np.argsort((row << _ROW) | number)
        number, minute = number[order], self.minute[order]
        newest = self._newest()
        known = newest != FAR_PAST
        heads = Ragged(newest[known].astype(np.int32).view(np.uint32), known.astype(np.int64))
        age = newest[row] - minute
        words = (number & _LOW) | (age % _FAR) << _HALF
        large, far = np.flatnonzero(number > _LOW), np.flatnonzero(age >= _FAR)
        more = np.concatenate([number[large] >> _HALF | _REST << _HALF, age[far] // _FAR | _FAR << _HALF])
        extra = np.concatenate([large, far])
        words = np.insert(words, extra, more)
        counts = np.bincount(row, minlength=self.size) + np.bincount(row[extra], minlength=self.size)
        return [heads, Ragged(words.astype(np.uint32), counts)]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Latest:
        key, minute = _noted(columns)
        at = np.searchsorted(self.key, key)
        known = np.zeros(len(key), np.bool_)
        inside = at < len(self.key)
        known[inside] = self.key[at[inside]] == key[inside]
        minutes = self.minute.copy()
        minutes[at[known]] = np.maximum(minutes[at[known]], minute[known])
        fresh = ~known
        return Latest(
            self.size,
            np.insert(self.key, at[fresh], key[fresh]),
            np.insert(minutes, at[fresh], minute[fresh]),
        )._recent(columns)

    def newest(self, customers: Customers, series: Series) -> Ints:
        """For each row, the latest minute under any key of the series; FAR_PAST where there is none."""
        of_it = customers.key_ids.are_of(series.name, self.number)
        return self._newest(of_it)

    def by_labels(self, key_ids: FoldKeys, series: Series) -> list[tuple[tuple[str, ...], int]]:
        """(label values, minute) under each key of the series, of all customers."""
        of_it = key_ids.are_of(series.name, self.number)
        numbers, minutes = self.number[of_it].tolist(), self.minute[of_it].tolist()
        return [(key_ids[number][2:], minute) for number, minute in zip(numbers, minutes, strict=True)]

    def _newest(self, which: NDArray[np.bool_] | slice = slice(None)) -> Ints:
        newest = np.full(self.size, FAR_PAST)
        np.maximum.at(newest, self.row[which], self.minute[which])
        return newest

    def _recent(self, columns: EventColumns) -> Latest:
        """What a window can still see at the customer's newest minute or later, and what is lasting."""
        kept = self.minute > self._newest()[self.row] - KEEP_MINUTES
        if kept.all():
            return self
        for series in columns.catalogue.censuses:
            if series.lasting:
                kept |= self.minute == self.newest(columns.customers, series)[self.row]
        return self if kept.all() else Latest(self.size, self.key[kept], self.minute[kept])


def change(increments: Increments, customers: Customers, old: Latest, new: Latest, _: Definitions) -> None:
    """Each census moves the customer from its old last minute to the new; what was forgotten is taken back."""
    at = np.minimum(np.searchsorted(new.key, old.key), max(len(new.key) - 1, 0))
    same = (new.key[at] == old.key) & (new.minute[at] == old.minute) if len(new.key) else np.zeros(0, np.bool_)
    increments.add(old.number[~same], old.minute[~same], -1)
    come = np.ones(len(new.key), np.bool_)
    come[at[same]] = False
    increments.add(new.number[come], new.minute[come], 1)


def change_of_totals(totals: Sequence[Series]) -> Change:
    """The change of the censuses that follow from others: each counts a customer where it last did any of what its
    first split counts."""

    def change(increments: Increments, customers: Customers, old: Latest, new: Latest, _: Definitions) -> None:
        for total in totals:
            numbers = customers.numbers(total)
            before, now = old.newest(customers, total.splits[0]), new.newest(customers, total.splits[0])
            for minutes, count in ((before, -1), (now, 1)):
                moved = (before != now) & (minutes != FAR_PAST)
                increments.add(numbers[moved], minutes[moved], count, np.flatnonzero(moved))

    return change


def _noted(columns: EventColumns) -> tuple[Ints, Ints]:
    """(keys, ascending; the latest minute of each), of all that the censuses count."""
    keys, minutes = [], []
    for series in columns.catalogue.censuses:
        at, numbers = columns.under(series)
        if len(at):
            keys.append((columns.row[at] << _ROW) | numbers)
            minutes.append(columns.minute[at])
    if not keys:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    key, minute = np.concatenate(keys), np.concatenate(minutes)
    order = np.argsort(key)
    key = key[order]
    first = stretch_starts(key)
    return key[first], np.maximum.reduceat(minute[order], first)
