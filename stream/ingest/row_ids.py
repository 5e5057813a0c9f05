"""The event_id of a row that has none of its own: from what the row says, and how often it was said before."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import msgspec
import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


class RowIds:
    """Equal rows get different ids, and each the same in every file that has it, wherever it stands there.

    What a row says are its cells by the names of their columns, and what all rows have in `common`.
    """

    def __init__(self, names: Sequence[str], common: Sequence[str]) -> None:
        self._order = sorted(range(len(names)), key=lambda number: (names[number], number))
        self._begun = blake2b(_packed([*common, *(names[number] for number in self._order)]), digest_size=16)
        self._occurrences = Occurrences()

    def of(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """The ids of rows that follow one another."""
        digests = [self._digest(cells) for cells in rows]
        hashes = np.frombuffer(b"".join(digest[:8] for digest in digests), np.uint64)
        counted = zip(digests, self._occurrences.of(hashes), strict=True)
        return [digest.hex() if number == 1 else f"{digest.hex()}-{number}" for digest, number in counted]

    def _digest(self, cells: Sequence[str]) -> bytes:
        said = self._begun.copy()
        said.update(_packed([cells[number] for number in self._order]))
        return said.digest()


class Occurrences:
    """The how-manieth of its kind each hash is, from 1, at some 8 bytes for each kind."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._repeated: dict[int, int] = {}

    def of(self, hashes: Hashes) -> list[int]:
        numbers = []
        fresh: set[int] = set()
        for hash_, known in zip(hashes.tolist(), self._known(hashes).tolist(), strict=True):
            if known or hash_ in fresh:
                number = self._repeated[hash_] = self._repeated.get(hash_, 1) + 1
            else:
                number = 1
                fresh.add(hash_)
            numbers.append(number)
        self._remember(np.sort(np.fromiter(fresh, np.uint64, len(fresh))))
        return numbers

    def _known(self, hashes: Hashes) -> NDArray[np.bool_]:
        found = np.zeros(len(hashes), np.bool_)
        for run in self._runs:
            at = np.searchsorted(run, hashes)
            found |= run[np.minimum(at, len(run) - 1)] == hashes
        return found

    def _remember(self, run: Hashes) -> None:
        # Runs at least halve in length from each to the next, so that merging costs O(log n) a hash.
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate((self._runs.pop(), run)), kind="stable")
        if len(run):
            self._runs.append(run)


def _packed(texts: Sequence[str]) -> bytes:
    return msgspec.msgpack.encode(texts)
