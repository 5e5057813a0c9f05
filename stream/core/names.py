"""Numbers for series keys: records and increments of a shard refer to a key by its number."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints
from stream.core.series import Key


class Names:
    """A number a key, in the order of first use; numbers are for good.

    Only a shard's owner gives numbers, and stores them with the commit that uses them first.
    """

    def __init__(self, stored: Iterable[bytes] = ()) -> None:
        self._keys: list[Key] = []
        self._numbers: dict[Key, int] = {}
        self._of_series: dict[str, list[int]] = {}
        for packed in stored:
            self.number(tuple(_decode(packed)))

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, number: int) -> Key:
        return self._keys[number]

    def number(self, key: Key) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._keys)
            self._keys.append(key)
            self._of_series.setdefault(key[0], []).append(number)
        return number

    def are_of(self, series: str, numbers: Ints) -> NDArray[np.bool_]:
        """For each number, whether its key is one of the series."""
        members = np.zeros(len(self._keys), np.bool_)
        members[self._of_series.get(series, [])] = True
        found: NDArray[np.bool_] = members[numbers]
        return found

    def pack(self, first: int) -> list[bytes]:
        """The keys from number `first` on, as they are stored."""
        return [_encode(key) for key in self._keys[first:]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode
