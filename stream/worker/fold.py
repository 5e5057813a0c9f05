"""The fold: events of one shard, or of several, into new records and what they add to the series. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import count
from operator import ne
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas import TYPES
from schemas.surveys import SurveyResponse
from stream.core.definitions import Definitions
from stream.core.event_columns import SAMPLES, Customers, EventColumns, Place, hashes_of
from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys, KeyIds
from stream.core.packed_cells import NO_INCREMENTS
from stream.core.ragged import Ints, stretches
from stream.core.time import FAR_PAST, Calendar
from stream.indicators.catalogue import RECORD, catalogue
from stream.indicators.churn.evidence import Scoring
from stream.indicators.contribution import change
from stream.indicators.feedback import with_feedback
from stream.store.keys import product_of
from stream.worker.intake import Arrived
from stream.worker.level_changes import UNSCHEDULED, LevelChanges, Present, Schedule, level_changes
from stream.worker.repeats import Hashes

Value = TypeVar("Value", bound=Hashable)

MOST_CUSTOMERS = 500
"""Committed at once: while Redis writes them, in a few milliseconds, it answers nobody else."""

NOBODY: Mapping[bytes, int] = {}

_HOUR_BITS = 32
_NUMBER_OF_TYPE = {struct: number for number, struct in enumerate(TYPES.values())}
_ANSWERS = _NUMBER_OF_TYPE[SurveyResponse]


class Touched(NamedTuple):
    """Some events as columns, the keys of the customers in their rows, of each slice of them its shard, and the
    events as they arrived, in the order of the columns."""

    columns: EventColumns
    keys: list[bytes]
    slices: list[int]
    arrived: Arrived

    @property
    def shard(self) -> Ints:
        """The shard of the customer in each row."""
        return np.array(self.slices, np.int64)[self.columns.customers.slice]


def counted(arrived: Arrived, counters: Mapping[int, Counter[str]]) -> tuple[Arrived, Arrived]:
    """(the events, bots and tests), of which the latter are only counted, by shard."""
    events = arrived.events
    bots = np.array([event.bot for event in events], np.bool_)
    tests = np.array([event.test for event in events], np.bool_) & ~bots
    for name, left_out in (("left_out:bot", bots), ("left_out:test", tests)):
        for shard, number in enumerate(np.bincount(arrived.shard[left_out]).tolist()):
            if number:
                counters[shard][name] += number
    left_out = bots | tests
    return (arrived.those(~left_out) if left_out.any() else arrived), arrived.those(left_out)


def columns_of(
    arrived: Arrived,
    key_ids: Mapping[int, KeyIds],
    place: Place,
    calendar: Calendar,
    definitions: Definitions,
    due: Mapping[bytes, int] = NOBODY,
    most_customers: int = MOST_CUSTOMERS,
) -> Touched:
    """The events as columns, in the order of their types; a row for each customer of whom they leave a trace, and for
    each who is `due` (key -> shard); in slices of so many customers. `key_ids` are those of all shards here."""
    types = np.array([_NUMBER_OF_TYPE[struct] for struct in map(type, arrived.events)], np.int64)
    order = np.argsort(types, kind="stable")
    numbers = order.tolist()
    events = list(map(arrived.events.__getitem__, numbers))
    first, end = np.searchsorted(types[order], [_ANSWERS, _ANSWERS + 1]).tolist()
    events[first:end] = [with_feedback(answer, definitions) for answer in events[first:end]]  # type: ignore[arg-type]
    keys, row = _interned([*map(arrived.keys.__getitem__, numbers), *due])
    shard = np.zeros(len(keys), np.int64)
    shard[row] = np.concatenate([arrived.shard[order], np.fromiter(due.values(), np.int64, len(due))])
    hashes = hashes_of(keys)
    slices, slice_of_row = _sliced(shard, list(key_ids), hashes, most_customers)
    products, product = _interned([*(event.product for event in events), *map(product_of, due)])
    product_of_row = np.zeros(len(keys), np.int64)
    product_of_row[row] = product
    fold_keys = FoldKeys([key_ids[number] for number in slices])
    customers = Customers(products, product_of_row, slice_of_row, fold_keys, hashes % SAMPLES)
    of_events = slice(len(events))
    columns = EventColumns(
        catalogue(definitions),
        customers,
        place,
        events,
        types[order],
        row[of_events],
        product[of_events],
        arrived.ms[order],
        calendar,
        definitions,
    )
    return Touched(columns, keys, slices, arrived.in_order(order))


def _sliced(shard: Ints, shards: Sequence[int], hashes: Ints, most: int) -> tuple[list[int], Ints]:
    """(the shard of each slice, the slice of each row); each shard has one at least. The hashes of those in a slice
    lie together, and so they are in few buckets (see store/buckets.lua)."""
    slices: list[int] = []
    slice_of_row = np.zeros(len(shard), np.int64)
    for number in shards:
        rows = np.flatnonzero(shard == number)
        if len(rows) > most:
            rows = rows[np.argsort(hashes[rows], kind="stable")]
        slice_of_row[rows] = len(slices) + np.arange(len(rows)) // most
        slices += [number] * max(1, -(-len(rows) // most))
    return slices, slice_of_row


def _interned(values: list[Value]) -> tuple[list[Value], Ints]:
    """(each value once, for each value its place among them)."""
    places = dict(zip(dict.fromkeys(values), count(), strict=False))
    return list(places), np.fromiter(map(places.__getitem__, values), np.int64, len(values))


class Changes(NamedTuple):
    """What a batch does: the new records of the touched customers, which of them are not as they were, increments of
    the series, and the changes of the customers' levels of churn risk."""

    records: list[bytes]
    changed: NDArray[np.bool_]
    increments: Increments
    levels: LevelChanges


