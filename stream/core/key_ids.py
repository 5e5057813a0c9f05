"""Numbers for series keys: records and increments refer to a key by its number.

A process numbers every key that it meets in one table (`Keys`), which its shards share. Each shard stores ids of its
own (`KeyIds`). What is folded at once is in slices, each some customers of one shard that are committed by
themselves: so a number in a fold (`FoldKeys`) says of a key, too, in which slice it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints, places, starts_of
from stream.core.series import Key, Series

KEY_BITS = 22
"""Of a key's number, and of its id in a shard."""
_KEY = (1 << KEY_BITS) - 1
MOST_SLICES = 1 << 31 - KEY_BITS
"""Of one fold: a number in it is below 2³¹."""


def keys_of(series: Series) -> Callable[[Key, int], Key]:
    """For `FoldKeys.like`: the key of the series with the labels of one of another series that has the same."""

    def key(other: Key, _: int) -> Key:
        return series.key(*other[1:])

    return key


class TooManyKeys(Exception):
    """There is no number left for a key."""

    def __init__(self) -> None:
        super().__init__(
            f"more than {_KEY:,} combinations of products and labels in one process: lower ASSIDU_LABEL_LIMIT or"
            " ASSIDU_PRODUCT_LIMIT, or run more workers"
        )


class Keys:
    """Every key that was met, each under a number of its own, in the order of first use."""

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._numbers: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, number: int) -> Key:
        return self._keys[number]

    def number(self, key: Key) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = len(self._keys)
            if number > _KEY:
                raise TooManyKeys
            self._numbers[key] = number
            self._keys.append(key)
        return number


class KeyIds:
    """The ids under which a shard stores keys, in the order of first use; they are for good.

    Only a shard's owner gives ids, and stores them with the commit that uses them first.
    """

    def __init__(self, stored: Iterable[bytes] = (), keys: Keys | None = None) -> None:
        self.keys = Keys() if keys is None else keys
        self._numbers: list[int] = []
        self._ids: dict[int, int] = {}
        self._as_array = np.empty(0, np.int64)
        for packed in stored:
            self.id_of(self.keys.number(tuple(_decode(packed))))

    def __len__(self) -> int:
        return len(self._numbers)

    def id_of(self, number: int) -> int:
        """Of the key with this number in `keys`."""
        id_ = self._ids.get(number)
        if id_ is None:
            id_ = self._ids[number] = len(self._numbers)
            self._numbers.append(number)
        return id_

    @property
    def numbers(self) -> Ints:
        """Id -> the key's number in `keys`."""
        if len(self._as_array) < len(self._numbers):
            self._as_array = np.array(self._numbers, np.int64)
        return self._as_array

    def pack(self, first: int) -> list[bytes]:
        """The keys from id `first` on, as they are stored."""
        return [_encode(self.keys[number]) for number in self._numbers[first:]]


class FoldKeys:
    """The keys of several slices, for one fold: a number is that of the key in `keys`, and the slice above it."""

    def __init__(self, key_ids: Sequence[KeyIds]) -> None:
        """`key_ids[slice]` are those of its shard; all share one table."""
        if len(key_ids) > MOST_SLICES:
            raise ValueError(f"{len(key_ids)} slices in one fold: at most {MOST_SLICES}")
        self._key_ids = key_ids
        self._keys = key_ids[0].keys
        if any(each.keys is not self._keys for each in key_ids):
            raise ValueError("the shards of a fold share one table of keys")
        self._shards = list(dict.fromkeys(key_ids))
        shard = {each: place for place, each in enumerate(self._shards)}
        self._shard_of_slice = np.array([shard[each] for each in key_ids], np.int64)
        self._lengths: list[int] = []

    def __getitem__(self, number: int) -> Key:
        return self._keys[number & _KEY]

    def number(self, key: Key, slices: Ints) -> Ints:
        """The key's number in each of the slices."""
        return slices << KEY_BITS | self._keys.number(key)

    def numbers(self, keys: Sequence[Key], which: Ints, slices: Ints) -> Ints:
        """The numbers of `keys[which[i]]` in `slices[i]`."""
        of_key = np.array([self._keys.number(key) for key in keys], np.int64)
        return slices << KEY_BITS | of_key[which]

    def like(self, numbers: Ints, key: Callable[[Key, int], Key], given: Ints | int = 0) -> Ints:
        """For each number that of the key made of its own and of what is given (below 2³²), in the same slice."""
        width = int(np.max(given, initial=0)) + 1
        found, which = places((numbers & _KEY) * width + given)
        made = [key(self._keys[pair // width], pair % width) for pair in found.tolist()]
        return self.numbers(made, which, numbers >> KEY_BITS)

    def are_of(self, series: str, numbers: Ints) -> NDArray[np.bool_]:
        """For each number, whether its key is one of the series."""
        found, which = places(numbers & _KEY)
        return np.array([self._keys[number][0] == series for number in found.tolist()], np.bool_)[which]

    def ranks(self, numbers: Ints) -> Ints:
        """For each number the rank of its key among them, by name: a number tells only which came first."""
        found, which = places(numbers & _KEY)
        by_name = sorted(range(len(found)), key=lambda place: self._keys[int(found[place])])
        rank = np.empty(len(found), np.int64)
        rank[by_name] = np.arange(len(found))
        return rank[which]

    def read(self, slices: Ints, ids: Ints) -> Ints:
        """The numbers of keys that the shards of these slices store under these ids."""
        if (lengths := [len(each) for each in self._shards]) != self._lengths:
            self._lengths = lengths
            self._first = starts_of(np.array(lengths, np.int64))[self._shard_of_slice]
            self._of_id = np.concatenate([each.numbers for each in self._shards])
        numbers: Ints = slices << KEY_BITS | self._of_id[self._first[slices] + ids]
        return numbers

    def ids(self, numbers: Ints) -> Ints:
        """Inverse of `read`; a key that is new to its shard gets an id there."""
        found, which = places(numbers)
        return np.array([self._id(number) for number in found.tolist()], np.int64)[which]

    def in_keys(self, numbers: Ints) -> Ints:
        """The numbers of the keys alone, whatever their slices."""
        return numbers & _KEY

    def keys_at(self, numbers: Ints) -> list[Key]:
        """The keys of these numbers."""
        return [self._keys[number] for number in (numbers & _KEY).tolist()]

    @staticmethod
    def slices_at(numbers: Ints) -> Ints:
        """The slices of these numbers, ascending as they are."""
        return numbers >> KEY_BITS

    def _id(self, number: int) -> int:
        return self._key_ids[number >> KEY_BITS].id_of(number & _KEY)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode
