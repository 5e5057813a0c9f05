"""Series: sparse integer increments over time; every number shown is a sum of them, and sums of shards add."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from stream.core.cells import Cells
from stream.core.packed_cells import decode, pack_cells, unpacked
from stream.core.time import DAY, HOUR, floor_hour

Key = tuple[str, ...]
"""(series name, product, label values in the order of the series' labels)"""

Wanted = tuple[str | None, ...]
"""Label values that are asked for; None: any."""

KEEP_MINUTES = 31 * DAY
_MINUTES_EXACT = 25 * HOUR


class Kind(Enum):
    CENSUS = "census"
    """how many customers did X last at minute m: one increment moves from an old minute to a new one"""
    FLOW = "flow"
    """how many times X happened at a time"""
    STOCK = "stock"
    """what stands: the sum of all increments so far; increments may lie in the future"""


@dataclass(frozen=True)
class Series:
    """`grain` is "minute" or "day"; `labels` are the names of what follows the product in a key.

    of    event types of which this is a plain count (a flow), or counts a customer where it last did one (a census);
          empty: it follows from its splits, or a family's own code makes it
    only  of some of these types, which events count: all others do not
    amount   of a plain count: the field by which it grows, instead of by 1
    undoes   of a plain count: (label, value, other value); an event with this value takes one with the other back,
             under which it counts
    splits   the same under other labels; a census without types of its own counts a customer where it last did any of
             what the first of them counts
    to_the_minute  its windows of 7d and 30d begin on the minute, and not on the hour
    lasting  of a census: a customer's newest time under any of its keys is never forgotten; of a flow: what no window
             can see any more is gathered in one increment, so that all there ever was can be summed up
    settled  of a stock in minutes: what stood up to so long before the newest event is changed by nothing but late
             events; 0: it is only true from the newest event on
    """

    name: str
    kind: Kind
    grain: str
    labels: tuple[str, ...] = ()
    of: frozenset[str] = frozenset()
    only: tuple[tuple[str, Callable[[Any], bool]], ...] = ()
    amount: str = ""
    undoes: tuple[tuple[str, str, str], ...] = ()
    splits: tuple[Series, ...] = ()
    to_the_minute: bool = False
    lasting: bool = False
    settled: int = 0

    def key(self, product: str, *labels: str) -> Key:
        return (self.name, product, *labels)

    @cached_property
    def by_label(self) -> dict[str, Series]:
        """The splits, by the labels that the series itself lacks."""
        return {label: split for split in self.splits for label in split.labels if label not in self.labels}


class Table:
    """All series of one shard, or of many added up."""

    def __init__(self, series: Iterable[Series]) -> None:
        self._series = {each.name: each for each in series}
        self._cells: dict[Key, Cells] = {}
        self._keys: dict[tuple[str, str], list[Key]] = defaultdict(list)
        self._keys_with: dict[tuple[str, str, int, str], list[Key]] = defaultdict(list)
        self._chosen: dict[tuple[str, str], dict[Wanted, list[Key]]] = defaultdict(dict)
        self._versions: dict[tuple[str, ...], int] = defaultdict(int)
        """(series name, product) -> how often its readings may have changed"""

    def merge(self, *blobs: bytes) -> None:
        """Add packed increments (of Increments.encode or of `encode`); many blobs at once cost less than each by
        itself."""
        keys, edges, times, counts = unpacked([each for blob in blobs for each in decode(blob)])
        for key, (start, end) in zip(keys, pairwise(edges), strict=True):
            self.cells_of(key).add(times[start:end], counts[start:end])
        for product_series in {key[:2] for key in keys}:
            self._versions[product_series] += 1

    def version(self, series: str, product: str) -> int:
        """Grows whenever readings of the product's series may have changed."""
        return self._versions.get((series, product), 0)

    def cells_of(self, key: Key) -> Cells:
        cells = self._cells.get(key)
        if cells is None:
            cells = self._cells[key] = Cells()
            name, product, *values = key
            self._keys[name, product].append(key)
            self._chosen.pop((name, product), None)
            for position, value in enumerate(values):
                self._keys_with[name, product, position, value].append(key)
        return cells

    def keys(self, series: str, product: str) -> list[Key]:
        return self._keys.get((series, product), [])

    def keys_with(self, series: str, product: str, values: Wanted) -> list[Key]:
        """The keys whose label values are as given; None: any."""
        known = self._chosen[series, product]
        chosen = known.get(values)
        if chosen is None:
            fixed = [(position, value) for position, value in enumerate(values) if value is not None]
            lists = [self._keys_with.get((series, product, *each), []) for each in fixed]
            fewest = min(lists, key=len) if lists else self.keys(series, product)
            chosen = [key for key in fewest if all(key[2 + position] == value for position, value in fixed)]
            known[values] = chosen
        return chosen

    def get(self, key: Key) -> Cells | None:
        return self._cells.get(key)

    @property
    def products(self) -> list[str]:
        return sorted({product for _, product in self._keys})

    @property
    def labels(self) -> set[str]:
        """The names of all labels of the series."""
        return {label for series in self._series.values() for label in series.labels}

    def release(self, has_place: Callable[[str], bool], shown: Callable[[str, str, str], bool]) -> None:
        """Drop the keys that hold nothing any more and whose product has no place, or whose (product, label, value)
        is not all `shown`."""
        for key in [key for key, cells in self._cells.items() if not len(cells.cells()[0])]:
            name, product, *values = key
            series = self._series.get(name)
            if not series:
                continue
            if not has_place(product) or not all(map(shown, [product] * len(values), series.labels, values)):
                del self._cells[key]
                self._keys[name, product].remove(key)
                self._chosen.pop((name, product), None)
                self._versions[name, product] += 1
                for position, value in enumerate(values):
                    self._keys_with[name, product, position, value].remove(key)

    def encode(self) -> bytes:
        """Every increment, packed; keys that hold nothing any more are kept."""
        return pack_cells((key, *cells.cells()) for key, cells in self._cells.items())

    def compact(self, newest: int, today: int, keep_days: int | None) -> None:
        """Forget what no reading at or after minute `newest` (of local day `today`) can see.

        Minute series keep 31 days; their flows keep single minutes for 25 hours and then the hour (its end,
        because windows of 7d and 30d begin on the hour); day series keep `keep_days` (None: all). Stocks and
        lasting flows gather what is older in one increment.
        """
        for _ in self.compaction(newest, today, keep_days):
            pass

    def compaction(self, newest: int, today: int, keep_days: int | None) -> Iterator[None]:
        """As `compact`, one key a step, for whoever must not be busy for long at a time."""
        for key, cells in self._cells.items():
            series = self._series.get(key[0])
            in_minutes = series is not None and series.grain == "minute"
            if series is None or (keep_days is None and not in_minutes):
                continue
            edge = newest - KEEP_MINUTES + 1 if in_minutes else today - (keep_days or 0)
            exact = newest - _MINUTES_EXACT if series.kind is Kind.FLOW and in_minutes else edge - 1
            times, counts = cells.cells()
            if len(times) and times[0] <= max(exact, edge - 1):
                if series.kind is Kind.STOCK or (series.kind is Kind.FLOW and series.lasting):
                    times = np.maximum(times, edge)
                else:
                    kept = times >= edge
                    times, counts = times[kept], counts[kept]
                if exact >= edge:
                    times = np.where(times <= exact, -(-times // HOUR) * HOUR, times)
                cells.replace(times, counts)
            yield


@dataclass(frozen=True)
class Kept:
    """What a compaction at minute `newest` (of local day `today`) leaves, see `Table.compact`."""

    newest: int
    today: int
    keep_days: int | None

    def reaches(self, series: Series, time: int) -> bool:
        """Whether the increments after `time` are all there still; of a stock: whether it is known what stood."""
        if series.grain == "minute":
            edge = self.newest - KEEP_MINUTES + 1
        elif self.keep_days is None:
            return True
        else:
            edge = self.today - self.keep_days
        return time >= (edge if series.kind is Kind.STOCK else edge - 1)

    def separates(self, series: Series, time: int) -> bool:
        """Whether increments up to `time` are still told from later ones of the same hour."""
        if series.kind is not Kind.FLOW or series.grain != "minute":
            return True
        return time % HOUR == 0 or floor_hour(time) >= self.newest - _MINUTES_EXACT
