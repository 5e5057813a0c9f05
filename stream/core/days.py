"""Days: the local days on which customers were active, as bit masks, many customers at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints, Ragged, chained, gathered, row_numbers, spans, starts_of

Bits = NDArray[np.uint64]
NO_DAY = 1 << 40
"""Farther than any day."""

_BLOCK = 32


@dataclass(frozen=True)
class Days:
    """Row i holds day 32·`first_block[i]` + b where bit b of its words, taken together, is set. Its first and its
    last word are not zero; a row without days has no words."""

    first_block: Ints
    masks: Ragged

    @classmethod
    def none(cls, rows: int) -> Days:
        return cls(np.zeros(rows, np.int64), Ragged(np.empty(0, np.uint32), np.zeros(rows, np.int64)))

    def window(self, rows: Ints, first: Ints) -> Bits:
        """For each (row, day): the 64 days from that one on, the day itself as bit 0."""
        offset = first - self.first_block[rows] * _BLOCK
        word, shift = offset // _BLOCK, (offset % _BLOCK).astype(np.uint64)
        low = self._words(rows, word) | self._words(rows, word + 1) << np.uint64(_BLOCK)
        high = self._words(rows, word + 2) << np.uint64(_BLOCK)
        return low >> shift | high << (np.uint64(_BLOCK) - shift)

    def including(self, rows: Ints, days: Ints) -> Days:
        """With these days of these rows, which may be there already."""
        if not len(rows):
            return self
        lengths = self.masks.lengths
        blocks = days // _BLOCK
        first = np.where(lengths > 0, self.first_block, NO_DAY)
        last = np.where(lengths > 0, self.first_block + lengths, 0)
        np.minimum.at(first, rows, blocks)
        np.maximum.at(last, rows, blocks + 1)
        first[first == NO_DAY] = 0
        wider = np.maximum(last - first, 0)
        starts = starts_of(wider)
        words = np.zeros(int(wider.sum()), np.uint32)
        words[spans(starts + np.where(lengths > 0, self.first_block - first, 0), lengths)] = self.masks.words
        bits = np.uint32(1) << (days % _BLOCK).astype(np.uint32)
        np.bitwise_or.at(words, starts[rows] + blocks - first[rows], bits)
        return Days(first, Ragged(words, wider))

    @classmethod
    def chained(cls, *parts: Days) -> Days:
        """The rows of each part after those of the one before."""
        first_blocks, masks = zip(*((part.first_block, part.masks) for part in parts), strict=True)
        return cls(np.concatenate(first_blocks), chained(*masks))

    def those(self, rows: Ints) -> Days:
        """Of these rows only, in this order."""
        if len(rows) == len(self.first_block):
            return self
        return Days(
            self.first_block[rows], gathered(self.masks.words, self.masks.starts[rows], self.masks.lengths[rows])
        )

    def before(self, day: Ints) -> Days:
        """Of each row the days before this one."""
        row, block = row_numbers(self.masks.lengths), spans(self.first_block, self.masks.lengths)
        kept = np.clip(day[row] - block * _BLOCK, 0, _BLOCK).astype(np.uint64)
        words = (self.masks.words & ((np.uint64(1) << kept) - np.uint64(1))).astype(np.uint32)
        held = np.flatnonzero(words)
        lengths = np.zeros(len(self.first_block), np.int64)
        np.maximum.at(lengths, row[held], block[held] - self.first_block[row[held]] + 1)
        return Days(np.where(lengths > 0, self.first_block, 0), gathered(words, self.masks.starts, lengths))

    def extent(self) -> tuple[Ints, Ints, Ints]:
        """(how many days, the first, the last) of each row, none of which may be without any."""
        starts, ends = self.masks.starts, np.cumsum(self.masks.lengths)
        words = self.masks.words.astype(np.int64)
        number = np.add.reduceat(np.bitwise_count(words), starts, dtype=np.int64)
        lowest, highest = words[starts], words[ends - 1]
        first = self.first_block * _BLOCK + _highest_of(lowest & -lowest)
        last = (self.first_block + self.masks.lengths - 1) * _BLOCK + _highest_of(highest)
        return number, first, last

    def weighed(self, until: Ints, half_life_days: float) -> NDArray[np.float64]:
        """For each row, none of which may be without any day, how many days it has, where a day counts for half as
        much for each half-life that it lies before the day `until`. Words add up from the earliest to the latest."""
        octets = self.masks.words.astype("<u4", copy=False).view(np.uint8).reshape(-1, _BLOCK // 8)
        table = _weights_of_octets(half_life_days)
        in_word = table[0][octets[:, 0]]
        for place in range(1, _BLOCK // 8):
            in_word += table[place][octets[:, place]]
        row = row_numbers(self.masks.lengths)
        before = spans(self.first_block, self.masks.lengths) * _BLOCK - until[row]
        return np.add.reduceat(in_word * np.exp2(before / half_life_days), self.masks.starts)

    def all(self) -> tuple[Ints, Ints]:
        """(rows, days), row by row, ascending."""
        return self.beyond(Days.none(len(self.first_block)))

    def beyond(self, other: Days) -> tuple[Ints, Ints]:
        """(rows, days) of the days that the same row of the other lacks, row by row, ascending."""
        row = row_numbers(self.masks.lengths)
        block = spans(self.first_block, self.masks.lengths)
        known = other._words(row, block - other.first_block[row]).astype(np.uint32)
        return _days(row, block, self.masks.words & ~known)

    def newest(self, keep: int) -> Days:
        """The newest `keep` days of each row, counted in days of the calendar."""
        lengths = self.masks.lengths
        if int(lengths.max(initial=0)) * _BLOCK <= keep:
            return self
        ends = np.cumsum(lengths) - 1
        held = lengths > 0
        top = np.zeros(len(lengths), np.int64)
        top[held] = _highest_bit(self.masks.words[ends[held]].astype(np.uint64))
        edge = (self.first_block + lengths - 1) * _BLOCK + top - keep + 1
        row, block = row_numbers(lengths), spans(self.first_block, lengths)
        below = np.clip(edge[row] - block * _BLOCK, 0, _BLOCK).astype(np.uint64)
        words = (self.masks.words.astype(np.uint64) >> below << below).astype(np.uint32)
        return Days(self.first_block, Ragged(words, lengths))._trimmed()

    def _trimmed(self) -> Days:
        """Without the zero words at the beginning of rows."""
        row, at = row_numbers(self.masks.lengths), spans(np.zeros_like(self.masks.lengths), self.masks.lengths)
        first = self.masks.lengths.copy()
        held = self.masks.words != 0
        np.minimum.at(first, row[held], at[held])
        lengths = self.masks.lengths - first
        return Days(
            np.where(lengths > 0, self.first_block + first, 0),
            gathered(self.masks.words, self.masks.starts + first, lengths),
        )

    def _words(self, rows: Ints, word: Ints) -> Bits:
        """The words of these rows; 0 outside of a row."""
        inside = (word >= 0) & (word < self.masks.lengths[rows])
        found = np.zeros(len(rows), np.uint64)
        found[inside] = self.masks.words[(self.masks.starts[rows] + word)[inside]]
        return found


def _days(row: Ints, block: Ints, words: NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """(rows, days) of the set bits."""
    held = np.flatnonzero(words)
    bits = np.unpackbits(words[held].astype("<u4").view(np.uint8), bitorder="little").reshape(-1, _BLOCK)
    word, bit = np.nonzero(bits)
    return row[held][word], block[held][word] * _BLOCK + bit


@cache
def _weights_of_octets(half_life_days: float) -> NDArray[np.float64]:
    """For each place of an octet in a word, and each octet: the weights of its days, beside that of bit 0 of the
    word."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    weight = np.exp2(np.arange(_BLOCK) / half_life_days).reshape(-1, 1, 8)
    weights: NDArray[np.float64] = (bits * weight).sum(axis=2)
    return weights


