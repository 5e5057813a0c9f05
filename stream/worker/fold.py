"""The fold: events of one shard into new records and what they add to the series. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import count
from typing import NamedTuple, TypeVar

import numpy as np

from schemas import TYPES
from stream.core.facts import Customers, Facts, Place, sample_of
from stream.core.increments import Increments
from stream.core.names import Names
from stream.core.ragged import Ints
from stream.core.record import packed, unpacked
from stream.core.time import Calendar
from stream.metrics import CATALOGUE, KINDS, SPECIAL_COUNTS
from stream.metrics.contribution import change
from stream.metrics.evidence import Scoring
from stream.worker.crossings import Schedule, noticed
from stream.worker.intake import Arrived

Value = TypeVar("Value", bound=Hashable)

_NUMBER_OF_TYPE = {struct: number for number, struct in enumerate(TYPES.values())}


class Touched(NamedTuple):
    """The facts of some events, and the keys of the customers in their rows."""

    facts: Facts
    keys: list[bytes]


def counted(arrived: Arrived, counters: Counter[str]) -> Arrived:
    """The events without bots and tests, which are only counted."""
    events = arrived.events
    bots = np.array([event.bot for event in events], np.bool_)
    tests = np.array([event.test for event in events], np.bool_) & ~bots
    for name, left_out in (("left_out:bot", bots), ("left_out:test", tests)):
        if number := int(left_out.sum()):
            counters[name] += number
    left_out = bots | tests
    return arrived.those(~left_out) if left_out.any() else arrived


def facts_of(arrived: Arrived, names: Names, place: Place, calendar: Calendar) -> Touched:
    """The events as columns, in the order of their types; a row for each customer of whom they leave a trace."""
    types = np.array([_NUMBER_OF_TYPE[struct] for struct in map(type, arrived.events)], np.int64)
    order = np.argsort(types, kind="stable")
    numbers = order.tolist()
    events = list(map(arrived.events.__getitem__, numbers))
    products, product = _interned([event.product for event in events])
    keys, row = _interned(list(map(arrived.keys.__getitem__, numbers)))
    product_of_row = np.zeros(len(keys), np.int64)
    product_of_row[row] = product
    customers = Customers(products, product_of_row, names, sample_of(keys))
    facts = Facts(CATALOGUE, customers, place, events, types[order], row, product, arrived.ms[order], calendar)
    return Touched(facts, keys)


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
    facts: Facts, keys: Sequence[bytes], known: Sequence[bytes], keep_days: int | None, scoring: Scoring, now_ms: int
) -> Changes:
    """Fold facts (no repeats, no bots) into the records of the customers in their rows.

    `keys[row]` and `known[row]` are the customer's key, and its record as it was; empty for one never seen before.
    `keep_days`: how many days of activity a record keeps, None for all. `now_ms`: as of when crossings are noticed.
    """
    customers = facts.customers
    increments = Increments(customers.names)
    count_events(increments, facts)
    marks, old = unpacked(known, KINDS, customers)
    new = [memory.joined(facts, keep_days) for memory in old]
    profiles = change(increments, customers, old, new, scoring)
    schedule = noticed(profiles, marks, keys, now_ms)
    return Changes(packed(schedule.marks, new), increments, facts.newest_ms, schedule)


def count_events(increments: Increments, facts: Facts) -> None:
    """The plain counts: +1 at each event's minute."""
    for series in CATALOGUE.counted:
        at, numbers = facts.under(series)
        increments.add(numbers, facts.minute[at], 1)
    for count_specially in SPECIAL_COUNTS:
        count_specially(increments, facts)
