"""Increments: what one batch adds to the series, collected column by column."""

from __future__ import annotations

import numpy as np

from stream.core.key_ids import FoldKeys
from stream.core.packed_cells import NO_INCREMENTS, encode, packed
from stream.core.ragged import Ints, stretch_starts, stretches

_TIME_BITS = 32
_TIME_OFFSET = 1 << 31
_FEW = 64


class Increments:
    """`key_ids` gives the keys of the numbers that are added to."""

    def __init__(self, key_ids: FoldKeys) -> None:
        self.key_ids = key_ids
        self._cells: list[Ints] = []
        self._counts: list[Ints] = []

    def add(self, numbers: Ints | int, times: Ints, counts: Ints | int, rows: Ints | None = None) -> None:
        """Key numbers, times (minutes or days, as the series' grain says) and counts, element by element.

        rows  of the customers whose they are, for who splits the series by what is known of them
        """
        if not len(times):
            return
        cells = (np.asarray(numbers, np.int64) << _TIME_BITS) + (times + _TIME_OFFSET)
        if isinstance(counts, int):
            cells, counts = _tallied(cells, counts)
        self._cells.append(cells)
        self._counts.append(counts)

    def cells(self) -> tuple[Ints, Ints, Ints]:
        """(key numbers, times, counts), sorted, each cell once, what cancelled out left out."""
        if not self._cells:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, nothing
        cells, counts = np.concatenate(self._cells), np.concatenate(self._counts)
        order = np.argsort(cells)
        cells = cells[order]
        first = stretch_starts(cells)
        sums = np.add.reduceat(counts[order], first)
        cells, sums = cells[first][sums != 0], sums[sums != 0]
        return cells >> _TIME_BITS, (cells & (2 * _TIME_OFFSET - 1)) - _TIME_OFFSET, sums

    def encode(self) -> bytes:
        """Those of one slice, packed."""
        return next(iter(self.by_slice().values()), NO_INCREMENTS)

    def by_slice(self) -> dict[int, bytes]:
        """Slice -> its increments, packed, where there are any."""
        numbers, times, counts = self.cells()
        starts = stretch_starts(numbers)
        own = numbers[starts]
        columns = packed(self.key_ids.keys_at(own), times, counts, [*starts.tolist(), len(numbers)])
        return {slice_: encode(columns[start:end]) for slice_, start, end in stretches(self.key_ids.slices_at(own))}


def _tallied(cells: Ints, count: int) -> tuple[Ints, Ints]:
    """(cells, how much is added to each), of cells with a count each. Most cells of many come many times: to tally
    them first is cheaper than to sort them all in the end."""
    if len(cells) <= _FEW:
        return cells, np.full(len(cells), count)
    ordered = np.sort(cells)
    first = stretch_starts(ordered)
    return ordered[first], np.diff(first, append=len(ordered)) * count
