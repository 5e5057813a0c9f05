"""Many customers in a few arguments of a script: thousands of arguments would cost more than what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np

BUCKETS = 1 << 14
"""Redis packs small hashes tightly, so a shard's records lie in so many of them."""


PORTIONS = tuple(range(first, first + 256) for first in range(0, BUCKETS, 256))
"""All buckets, as many at a time as are read at once."""


_PORTION_BYTES = 500_000


def portions(*columns: Sequence[bytes], most_bytes: int = _PORTION_BYTES) -> Iterator[slice]:
    """Where to cut columns of the same length, so that no portion of one is long: Redis bounds what an argument may
    be (proto-max-bulk-len, 512 MB by default and 1 MiB at least). A single value may be longer."""
    ends = [np.cumsum([len(value) for value in column]) for column in columns]
    start, rows = 0, len(columns[0])
    while start < rows:
        before = [int(end[start - 1]) if start else 0 for end in ends]
        fitting = min(
            int(np.searchsorted(end, done + most_bytes, "right")) for end, done in zip(ends, before, strict=True)
        )
        stop = max(fitting, start + 1)
        yield slice(start, stop)
        start = stop


def pack_customers(keys: Sequence[bytes]) -> list[bytes]:
    """Three arguments: buckets and lengths of the keys (2 bytes each, little-endian), and the keys themselves."""
    buckets = np.array(list(map(crc32, keys)), np.uint32) % BUCKETS
    lengths = np.array(list(map(len, keys)), "<u2")
    return [buckets.astype("<u2").tobytes(), lengths.tobytes(), b"".join(keys)]


def pack_records(keys: Sequence[bytes], records: Sequence[bytes]) -> list[bytes]:
    """Five arguments: those of `pack_customers`, the lengths of the records (4 bytes each), the records."""
    lengths = np.array(list(map(len, records)), "<u4")
    return [*pack_customers(keys), lengths.tobytes(), b"".join(records)]


def pack_keys(keys: Sequence[bytes]) -> bytes:
    """Each key after its length (2 bytes, little-endian)."""
    return b"".join(len(key).to_bytes(2, "little") + key for key in keys)


def unpack_keys(blob: bytes) -> Iterator[bytes]:
    """Inverse of `pack_keys`."""
    at = 0
    while at < len(blob):
        start = at + 2
        at = start + int.from_bytes(blob[at:start], "little")
        yield blob[start:at]
