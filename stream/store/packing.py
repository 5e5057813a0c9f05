"""Many customers in a few arguments of a script: thousands of arguments would cost more than what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.event_columns import hashes_of

_HASHES = 1 << 32
PORTIONS = tuple(range(first, first + _HASHES // 64) for first in range(0, _HASHES, _HASHES // 64))
"""All hashes of customers, as many at a time as are read at once; buckets end where these do (see buckets.lua)."""

_PORTION_BYTES = 400_000  # of the keys, and of the records


def portions(*columns: Sequence[bytes], most_bytes: int = _PORTION_BYTES) -> Iterator[slice]:
    """Where to cut columns of the same length, so that no portion of one is long: Redis bounds what an argument may
    be (proto-max-bulk-len, 512 MB by default and 1 MiB at least). A single value may be longer."""
    start, rows = 0, len(columns[0])
    if rows and all(sum(map(len, column)) <= most_bytes for column in columns):
        yield slice(0, rows)
        return
    ends = [np.cumsum(list(map(len, column))) for column in columns]
    while start < rows:
        before = [int(end[start - 1]) if start else 0 for end in ends]
        fitting = min(
            int(np.searchsorted(end, done + most_bytes, "right")) for end, done in zip(ends, before, strict=True)
        )
        stop = max(fitting, start + 1)
        yield slice(start, stop)
        start = stop


class Hashed(NamedTuple):
    """Customers in the order of their hashes, so that those of a bucket stand together; `order[i]` is the place that
    the i-th had before."""

    order: list[int]
    hashes: NDArray[np.uint32]


def hashed(keys: Sequence[bytes]) -> Hashed:
    hashes = hashes_of(keys).astype("<u4")
    order = np.argsort(hashes)
    return Hashed(order.tolist(), hashes[order])


def pack_records(keys: Sequence[bytes], records: Sequence[bytes]) -> bytes:
    """Each key after its length (2 bytes, little-endian), and its record after its own (4 bytes)."""
    rows = zip(_lengths(keys, 2), keys, _lengths(records, 4), records, strict=True)
    return b"".join(chain.from_iterable(rows))


def pack_keys(keys: Sequence[bytes]) -> bytes:
    """Each key after its length (2 bytes, little-endian)."""
    return b"".join(chain.from_iterable(zip(_lengths(keys, 2), keys, strict=True)))


def _lengths(values: Sequence[bytes], size: int) -> list[bytes]:
    return [length.to_bytes(size, "little") for length in map(len, values)]


def unpack_keys(blob: bytes) -> Iterator[bytes]:
    """Inverse of `pack_keys`."""
    at = 0
    while at < len(blob):
        start = at + 2
        at = start + int.from_bytes(blob[at:start], "little")
        yield blob[start:at]
