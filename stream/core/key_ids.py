"""Numbers for series keys: records and increments of a shard refer to a key by its number.

Each shard gives numbers of its own. What is folded at once is in slices, each some customers of one shard that are
committed by themselves; where there are several, `JointKeyIds` numbers the keys of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints, places
from stream.core.series import Key


class KeyIds:
    """A number a key, in the order of first use; numbers are for good.

    Only a shard's owner gives numbers, and stores them with the commit that uses them first.
    """

    joint = False
    """Whether these are the keys of several slices."""

    def __init__(self, stored: Iterable[bytes] = ()) -> None:
        self._keys: list[Key] = []
        self._numbers: dict[Key, int] = {}
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
        return number

    def are_of(self, series: str, numbers: Ints) -> NDArray[np.bool_]:
        """For each number, whether its key is one of the series."""
        distinct, where = places(numbers)
        return np.array([self._keys[number][0] == series for number in distinct.tolist()], np.bool_)[where]

    def ranks(self, numbers: Ints) -> Ints:
        """For each number the rank of its key among them, by name: a number tells only which came first."""
        distinct, where = places(numbers)
        by_name = sorted(range(len(distinct)), key=lambda place: self._keys[int(distinct[place])])
        rank = np.empty(len(distinct), np.int64)
        rank[by_name] = np.arange(len(distinct))
        return rank[where]

    def pack(self, first: int) -> list[bytes]:
        """The keys from number `first` on, as they are stored."""
        return [_encode(key) for key in self._keys[first:]]

    # What is trivial of one slice, so that a fold need not know of how many slices it is.

    def product_in(self, slice_: int, product: str) -> str:
        """What stands in keys for the product of that slice."""
        return product

    def plain(self, product: str) -> str:
        """Inverse of `product_in`."""
        return product

    def slices(self, products: Sequence[str]) -> Ints:
        """The slice of each of the products, as they stand in keys."""
        return np.zeros(len(products), np.int64)

    def read(self, slices: Ints, stored: Ints) -> Ints:
        """The numbers here of keys that the shards of these slices store under these numbers."""
        return stored

    def stored(self, numbers: Ints) -> Ints:
        """Inverse of `read`."""
        return numbers

    def stored_key(self, number: int) -> tuple[int, Key]:
        """(its slice, the key as it is stored)."""
        return 0, self._keys[number]


class JointKeyIds(KeyIds):
    """The keys of several slices, each under a number of its own, for as long as one fold lasts.

    In these keys a product is that of one slice ("2/app" is what slice 2 has of app), so that what is counted in
    different slices stays apart. A key that is new here is new to its shard.
    """

    joint = True

    def __init__(self, key_ids: Sequence[KeyIds]) -> None:
        """`key_ids[slice]` are those of its shard."""
        super().__init__()
        self._key_ids = key_ids
        self._stored: list[tuple[int, int]] = []
        self._of_stored: dict[int, int] = {}
        self._parts: dict[str, tuple[int, str]] = {}
        """Of the products: (slice, product as it is stored)."""

    def number(self, key: Key) -> int:
        number = self._numbers.get(key)
        if number is None:
            slice_, product = self._parts[key[1]]
            stored = self._key_ids[slice_].number((key[0], product, *key[2:]))
            number = self._numbers[key] = self._of_stored[slice_ << _SLICE | stored] = len(self._keys)
            self._keys.append(key)
            self._stored.append((slice_, stored))
        return number

    def product_in(self, slice_: int, product: str) -> str:
        joint = f"{slice_}/{product}"
        self._parts[joint] = slice_, product
        return joint

    def plain(self, product: str) -> str:
        return self._parts[product][1]

    def slices(self, products: Sequence[str]) -> Ints:
        return np.array([self._parts[product][0] for product in products], np.int64)

    def read(self, slices: Ints, stored: Ints) -> Ints:
        pairs, where = places(slices << _SLICE | stored)
        known = self._of_stored
        read = [known[pair] if pair in known else self._read(*divmod(pair, 1 << _SLICE)) for pair in pairs.tolist()]
        return np.array(read, np.int64)[where]

    def stored(self, numbers: Ints) -> Ints:
        stored = np.array([number for _, number in self._stored], np.int64)
        found: Ints = stored[numbers]
        return found

    def stored_key(self, number: int) -> tuple[int, Key]:
        slice_, stored = self._stored[number]
        return slice_, self._key_ids[slice_][stored]

    def _read(self, slice_: int, stored: int) -> int:
        name, product, *labels = self._key_ids[slice_][stored]
        return self.number((name, self.product_in(slice_, product), *labels))


def key_ids_of(key_ids: Sequence[KeyIds]) -> KeyIds:
    """The key ids of these slices, for one fold; see JointKeyIds."""
    return JointKeyIds(key_ids) if len(key_ids) > 1 else key_ids[0]


_SLICE = 32

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode
