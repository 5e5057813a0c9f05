"""Exposures: when customers were first exposed to each campaign, and whether they bought soon after.

A customer is first exposed to a campaign (shown it, clicked, a message received) by the earliest exposure of the last
90 days. It is in the cohort while that lies in (floor_hour(T − 37 d), floor_hour(T − 7 d)], and converted if it
bought or subscribed within 7 days after.

An exposure can be the first only where it follows the one before after more than 53 days: else it is too old for the
cohort by the time that one is forgotten. So exposures without such a gap are one run, of which the first and the last
alone matter. Purchases no more than 7 days apart are one run, too: whoever is first exposed in it, or up to 7 days
before, buys within 7 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers, EventColumns
from stream.core.increments import Increments
from stream.core.key_ids import keys_of
from stream.core.ragged import (
    Ints,
    Ragged,
    from_words64,
    gathered,
    row_numbers,
    spans,
    starts_of,
    to_words64,
)
from stream.core.runs import joined
from stream.core.series import Kind, Series
from stream.core.time import DAY, DAY_MS, FAR_PAST, HOUR, MINUTE_MS

EXPOSURES = frozenset({"impression", "click", "message_delivered", "message_opened", "message_clicked"})
PURCHASES = frozenset({"purchase", "subscription_started"})

TYPES = EXPOSURES | PURCHASES

_DAY_HOURS = DAY // HOUR
_BEHIND = _DAY_HOURS
"""So much longer is kept what no reading at the customer's newest event can see: for readings a little before it."""
_SETTLED = (_BEHIND - 1) * HOUR

COHORT = Series("conversion_cohort", Kind.STOCK, "minute", ("campaign",), settled=_SETTLED)
"""Customers in the cohort of the campaign."""
CONVERTED = Series("converted", Kind.STOCK, "minute", ("campaign",), settled=_SETTLED)
"""Those of them that converted."""

_WITHIN_MS = 7 * DAY_MS
_DECIDED, _LEAVES, _FORGOTTEN = (days * _DAY_HOURS for days in (7, 37, 90))
"""So many hours after an exposure it is in the cohort, leaves it, and stands no more before another."""
_APART = _FORGOTTEN - _LEAVES

_HOUR_MS = HOUR * MINUTE_MS
_RUN, _BOUGHT = 3, 4
_OLD = (1 << 32) - 1
"""In the place of a run's first exposure: too long ago to be in a cohort."""


class Exposed(NamedTuple):
    """Runs of exposures, one each: its row, the number of its campaign's key of COHORT, the first exposure in
    milliseconds (FAR_PAST: too long ago for a cohort), the hour of the last. In order of row, number and time."""

    row: Ints
    number: Ints
    first_ms: Ints
    last_hour: Ints

    @property
    def group(self) -> Ints:
        return self.row * (int(self.number.max(initial=0)) + 1) + self.number


class Bought(NamedTuple):
    """Runs of purchases, one each: its row, the first and the last in milliseconds. In order of row and time."""

    row: Ints
    first_ms: Ints
    last_ms: Ints


Runs = TypeVar("Runs", Exposed, Bought)


@dataclass(frozen=True)
class Exposures:
    """Of `size` customers; `touched` are those of whom the series do not know yet.

    Stored as [runs of exposures, (number, last hour, milliseconds of the first before the end of that hour) each,
    (first, last purchase, 2 words each) each] or nothing. Counted back from the customer's newest of all these
    events: of a campaign at most two runs, the last of the last 91 days and, where its first exposure lies in the
    last 38, the one before. Of purchases at most six, of the last 38 days. What is older is forgotten.
    """

    size: int
    exposed: Exposed
    bought: Bought
    touched: NDArray[np.bool_]

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Exposures:
        known = stored.lengths > 0
        runs = np.zeros(len(known), np.int64)
        runs[known] = stored.words[stored.starts[known]]
        starts, lengths = stored.starts + known, runs * _RUN
        row, words = row_numbers(runs), gathered(stored.words, starts, lengths).words.reshape(-1, _RUN)
        number = customers.read(row, words[:, 0].astype(np.int64))
        last_hour, age = words[:, 1].view(np.int32).astype(np.int64), words[:, 2].astype(np.int64)
        first_ms = np.where(age == _OLD, FAR_PAST, _end_ms(last_hour) - age)
        exposed = Exposed(row, number, first_ms, last_hour)
        exposed = _those(exposed, np.argsort(exposed.group, kind="stable"))
        rest = stored.lengths - known - lengths
        moments = from_words64(gathered(stored.words, starts + lengths, rest).words.reshape(-1, 2)).reshape(-1, 2)
        bought = Bought(row_numbers(rest // _BOUGHT), moments[:, 0], moments[:, 1])
        return cls(len(known), exposed, bought, np.ones(len(known), np.bool_))

    def pack(self, customers: Customers) -> list[Ragged]:
        exposed = self.exposed._replace(number=customers.key_ids.ids(self.exposed.number))
        exposed = _those(exposed, np.argsort(exposed.group, kind="stable"))
        words = np.empty((len(exposed.row), _RUN), np.uint32)
        words[:, 0], words[:, 1] = exposed.number, exposed.last_hour.astype(np.int32).view(np.uint32)
        is_old = exposed.first_ms == FAR_PAST
        words[:, 2] = np.where(is_old, _OLD, _end_ms(exposed.last_hour) - exposed.first_ms)
        moments = np.stack([self.bought.first_ms, self.bought.last_ms], axis=1)
        runs, bought = (np.bincount(row, minlength=self.size) for row in (exposed.row, self.bought.row))
        known = runs + bought > 0
        return [
            Ragged(runs[known].astype(np.uint32), known.astype(np.int64)),
            Ragged(words.ravel(), runs * _RUN),
            Ragged(to_words64(moments).ravel(), bought * _BOUGHT),
        ]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Exposures:
        at, number = columns.under(COHORT, EXPOSURES)
        paid = columns.of(PURCHASES)
        if not len(at) + len(paid):
            return self
        row, ms = columns.row[at], columns.ms[at]
        exposed = _runs_of_exposures(_chained(self.exposed, Exposed(row, number, ms, _hours(ms))))
        row, ms = columns.row[paid], columns.ms[paid]
        bought = _runs_of_purchases(_chained(self.bought, Bought(row, ms, ms)))
        newest = np.full(self.size, FAR_PAST)
        np.maximum.at(newest, exposed.row, exposed.last_hour)
        np.maximum.at(newest, bought.row, _hours(bought.last_ms))
        touched = np.zeros(self.size, np.bool_)
        touched[columns.row[at]] = touched[columns.row[paid]] = True
        return Exposures(self.size, _recent_exposures(exposed, newest), _recent_purchases(bought, newest), touched)


def _hours(ms: Ints) -> Ints:
    """The hour that ends with or after the minute of each moment."""
    return -(-(ms // MINUTE_MS) // HOUR)


def _end_ms(hour: Ints) -> Ints:
    """When the last minute of the hour is over."""
    return hour * _HOUR_MS + MINUTE_MS


def _those(exposed: Exposed, at: Ints | NDArray[np.bool_]) -> Exposed:
    return Exposed(*(column[at] for column in exposed))


def _chained(one: Runs, other: Runs) -> Runs:
    return type(one)(*map(np.concatenate, zip(one, other, strict=True)))


def _runs_of_exposures(some: Exposed) -> Exposed:
    starts = np.where(some.first_ms == FAR_PAST, some.last_hour, _hours(some.first_ms))
    order, first = joined(some.group, starts, some.last_hour, _APART)
    if not len(order):
        return some
    row, number, first_ms, last_hour = _those(some, order)
    return Exposed(
        row[first], number[first], np.minimum.reduceat(first_ms, first), np.maximum.reduceat(last_hour, first)
    )


def _runs_of_purchases(some: Bought) -> Bought:
    order, first = joined(some.row, some.first_ms, some.last_ms, _WITHIN_MS)
    if not len(order):
        return some
    row, first_ms, last_ms = (column[order] for column in some)
    return Bought(row[first], np.minimum.reduceat(first_ms, first), np.maximum.reduceat(last_ms, first))


def _recent_exposures(some: Exposed, newest: Ints) -> Exposed:
    """Of each campaign the last run, and the one before where that can be told from it."""
    is_last = np.diff(some.group, append=-1) != 0
    young = is_last & (_hours(some.first_ms) > newest[some.row] - _LEAVES - _BEHIND)
    before = np.append(young[1:], False) & ~is_last
    kept = (is_last | before) & (some.last_hour > newest[some.row] - _FORGOTTEN - _BEHIND)
    return _those(some._replace(first_ms=np.where(young, some.first_ms, FAR_PAST)), kept)


def _recent_purchases(some: Bought, newest: Ints) -> Bought:
    """Those after which a first exposure can lie that is kept; what is earlier of a run is cut off."""
    edge = (newest[some.row] - _LEAVES - _BEHIND) * _HOUR_MS
    kept = some.last_ms >= edge
    row, first_ms, last_ms = (column[kept] for column in some)
    return Bought(row, np.maximum(first_ms, edge[kept]), last_ms)


def change(increments: Increments, customers: Customers, old: Exposures, new: Exposures, _: Definitions) -> None:
    """contribution(new) − contribution(old)."""
    if new is not old:
        _count(increments, customers, old, new.touched, -1)
        _count(increments, customers, new, new.touched, 1)


def _count(
    increments: Increments, customers: Customers, some: Exposures, which: NDArray[np.bool_], step: int
) -> None:
    """Each first exposure enters the cohort when it is decided and none before it is known any more."""
    exposed, group = some.exposed, some.exposed.group
    at = np.flatnonzero((exposed.first_ms != FAR_PAST) & which[exposed.row])
    follows = (at > 0) & (group[at - 1] == group[at])
    hour = _hours(exposed.first_ms[at])
    enters = np.maximum(hour + _DECIDED, np.where(follows, exposed.last_hour[at - 1] + _FORGOTTEN, FAR_PAST))
    leaves = hour + _LEAVES
    number, converted = exposed.number[at], _converted(exposed.row[at], exposed.first_ms[at], some)
    there = enters < leaves
    for those, of in ((there, number), (there & converted, customers.key_ids.like(number, keys_of(CONVERTED)))):
        increments.add(of[those], enters[those] * HOUR, step)
        increments.add(of[those], leaves[those] * HOUR, -step)


def _converted(row: Ints, first_ms: Ints, some: Exposures) -> NDArray[np.bool_]:
    """Whether the customers in these rows bought within 7 days after these moments."""
    runs = np.bincount(some.bought.row, minlength=some.size)
    number = runs[row]
    of, at = row_numbers(number), spans(starts_of(runs)[row], number)
    soon = (some.bought.first_ms[at] - _WITHIN_MS <= first_ms[of]) & (first_ms[of] <= some.bought.last_ms[at])
    converted: NDArray[np.bool_] = np.bincount(of[soon], minlength=len(row)) > 0
    return converted