def fold(
    columns: EventColumns,
    keys: Sequence[bytes],
    known: Sequence[bytes],
    keep_days: int | None,
    scoring: Scoring,
    present: Present,
) -> Changes:
    """Fold events (no repeats, no bots) into the records of the customers in their rows, and evaluate all of these.

    `keys[row]` and `known[row]` are the customer's key, and its record as it was; empty for one never seen before.
    `keep_days`: how many days of activity a record keeps, None for all.
    """
    customers = columns.customers
    increments = Increments(customers.key_ids)
    count_events(increments, columns)
    states, old = RECORD.unpacked(known, customers)
    new = RECORD.merge(old, columns, keep_days)
    profiles = change(increments, customers, old, new, columns.definitions, scoring)
    found = level_changes(profiles, states, keys, customers, scoring, present)
    records = RECORD.packed(found.schedule.states, new, customers)
    changed = np.fromiter(map(ne, records, known), np.bool_, len(records))
    return Changes(records, changed, increments, found)


class SliceChanges(NamedTuple):
    """What a batch does to some customers of one shard: their keys and new records, packed increments of the series,
    whom to evaluate again, and the ids of all events that this follows from. `changed` are the places of those whose
    records are not as they were."""

    keys: list[bytes]
    records: list[bytes]
    changed: list[int]
    series: bytes
    newest_ms: int | None
    schedule: Schedule
    messages: list[bytes]
    at_risk: dict[bytes, str]
    ids: dict[tuple[str, int], Hashes]

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.changed or self.ids)


def by_shard(touched: Touched, changes: Changes) -> dict[int, list[SliceChanges]]:
    """The changes of each shard in slices: customers that are committed together, in this order.

    All that follows from a slice's events is in it, and their ids are, too: when they are read again after a crash
    between two commits, they are repeats.
    """
    columns, keys, slices, arrived = touched
    slice_of_row = columns.customers.slice
    newest = np.full(len(slice_of_row), FAR_PAST)
    np.maximum.at(newest, columns.row, columns.ms)
    series = changes.increments.by_slice()
    schedules = changes.levels.schedule.by_slice(slice_of_row)
    ids = ids_by_slice(arrived, slice_of_row[columns.row])
    messages: list[list[bytes]] = [[] for _ in slices]
    at_risk: list[dict[bytes, str]] = [{} for _ in slices]
    for row, message in changes.levels.messages:
        messages[slice_of_row[row]].append(message)
    for row, entry in changes.levels.at_risk.items():
        at_risk[slice_of_row[row]][keys[row]] = entry
    order = np.argsort(slice_of_row, kind="stable")
    stretch = {number: slice(start, end) for number, start, end in stretches(slice_of_row[order])}
    found: dict[int, list[SliceChanges]] = {}
    for number, shard in enumerate(slices):
        rows = order[stretch.get(number, slice(0))]
        numbers = rows.tolist()
        heard = newest[rows].max(initial=FAR_PAST)
        here = SliceChanges(
            [keys[row] for row in numbers],
            [changes.records[row] for row in numbers],
            np.flatnonzero(changes.changed[rows]).tolist(),
            series.get(number, NO_INCREMENTS),
            int(heard) if heard > FAR_PAST else None,
            schedules.get(number, UNSCHEDULED),
            messages[number],
            at_risk[number],
            ids.get(number, {}),
        )
        found.setdefault(shard, []).append(here)
    return found


def ids_by_slice(arrived: Arrived, slice_: Ints) -> dict[int, dict[tuple[str, int], Hashes]]:
    """Slice -> (topic, hour) -> hashes of the ids of its events; `slice_` is that of each event."""
    parts = len(arrived.parts)
    group = (slice_ * parts + arrived.part) << _HOUR_BITS | arrived.hours
    order = np.argsort(group, kind="stable")
    group, hashes = group[order], arrived.ids[order]
    found: dict[int, dict[tuple[str, int], Hashes]] = {}
    for of, start, end in stretches(group):
        where, hour = divmod(of, 1 << _HOUR_BITS)
        number, part = divmod(where, parts)
        found.setdefault(number, {})[arrived.parts[part][1], hour] = hashes[start:end]
    return found


def count_events(increments: Increments, columns: EventColumns) -> None:
    """The plain counts: each event adds to them at its minute."""
    for series in columns.catalogue.counted:
        at, numbers = columns.under(series)
        increments.add(numbers, columns.minute[at], columns.amounts(series, at))
