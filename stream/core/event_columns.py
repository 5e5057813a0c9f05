"""Event columns: the events of one batch as columns, for the fold to work on all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from stream.core.catalogue import Catalogue, Label
from stream.core.definitions import Definitions
from stream.core.key_ids import FoldKeys, KeyIds
from stream.core.ragged import Ints, distinct, places, row_numbers, spans
from stream.core.series import Key, Series
from stream.core.time import MINUTE_MS, Calendar

OTHER = "other"
"""The label value of everything that found no place among the admitted ones."""
NONE = "none"
"""The label value that stands for an absent one."""

Place = Callable[[str, str, str], str]
"""(product, label, value) -> the admitted value, or `other`."""


Which = Ints | slice
"""Indices, or all."""

SAMPLES = 64
_EVENT = 32

_TRAIT_BITS = 32
_NO_EVENTS = np.empty(0, np.int64)


class Customers(NamedTuple):
    """Whom a batch touches, a row each: `product[row]` is the place of the customer's product in `products`,
    `slice[row]` the slice that the customer is in, and `sample[row]` which of SAMPLES samples of about the same
    size."""

    products: Sequence[str]
    product: Ints
    slice: Ints
    key_ids: FoldKeys
    sample: Ints

    def __len__(self) -> int:
        return len(self.product)

    def those(self, rows: Ints) -> Customers:
        """Of these rows only, in this order."""
        products, product, slice_, key_ids, sample = self
        return Customers(products, product[rows], slice_[rows], key_ids, sample[rows])

    def read(self, row: Ints, ids: Ints) -> Ints:
        """The numbers of keys that the shards of the customers in these rows store under these ids."""
        return self.key_ids.read(self.slice[row], ids)

    @property
    def group(self) -> Ints:
        """Slice and product of each row in one number."""
        return self.slice * len(self.products) + self.product

    def keyed(self, group: Ints, trait: Ints, key: Callable[[str, int], Key]) -> Ints:
        """For each group, with a trait (below 2³²) beside it, the number of the key made of product and trait."""
        slices, product = np.divmod(group, max(len(self.products), 1))
        found, which = places(product << _TRAIT_BITS | trait)
        pairs = (divmod(pair, 1 << _TRAIT_BITS) for pair in found.tolist())
        return self.key_ids.numbers([key(self.products[each], of) for each, of in pairs], which, slices)

    def numbers(self, series: Series, *labels: str) -> Ints:
        """For each row, the number of the key of its product with these label values."""
        keys = [series.key(product, *labels) for product in self.products]
        return self.key_ids.numbers(keys, self.product, self.slice)


def customers_of(keys: Sequence[bytes], products: Sequence[str], key_ids: KeyIds) -> Customers:
    """Customers with these keys, each of the product beside it; all of one slice."""
    place = {product: number for number, product in enumerate(dict.fromkeys(products))}
    product = np.array([place[product] for product in products], np.int64)
    sample = hashes_of(keys) % SAMPLES
    return Customers(list(place), product, np.zeros(len(keys), np.int64), FoldKeys([key_ids]), sample)


def hashes_of(keys: Sequence[bytes]) -> Ints:
    """CRC-32 of each customer's key: by its last bits customers are in samples, by its first in buckets."""
    return np.fromiter(map(crc32, keys), np.int64, len(keys))


class Values(NamedTuple):
    """The values of one label: event `at[i]` has the value `names[value[i]]`."""

    at: Ints
    value: Ints
    names: list[str]


@dataclass(frozen=True)
class EventColumns:
    """Event i is of type `types[type[i]]` (of the catalogue) and of the customer in row `row[i]`; `product` is the
    place of its product. Events are in the order of their types."""

    catalogue: Catalogue
    customers: Customers
    place: Place
    events: Sequence[Any]
    type: Ints
    row: Ints
    product: Ints
    ms: Ints
    calendar: Calendar
    definitions: Definitions

    @property
    def newest_ms(self) -> int | None:
        return int(self.ms.max()) if len(self.ms) else None

    @cached_property
    def types_present(self) -> frozenset[str]:
        """The types of which there are events."""
        first = self._first_of_type
        return frozenset(
            name for number, name in enumerate(self.catalogue.types) if first[number] < first[number + 1]
        )

    @cached_property
    def of_one_product(self) -> NDArray[np.bool_]:
        """For each event, whether it is not of the product `other`, in which many are taken together."""
        own = np.array([product != OTHER for product in self.customers.products], np.bool_)
        found: NDArray[np.bool_] = own[self.product]
        return found

    @cached_property
    def minute(self) -> Ints:
        return self.ms // MINUTE_MS

    @cached_property
    def slice(self) -> Ints:
        """For each event, the slice of its customer."""
        return self.customers.slice[self.row]

    @cached_property
    def day(self) -> Ints:
        return self.calendar.days(self.minute)

    def of(self, types: Set[str]) -> Ints:
        """The numbers of the events of these types, ascending."""
        present = self.types_present & types
        if present not in self._of:
            stretches = [np.arange(*self._stretch(name)) for name in self.catalogue.types if name in present]
            self._of[present] = np.concatenate([_NO_EVENTS, *stretches])
        return self._of[present]

    def fields(self, types: Set[str], read: Callable[[Any], Any]) -> list[Any]:
        """What is read of the events of these types, in the order of `of`."""
        found: list[Any] = []
        present = self.types_present & types
        for name in self.catalogue.types:
            if name in present:
                first, end = self._stretch(name)
                found += map(read, self.events[first:end])
        return found

    def under(self, series: Series, of: frozenset[str] | None = None) -> tuple[Ints, Ints]:
        """(events that have the labels of the series, the numbers of their keys), of its own types or of others. An
        event comes once for each of its keys, where a label may have several values."""
        at = self._counted(series) if of is None else self.of(of)
        if not len(at):
            return at, at
        columns: list[tuple[Ints, list[str]]] = []
        for label in series.labels:
            which, value, names = self._valued(label, at)
            at, columns = at[which], [(column[which], known) for column, known in columns]
            columns.append((value, names))
        numbers = self._numbers(series, at, columns)
        if any(self._is_several(label) for label in series.labels):
            pairs = distinct(at << _EVENT | numbers)
            at, numbers = pairs >> _EVENT, pairs & (1 << _EVENT) - 1
        return at, numbers

    def amounts(self, series: Series, at: Ints) -> Ints | int:
        """By how much each of these events makes the series grow."""
        if not series.amount and not series.undoes:
            return 1
        undoing = {(label, value) for label, value, _ in series.undoes}

        def amount(event: Any) -> int:
            number: int = getattr(event, series.amount) if series.amount else 1
            return -number if any(getattr(event, label) == value for label, value in undoing) else number

        return np.array([amount(self.events[event]) for event in at.tolist()], np.int64)

    def _counted(self, series: Series) -> Ints:
        """The numbers of the events that the series counts."""
        at = self.of(series.of)
        for type_, counts in series.only:
            if type_ not in self.types_present:
                continue
            first, end = self._stretch(type_)
            left_out = [number for number in range(first, end) if not counts(self.events[number])]
            if left_out:
                at = at[~np.isin(at, left_out)]
        return at

    def wanted(self) -> Iterator[tuple[str, str, str]]:
        """(product, label, value) of every bounded label that the events would show."""
        for label, values in self._bounded():
            for product, value in self._distinct(values):
                if self.catalogue.labels[label].needs_place(values.names[value]):
                    yield self.customers.products[product], label, values.names[value]

    def overflowed(self) -> Iterator[tuple[int, str, int]]:
        """(slice, label, events with a value of it that found no place), where there are any."""
        for label, values in self._bounded():
            lost = [
                product * len(values.names) + value
                for product, value in self._distinct(values)
                if self._placed(self.customers.products[product], label, values.names[value]) != values.names[value]
            ]
            if lost:
                at = values.at[np.isin(self.product[values.at] * len(values.names) + values.value, lost)]
                events = np.bincount(self.slice[at])
                yield from ((slice_, label, int(events[slice_])) for slice_ in np.flatnonzero(events).tolist())

    @cached_property
    def _values(self) -> dict[str, Values]:
        return {label.name: self._extract(label) for label in self.catalogue.labels.values()}

    @cached_property
    def _first_of_type(self) -> list[int]:
        first: list[int] = np.searchsorted(self.type, np.arange(len(self.catalogue.types) + 1)).tolist()
        return first

    def _stretch(self, type_: str) -> tuple[int, int]:
        """(number of the first event of the type, number after the last)."""
        number = self.catalogue.types.index(type_)
        return self._first_of_type[number], self._first_of_type[number + 1]

    def _extract(self, label: Label) -> Values:
        at = self.of(label.types)
        found = self.fields(label.types, label.value)
        if label.several:
            at = np.repeat(at, [len(some or ()) for some in found])
            found = [value for some in found for value in some or ()]
        index = {name: number for number, name in enumerate(dict.fromkeys(found))}
        value = np.fromiter(map(index.__getitem__, found), np.int64, len(found))
        if None in index:
            given = value != index[None]
            at, value = at[given], value[given]
        return Values(at, value, ["" if name is None else str(name) for name in index])

    def _bounded(self) -> Iterator[tuple[str, Values]]:
        for name, label in self.catalogue.labels.items():
            if label.bounded and len(self._values[name].at):
                yield name, self._values[name]

    def _distinct(self, values: Values) -> list[tuple[int, int]]:
        """The (product, value) that occur."""
        pairs, _ = places(self.product[values.at] * len(values.names) + values.value)
        return [divmod(pair, len(values.names)) for pair in pairs.tolist()]

    @cached_property
    def _of(self) -> dict[frozenset[str], Ints]:
        return {}

    @cached_property
    def _columns(self) -> dict[str, tuple[Ints, list[str]]]:
        return {}

    def _dense(self, label: str) -> tuple[Ints, list[str]]:
        """(for each event the place of its value, −1 where it has none; the values)."""
        if label not in self._columns:
            if label == "type":
                self._columns[label] = self.type, list(self.catalogue.types)
            else:
                values, absent = self._values[label], self.catalogue.labels[label].absent
                names = values.names if absent is None else [*values.names, absent]
                column = np.full(len(self.type), -1 if absent is None else len(values.names))
                column[values.at] = values.value
                self._columns[label] = column, names
        return self._columns[label]

    def _is_several(self, name: str) -> bool:
        label = self.catalogue.labels.get(name)
        return label is not None and label.several

    def _valued(self, label: str, at: Ints) -> tuple[Which, Ints, list[str]]:
        """(which of these events, once for each value that it has of the label; the places of the values; them)."""
        if not self._is_several(label):
            column, names = self._dense(label)
            value = column[at]
            known = value >= 0
            return (slice(None), value, names) if known.all() else (np.flatnonzero(known), value[known], names)
        values, absent = self._values[label], self.catalogue.labels[label].absent
        first, end = (np.searchsorted(values.at, at, side) for side in ("left", "right"))
        which, value = row_numbers(end - first), values.value[spans(first, end - first)]
        if absent is None:
            return which, value, values.names
        lacking = np.flatnonzero(first == end)
        value = np.concatenate([value, np.full(len(lacking), len(values.names))])
        return np.concatenate([which, lacking]), value, [*values.names, absent]

    def _numbers(self, series: Series, at: Ints, columns: list[tuple[Ints, list[str]]]) -> Ints:
        """The numbers of the keys of the series, of events with these places of values."""
        undone = {(label, value): other for label, value, other in series.undoes}
        combined = self.product[at]
        for column, values in columns:
            combined = combined * len(values) + column
        combinations, where = places(combined)
        keys = []
        for combination in combinations.tolist():
            found = []
            for label, (_, values) in zip(reversed(series.labels), reversed(columns), strict=True):
                combination, value = divmod(combination, len(values))
                found.append((label, undone.get((label, values[value]), values[value])))
            product = self.customers.products[combination]
            placed = [self._placed(product, label, value) for label, value in reversed(found)]
            keys.append(series.key(product, *placed))
        return self.customers.key_ids.numbers(keys, where, self.slice[at])

    def _placed(self, product: str, label: str, value: str) -> str:
        known = self.catalogue.labels.get(label)
        return self.place(product, label, value) if known and known.needs_place(value) else value
