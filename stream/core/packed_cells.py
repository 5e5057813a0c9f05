"""Cells as they are stored and sent: for each key its times and counts, in as few bytes as hold them.

Packed is msgpack: [[key, first time, width, times after the first, width, counts], …], where times, ascending, and
counts are little-endian integers of so many bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from stream.core.cells import Times

_Key = tuple[str, ...]
_Packed = tuple[_Key, int, int, bytes, int, bytes]

_WIDTHS = (1, 2, 4, 8)
_SPANS = np.array([1 << 8 * width for width in _WIDTHS[:-1]])
"""Up to each a time after the first takes so many bytes."""
_SIZES = _SPANS >> 1
"""Up to each a count does."""


def pack_cells(cells: Iterable[tuple[_Key, Times, Times]]) -> bytes:
    """(key, times, counts) of each key; there may be none."""
    found = list(cells)
    if not found:
        return NO_INCREMENTS
    keys, times, counts = zip(*found, strict=True)
    edges = np.cumsum([0, *map(len, times)]).tolist()
    return join_packed(packed_columns(keys, np.concatenate(times), np.concatenate(counts), edges))


def packed_columns(keys: Sequence[_Key], times: Times, counts: Times, edges: Sequence[int]) -> list[_Packed]:
    """Those of key i stand from `edges[i]` to before `edges[i + 1]`. All of a column is cast at once, and cut: most
    keys have a cell or two."""
    if not len(times):
        return [(key, 0, 1, b"", 1, b"") for key in keys]
    starts = np.array(edges[:-1])
    held = starts < edges[1:]
    some = starts[held]
    first = np.zeros(len(keys), np.int64)
    first[held] = times[some]
    after = times - first.repeat(np.diff(edges))
    span, size = np.zeros((2, len(keys)), np.int64)
    span[held] = np.maximum.reduceat(after, some)
    size[held] = np.maximum.reduceat(np.where(counts < 0, ~counts, counts), some)
    wide, long = _SPANS.searchsorted(span, "right").tolist(), _SIZES.searchsorted(size, "right").tolist()
    as_times = {number: after.astype(f"<u{_WIDTHS[number]}").tobytes() for number in {*wide}}
    as_counts = {number: counts.astype(f"<i{_WIDTHS[number]}").tobytes() for number in {*long}}
    return [
        (
            key,
            begin,
            _WIDTHS[w],
            as_times[w][start << w : end << w],
            _WIDTHS[c],
            as_counts[c][start << c : end << c],
        )
        for key, begin, (start, end), w, c in zip(keys, first.tolist(), pairwise(edges), wide, long, strict=True)
    ]


def join_packed(columns: Iterable[_Packed]) -> bytes:
    """Of `packed_columns`, the keys that belong together."""
    return _encode(list(columns))


def unpack_cells(packed: bytes) -> Iterator[tuple[_Key, Times, Times]]:
    """(key, times, counts) of each key. Columns of one width are cast at once, and cut."""
    columns = _decoder.decode(packed)
    after_first = _cast("u", [(width, times) for _, _, width, times, _, _ in columns])
    counts = _cast("i", [(width, counts) for _, _, _, _, width, counts in columns])
    for (key, first, *_), after, count in zip(columns, after_first, counts, strict=True):
        yield key, after + first, count


def _cast(kind: str, columns: Sequence[tuple[int, bytes]]) -> Iterator[Times]:
    """Numbers of the numpy kind, from (width, bytes) of each column."""
    of_width: dict[int, list[bytes]] = {}
    for width, column in columns:
        of_width.setdefault(width, []).append(column)
    cast = {
        width: np.frombuffer(b"".join(some), f"<{kind}{width}").astype(np.int64) for width, some in of_width.items()
    }
    ends = dict.fromkeys(cast, 0)
    for width, column in columns:
        start = ends[width]
        ends[width] = end = start + len(column) // width
        yield cast[width][start:end]


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(list[_Packed])

NO_INCREMENTS = join_packed(())
"""Of no key, packed."""
