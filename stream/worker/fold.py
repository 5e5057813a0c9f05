"""The fold: events of one shard, or of several, into new records and what they add to the series. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import count
from typing import NamedTuple, TypeVar

import numpy as np

from schemas import TYPES, Event
from stream.core.facts import Customers, Facts, Place, sample_of
from stream.core.increments import Increments
from stream.core.names import Names
from stream.core.ragged import Ints
from stream.core.series import NO_INCREMENTS
from stream.core.time import Calendar
from stream.metrics import CATALOGUE, RECORD, SPECIAL_COUNTS
from stream.metrics.contribution import change
from stream.metrics.evidence import Scoring
from stream.worker.crossings import NOBODY, Schedule, noticed
from stream.worker.intake import Arrived

Value = TypeVar("Value", bound=Hashable)

_NEVER = -(1 << 62)
_NUMBER_OF_TYPE = {struct: number for number, struct in enumerate(TYPES.values())}


class Touched(NamedTuple):
    """The facts of some events, and the keys of the customers in their rows."""

    facts: Facts
    keys: list[bytes]


def counted(arrived: Arrived, counters: Mapping[int, Counter[str]]) -> Arrived:
    """The events without bots and tests, which are only counted, by shard."""
    events = arrived.events
    bots = np.array([event.bot for event in events], np.bool_)
    tests = np.array([event.test for event in events], np.bool_) & ~bots
    for name, left_out in (("left_out:bot", bots), ("left_out:test", tests)):
        for shard, number in enumerate(np.bincount(arrived.shard[left_out]).tolist()):
            if number:
                counters[shard][name] += number
    left_out = bots | tests
    return arrived.those(~left_out) if left_out.any() else arrived


def facts_of(arrived: Arrived, names: Names, place: Place, calendar: Calendar) -> Touched:
    """The events as columns, in the order of their types; a row for each customer of whom they leave a trace."""
    types = np.array([_NUMBER_OF_TYPE[struct] for struct in map(type, arrived.events)], np.int64)
    order = np.argsort(types, kind="stable")
    numbers = order.tolist()
    events = list(map(arrived.events.__getitem__, numbers))
    products, product = _products(arrived, events, order, names)
    keys, row = _interned(list(map(arrived.keys.__getitem__, numbers)))
    product_of_row = np.zeros(len(keys), np.int64)
    product_of_row[row] = product
    customers = Customers(products, product_of_row, names, sample_of(keys))
    facts = Facts(CATALOGUE, customers, place, events, types[order], row, product, arrived.ms[order], calendar)
    return Touched(facts, keys)


def _products(arrived: Arrived, events: list[Event], order: Ints, names: Names) -> tuple[list[str], Ints]:
    """(the products as they stand in keys, each once; for each event the place of its product)."""
    plain = [event.product for event in events]
    if not names.joint:
        return _interned(plain)
    pairs, place = _interned(list(zip(arrived.shard[order].tolist(), plain, strict=True)))
    return [names.product_in(shard, product) for shard, product in pairs], place


def _interned(values: list[Value]) -> tuple[list[Value], Ints]:
    """(each value once, for each value its place among them)."""
    places = dict(zip(dict.fromkeys(values), count(), strict=False))
    return list(places), np.fromiter(map(places.__getitem__, values), np.int64, len(values))


class Changes(NamedTuple):
    """What a batch does: the new records of the touched customers, increments of the series, and whom to look at, for
    their churn risk crosses a level now or later."""

    records: list[bytes]
    increments: Increments
    newest_ms: int | None
    schedule: Schedule


def fold(
    facts: Facts,
    keys: Sequence[bytes],
    known: Sequence[bytes],
    keep_days: int | None,
    scoring: Scoring,
    present: Ints,
) -> Changes:
    """Fold facts (no repeats, no bots) into the records of the customers in their rows.

    `keys[row]` and `known[row]` are the customer's key, and its record as it was; empty for one never seen before.
    `keep_days`: how many days of activity a record keeps, None for all. `present[row]`: as of when its
    crossings are noticed, in milliseconds since the epoch.
    """
    customers = facts.customers
    increments = Increments(customers.names)
    count_events(increments, facts)
    marks, old = RECORD.unpacked(known, customers)
    new = RECORD.joined(old, facts, keep_days)
    profiles = change(increments, customers, old, new, scoring)
    schedule = noticed(profiles, marks, keys, present)
    return Changes(RECORD.packed(schedule.marks, new, customers), increments, facts.newest_ms, schedule)


class ShardChanges(NamedTuple):
    """What a batch does to one shard: `series` are packed increments."""

    keys: list[bytes]
    records: list[bytes]
    series: bytes
    newest_ms: int | None
    schedule: Schedule


def by_shard(facts: Facts, keys: Sequence[bytes], changes: Changes, shards: Iterable[int]) -> dict[int, ShardChanges]:
    """The changes of each of these shards; a customer is in one of them only."""
    shard_of_row = facts.customers.shard
    newest = np.full(len(shard_of_row), _NEVER)
    np.maximum.at(newest, facts.row, facts.ms)
    series = changes.increments.by_shard()
    schedules = changes.schedule.by_shard(shard_of_row)
    found = {}
    for shard in shards:
        rows = np.flatnonzero(shard_of_row == shard)
        numbers = rows.tolist()
        found[shard] = ShardChanges(
            [keys[row] for row in numbers],
            [changes.records[row] for row in numbers],
            series.get(shard, NO_INCREMENTS),
            int(newest[rows].max()) if len(rows) else None,
            schedules.get(shard, NOBODY),
        )
    return found


def count_events(increments: Increments, facts: Facts) -> None:
    """The plain counts: +1 at each event's minute."""
    for series in CATALOGUE.counted:
        at, numbers = facts.under(series)
        increments.add(numbers, facts.minute[at], 1)
    for count_specially in SPECIAL_COUNTS:
        count_specially(increments, facts)
