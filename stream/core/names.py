"""Numbers for series keys: records and increments of a shard refer to a key by its number.

Each shard gives numbers of its own. Where several shards are folded at once, `JointNames` numbers the keys of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints, places
from stream.core.series import Key


class Names:
    """A number a key, in the order of first use; numbers are for good.

    Only a shard's owner gives numbers, and stores them with the commit that uses them first.
    """

    joint = False
    """Whether these are the keys of several shards."""

    def __init__(self, stored: Iterable[bytes] = (), shard: int = 0) -> None:
        self._shard = shard
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

    # What is trivial of one shard, so that a fold need not know of how many shards it is.

    def product_in(self, shard: int, product: str) -> str:
        """What stands in keys for the product of that shard."""
        return product

    def plain(self, product: str) -> str:
        """Inverse of `product_in`."""
        return product

    def shards(self, products: Sequence[str]) -> Ints:
        """The shard of each of the products, as they stand in keys."""
        return np.full(len(products), self._shard)

    def read(self, shards: Ints, stored: Ints) -> Ints:
        """The numbers here of keys that the shards store under these numbers."""
        return stored

    def stored(self, numbers: Ints) -> Ints:
        """Inverse of `read`."""
        return numbers

    def stored_key(self, number: int) -> tuple[int, Key]:
        """(its shard, the key as it is stored)."""
        return self._shard, self._keys[number]


class JointNames(Names):
    """The keys of several shards, each under a number of its own, for as long as one fold lasts.

    In these keys a product is that of one shard ("2/app" is what shard 2 has of app), so that what is counted in
    different shards stays apart. A key that is new here is new to its shard.
    """

    joint = True

    def __init__(self, names: Mapping[int, Names]) -> None:
        super().__init__()
        self._names = names
        self._stored: list[tuple[int, int]] = []

    def number(self, key: Key) -> int:
        if key not in self._numbers:
            shard, product = _parted(key[1])
            self._stored.append((shard, self._names[shard].number((key[0], product, *key[2:]))))
        return super().number(key)

    def product_in(self, shard: int, product: str) -> str:
        return f"{shard}/{product}"

    def plain(self, product: str) -> str:
        return _parted(product)[1]

    def shards(self, products: Sequence[str]) -> Ints:
        return np.array([_parted(product)[0] for product in products], np.int64)

    def read(self, shards: Ints, stored: Ints) -> Ints:
        pairs, where = places(shards << _SHARD | stored)
        return np.array([self._read(*divmod(pair, 1 << _SHARD)) for pair in pairs.tolist()], np.int64)[where]

    def stored(self, numbers: Ints) -> Ints:
        stored = np.array([number for _, number in self._stored], np.int64)
        found: Ints = stored[numbers]
        return found

    def stored_key(self, number: int) -> tuple[int, Key]:
        shard, stored = self._stored[number]
        return shard, self._names[shard][stored]

    def _read(self, shard: int, stored: int) -> int:
        name, product, *labels = self._names[shard][stored]
        return self.number((name, self.product_in(shard, product), *labels))


def names_of(names: Mapping[int, Names]) -> Names:
    """The names of these shards, by their numbers, for one fold."""
    return JointNames(names) if len(names) > 1 else next(iter(names.values()))


_SHARD = 32


def _parted(product: str) -> tuple[int, str]:
    shard, _, plain = product.partition("/")
    return int(shard), plain


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode
