"""Series: sparse integer increments over time; every number shown is a sum of them, and sums of shards add."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.time import DAY, HOUR

Times = NDArray[np.int64]
Key = tuple[str, ...]
"""(series name, product, label values in the order of the series' labels)"""

KEEP_MINUTES = 31 * DAY
_MINUTES_EXACT = 25 * HOUR


class Kind(Enum):
    CENSUS = "census"
    """how many customers did X last at minute m: one increment moves from an old minute to a new one"""
    FLOW = "flow"
    """how many times X happened at a time"""
    LEVEL = "level"
    """what stands: the sum of all increments so far; increments may lie in the future"""


@dataclass(frozen=True)
class Series:
    """`grain` is "minute" or "day"; `labels` are the names of what follows the product in a key.

    of   event types of which this is a plain count (a flow), or counts a customer where it last did one (a census);
         empty: a family's own code makes the series
    """

    name: str
    kind: Kind
    grain: str
    labels: tuple[str, ...] = ()
    of: frozenset[str] = frozenset()

    def key(self, product: str, *labels: str) -> Key:
        return (self.name, product, *labels)


class Cells:
    """The increments of one series key, sorted by time, with their running total."""

    __slots__ = ("_counts", "_pending", "_times", "_totals")

    def __init__(self) -> None:
        self._times: Times = _NONE
        self._counts: Times = _NONE
        self._totals: Times = _NONE
        self._pending: list[tuple[Times, Times]] = []

    def add(self, times: Times, counts: Times) -> None:
        self._pending.append((times, counts))

    def total(self, after: int | None, until: int) -> int:
        """Sum of the increments in (after, until]; after None: from the beginning."""
        times, totals = self._settled()
        end = int(np.searchsorted(times, until, side="right"))
        start = 0 if after is None else int(np.searchsorted(times, after, side="right"))
        if end <= start:
            return 0
        return int(totals[end - 1]) - (int(totals[start - 1]) if start else 0)

    def cells(self) -> tuple[Times, Times]:
        """(times, counts), sorted, without zeros."""
        self._settled()
        return self._times, self._counts

    def replace(self, times: Times, counts: Times) -> None:
        self._times, self._counts = _merged([(times, counts)])
        self._totals, self._pending = np.cumsum(self._counts), []

    def _settled(self) -> tuple[Times, Times]:
        if self._pending:
            self._times, self._counts = _merged([(self._times, self._counts), *self._pending])
            self._totals, self._pending = np.cumsum(self._counts), []
        return self._times, self._totals


class Table:
    """All series of one shard, or of many added up."""

    def __init__(self, series: Iterable[Series]) -> None:
        self._series = {each.name: each for each in series}
        self._cells: dict[Key, Cells] = {}
        self._keys: dict[tuple[str, str], list[Key]] = defaultdict(list)
        self._keys_with: dict[tuple[str, str, int, str], list[Key]] = defaultdict(list)

    def merge(self, blob: bytes) -> None:
        """Add packed increments (of Increments.encode or of `encode`)."""
        for key, times, counts in _decode(blob):
            self.cells_of(key).add(times, counts)

    def cells_of(self, key: Key) -> Cells:
        cells = self._cells.get(key)
        if cells is None:
            cells = self._cells[key] = Cells()
            name, product, *values = key
            self._keys[name, product].append(key)
            for position, value in enumerate(values):
                self._keys_with[name, product, position, value].append(key)
        return cells

    def keys(self, series: str, product: str) -> list[Key]:
        return self._keys.get((series, product), [])

    def keys_with(self, series: str, product: str, values: Sequence[str | None]) -> Iterable[Key]:
        """The keys whose label values are as given; None: any."""
        fixed = [(position, value) for position, value in enumerate(values) if value is not None]
        lists = [self._keys_with.get((series, product, *each), []) for each in fixed]
        fewest = min(lists, key=len) if lists else self.keys(series, product)
        return (key for key in fewest if all(key[2 + position] == value for position, value in fixed))

    def get(self, key: Key) -> Cells | None:
        return self._cells.get(key)

    @property
    def products(self) -> list[str]:
        return sorted({product for _, product in self._keys})

    @property
    def labels(self) -> set[str]:
        """The names of all labels of the series."""
        return {label for series in self._series.values() for label in series.labels}

    def release(self, shown: Callable[[str, str, str], bool]) -> None:
        """Drop the keys that hold nothing any more and whose (product, label, value) is not all `shown`."""
        for key in [key for key, cells in self._cells.items() if not len(cells.cells()[0])]:
            name, product, *values = key
            series = self._series.get(name)
            if series and not all(map(shown, [product] * len(values), series.labels, values)):
                del self._cells[key]
                self._keys[name, product].remove(key)
                for position, value in enumerate(values):
                    self._keys_with[name, product, position, value].remove(key)

    def encode(self) -> bytes:
        """Every increment, packed as `encode_cells`; keys that hold nothing any more are kept."""
        return encode_cells((key, *cells.cells()) for key, cells in self._cells.items())

    def compact(self, newest: int, today: int, keep_days: int | None) -> None:
        """Forget what no reading at or after minute `newest` (of local day `today`) can see.

        Minute series keep 31 days; their flows keep single minutes for 25 hours and then the hour (its end,
        because windows of 7d and 30d begin on the hour); day series keep `keep_days` (None: all), levels
        gathering what is older in one increment.
        """
        for key, cells in self._cells.items():
            series = self._series.get(key[0])
            in_minutes = series is not None and series.grain == "minute"
            if series is None or (keep_days is None and not in_minutes):
                continue
            edge = newest - KEEP_MINUTES + 1 if in_minutes else today - (keep_days or 0)
            times, counts = cells.cells()
            if series.kind is Kind.LEVEL:
                times = np.maximum(times, edge)
            else:
                kept = times >= edge
                times, counts = times[kept], counts[kept]
            if series.kind is Kind.FLOW and in_minutes:
                times = np.where(times <= newest - _MINUTES_EXACT, -(-times // HOUR) * HOUR, times)
            cells.replace(times, counts)


def encode_cells(cells: Iterable[tuple[Key, Times, Times]]) -> bytes:
    """msgpack: [[key, first time, width, times after the first, width, counts], …], as little-endian integers of so
    many bytes; times are ascending."""
    return _encode([(key, *_narrow_times(times), *_narrow_counts(counts)) for key, times, counts in cells])


def _narrow_times(times: Times) -> tuple[int, int, bytes]:
    if not len(times):
        return 0, 1, b""
    first, last = int(times[0]), int(times[-1])
    width = next(width for width in (1, 2, 4, 8) if last - first < 1 << 8 * width)
    return first, width, (times - first).astype(f"<u{width}").tobytes()


def _narrow_counts(counts: Times) -> tuple[int, bytes]:
    largest = max(int(counts.max(initial=0)), -1 - int(counts.min(initial=0)))
    width = next(width for width in (1, 2, 4, 8) if largest < 1 << 8 * width - 1)
    return width, counts.astype(f"<i{width}").tobytes()


def _merged(parts: list[tuple[Times, Times]]) -> tuple[Times, Times]:
    times = np.concatenate([part[0] for part in parts])
    counts = np.concatenate([part[1] for part in parts])
    unique, where = np.unique(times, return_inverse=True)
    sums = np.zeros(len(unique), np.int64)
    np.add.at(sums, where, counts)
    kept = sums != 0
    return unique[kept], sums[kept]


_NONE: Times = np.empty(0, np.int64)
_encode = msgspec.msgpack.Encoder().encode


def _decode(blob: bytes) -> Iterator[tuple[Key, Times, Times]]:
    for key, first, time_width, times, count_width, counts in _decoder.decode(blob):
        after_first = np.frombuffer(times, f"<u{time_width}").astype(np.int64)
        yield tuple(key), after_first + first, np.frombuffer(counts, f"<i{count_width}").astype(np.int64)


_decoder = msgspec.msgpack.Decoder(list[tuple[list[str], int, int, bytes, int, bytes]])
