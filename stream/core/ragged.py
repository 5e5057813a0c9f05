"""Ragged columns: rows of different length, one after another in one array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint32]


_LARGEST_TABLE = 1 << 20
"""So far it is quicker to look numbers up in a table than to sort them."""


class Ragged(NamedTuple):
    """Row i is the `lengths[i]` words from where row i − 1 ends."""

    words: Words
    lengths: Ints

    @property
    def starts(self) -> Ints:
        return starts_of(self.lengths)


def starts_of(lengths: Ints) -> Ints:
    """Where each row begins."""
    return np.cumsum(lengths) - lengths


def spans(starts: Ints, lengths: Ints) -> Ints:
    """The indices start, start + 1, …, start + length − 1 of each row, row after row."""
    return np.repeat(starts - starts_of(lengths), lengths) + np.arange(int(lengths.sum()))


def row_numbers(lengths: Ints) -> Ints:
    """For each element, the row that it belongs to."""
    return np.repeat(np.arange(len(lengths)), lengths)


def distinct(numbers: Ints) -> Ints:
    """Each number once, ascending. (numpy's own `unique` hashes, which takes five times as long.)"""
    ordered = np.sort(numbers)
    return ordered[stretch_starts(ordered)]


def stretch_starts(ordered: Ints) -> Ints:
    """Where each stretch of equal numbers begins. (`np.diff` would take three times as long over a few.)"""
    begins = np.empty(len(ordered), np.bool_)
    begins[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return begins.nonzero()[0]


def stretches(ordered: Ints) -> Iterator[tuple[int, int, int]]:
    """(number, start, end) of each stretch of equal numbers: they stand at start … end − 1."""
    starts = stretch_starts(ordered)
    edges = [*starts.tolist(), len(ordered)]
    for number, (start, end) in zip(ordered[starts].tolist(), pairwise(edges), strict=True):
        yield number, start, end


def places(numbers: Ints) -> tuple[Ints, Ints]:
    """(the distinct numbers, ascending; for each number its place among them)."""
    first, last = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, -1)
    span = last - first + 1
    if span > _LARGEST_TABLE:
        found, where = np.unique(numbers, return_inverse=True)
        return found, where
    table = np.zeros(span, np.int64)
    table[numbers - first] = 1
    found = np.flatnonzero(table)
    table[found] = np.arange(len(found))
    return found + first, table[numbers - first]


def tallied(kind: Ints, day: Ints, count: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """(the distinct kinds; the place among them, the day and the sum of the counts of each kind and day that does not
    cancel out).

    In a table of the kinds and the days that occur: one late event must not stretch it to all days between.
    """
    kinds, at_kind = places(kind)
    days, at_day = places(day)
    table = np.bincount(at_kind * len(days) + at_day, count, len(kinds) * len(days)).astype(np.int64)
    changed = np.flatnonzero(table)
    at_kind, at_day = np.divmod(changed, max(len(days), 1))
    return kinds, at_kind, days[at_day], table[changed]


def gathered(words: Words, starts: Ints, lengths: Ints) -> Ragged:
    """The given stretches of `words`, as rows."""
    return Ragged(words[spans(starts, lengths)], lengths)


def chained(*parts: Ragged) -> Ragged:
    """The rows of each part after those of the one before."""
    words, lengths = map(np.concatenate, zip(*parts, strict=True))
    return Ragged(words, lengths)


def side_by_side(parts: Sequence[Ragged]) -> Ragged:
    """Each row is the parts' rows, one after the other."""
    lengths = np.add.reduce([part.lengths for part in parts])
    words = np.empty(int(lengths.sum()), np.uint32)
    at = starts_of(lengths)
    for part in parts:
        words[spans(at, part.lengths)] = part.words
        at = at + part.lengths
    return Ragged(words, lengths)


def replaced(rows: Ragged, at: Ints, others: Ragged) -> Ragged:
    """The rows with those numbered `at` (each once) exchanged for the others."""
    lengths = rows.lengths.copy()
    lengths[at] = others.lengths
    starts = starts_of(lengths)
    stay = np.ones(len(lengths), np.bool_)
    stay[at] = False
    words = np.empty(int(lengths.sum()), np.uint32)
    words[spans(starts[stay], lengths[stay])] = gathered(rows.words, rows.starts[stay], lengths[stay]).words
    words[spans(starts[at], lengths[at])] = others.words
    return Ragged(words, lengths)


def from_bytes(rows: Iterable[bytes]) -> Ragged:
    """Rows of whole little-endian words."""
    blobs = list(rows)
    lengths = np.fromiter(map(len, blobs), np.int64, len(blobs)) // 4
    return Ragged(np.frombuffer(b"".join(blobs), "<u4"), lengths)


def to_bytes(rows: Ragged) -> list[bytes]:
    """Inverse of `from_bytes`."""
    blob = rows.words.astype("<u4", copy=False).tobytes()
    ends = np.cumsum(rows.lengths) * 4
    return [blob[start:end] for start, end in zip((ends - rows.lengths * 4).tolist(), ends.tolist(), strict=True)]


def from_words64(words: Words) -> Ints:
    """Signed 64-bit numbers, two words each."""
    return np.ascontiguousarray(words).view("<i8").astype(np.int64, copy=False)


def to_words64(numbers: Ints) -> Words:
    """Inverse of `from_words64`: shape (n, 2)."""
    return numbers.astype("<i8", copy=False).view("<u4").reshape(-1, 2)
