"""Cells as they are stored and sent: for each key its times and counts, in as few bytes as hold them.

Packed is msgpack: [[key, first time, width, times after the first, width, counts], …], where times, ascending, and
counts are little-endian integers of so many bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from stream.core.ragged import Ints

_Key = tuple[str, ...]

Packed = tuple[_Key, int, int, bytes, int, bytes]
"""Those of one key."""

_WIDTHS = (1, 2, 4, 8)
_SPANS = np.array([1 << 8 * width for width in _WIDTHS[:-1]])
"""Up to each a time after the first takes so many bytes."""
_SIZES = _SPANS >> 1
"""Up to each a count does."""


def pack_cells(cells: Iterable[tuple[_Key, Ints, Ints]]) -> bytes:
    """(key, times, counts) of each key; there may be none."""
    found = list(cells)
    if not found:
        return NO_INCREMENTS
    keys, times, counts = zip(*found, strict=True)
    edges = np.cumsum([0, *map(len, times)]).tolist()
    return encode(packed(keys, np.concatenate(times), np.concatenate(counts), edges))


def packed(keys: Sequence[_Key], times: Ints, counts: Ints, edges: Sequence[int]) -> list[Packed]:
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


def unpacked(some: Sequence[Packed]) -> tuple[Ints, Ints]:
    """(times, counts) of all of these, at least one, one after the other."""
    _, first, time_widths, times, count_widths, counts = zip(*some, strict=True)
    lengths = [len(column) // width for column, width in zip(counts, count_widths, strict=True)]
    after_first = _cast("u", time_widths, times)
    return after_first + np.repeat(np.array(first, np.int64), lengths), _cast("i", count_widths, counts)


def _cast(kind: str, widths: Sequence[int], columns: Sequence[bytes]) -> Ints:
    """Numbers of the numpy kind, in columns of these widths."""
    if len({*widths}) == 1:
        return np.frombuffer(b"".join(columns), f"<{kind}{widths[0]}").astype(np.int64)
    return np.concatenate(
        [np.frombuffer(column, f"<{kind}{width}") for width, column in zip(widths, columns, strict=True)],
        dtype=np.int64,
        casting="unsafe",
    )


encode = msgspec.msgpack.Encoder().encode
"""Keys that belong together."""
decode = msgspec.msgpack.Decoder(list[Packed]).decode
"""Inverse of `encode`."""

NO_INCREMENTS = encode(())
"""Of no key, packed."""
