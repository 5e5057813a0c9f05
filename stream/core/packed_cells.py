"""Cells as they are stored and sent: for each key its times and counts, in as few bytes as hold them.

Packed is msgpack: [[key, first time, width, times after the first, width, counts], …], where times, ascending, and
counts are little-endian integers of so many bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from stream.core.ragged import Ints, spans, starts_of

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


class Unpacked(NamedTuple):
    """The cells of several keys: those of `keys[i]` stand from `edges[i]` to before `edges[i + 1]`."""

    keys: list[_Key]
    edges: list[int]
    times: Ints
    counts: Ints


def unpacked(some: Sequence[Packed]) -> Unpacked:
    """All of these, each key once. Many shards add a little to the same keys: columns of a width are cast at once."""
    keys, first, time_widths, times, count_widths, counts = zip(*some, strict=True) if some else ((),) * 6
    lengths = np.array([len(column) // width for column, width in zip(counts, count_widths, strict=True)], np.int64)
    after_first = _cast("u", time_widths, times, lengths)
    places: dict[_Key, int] = {}
    place = np.array([places.setdefault(key, len(places)) for key in keys], np.int64).repeat(lengths)
    order = place.argsort(kind="stable")
    edges = np.bincount(place, minlength=len(places)).cumsum().tolist()
    times_now = after_first + np.array(first, np.int64).repeat(lengths)
    return Unpacked([*places], [0, *edges], times_now[order], _cast("i", count_widths, counts, lengths)[order])


def _cast(kind: str, widths: Sequence[int], columns: Sequence[bytes], lengths: Ints) -> Ints:
    """Numbers of the numpy kind, in columns of these widths and lengths."""
    cast = np.empty(int(lengths.sum()), np.int64)
    starts, width_of = starts_of(lengths), np.array(widths, np.int64)
    for width in {*widths}:
        at = np.flatnonzero(width_of == width)
        joined = b"".join([columns[place] for place in at.tolist()])
        cast[spans(starts[at], lengths[at])] = np.frombuffer(joined, f"<{kind}{width}")
    return cast


encode = msgspec.msgpack.Encoder().encode
"""Keys that belong together."""
decode = msgspec.msgpack.Decoder(list[Packed]).decode
"""Inverse of `encode`."""

NO_INCREMENTS = encode(())
"""Of no key, packed."""