def _highest_of(words: Ints) -> Ints:
    """The place of the highest bit of words that are not zero."""
    _, exponent = np.frexp(words.astype(np.float64))
    return exponent.astype(np.int64) - 1


def set_bits(bits: Bits) -> tuple[Ints, Ints]:
    """(place, bit) of each bit that is set, place by place, ascending."""
    spread = np.unpackbits(bits.astype("<u8").view(np.uint8), bitorder="little")
    return np.divmod(np.flatnonzero(spread), 64)


def days_after(window: Bits) -> Ints:
    """Of windows that begin at a day: how far ahead the next day lies; NO_DAY where none is in sight."""
    after = window & ~np.uint64(1)
    lowest = after & (~after + np.uint64(1))
    return np.where(after > 0, np.bitwise_count(lowest - np.uint64(1)).astype(np.int64), NO_DAY)


def days_before(window: Bits) -> Ints:
    """Of windows that end with bit 63 on the day before a day: how far back the last day of it lies; NO_DAY where
    none is in sight."""
    return np.where(window > 0, 64 - _highest_bit(window), NO_DAY)


def _highest_bit(bits: Bits) -> Ints:
    """The place of the highest bit that is set, −1 if none is."""
    filled = bits.copy()
    for step in (1, 2, 4, 8, 16, 32):
        filled |= filled >> np.uint64(step)
    return np.bitwise_count(filled).astype(np.int64) - 1
