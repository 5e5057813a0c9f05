"""Subscription: whether a customer subscribes, since when, for how much, and the series that follow from it.

Of the product `other` none is remembered: there the subscriptions of several products would be taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.definitions import Definitions
from stream.core.event_columns import OTHER, Customers, EventColumns
from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys, keys_of
from stream.core.ragged import (
    Ints,
    Ragged,
    distinct,
    from_words64,
    places,
    row_numbers,
    spans,
    starts_of,
    stretch_starts,
    to_words64,
)
from stream.core.series import KEEP_MINUTES, Kind, Series
from stream.core.time import DAY, MINUTE_MS
from stream.indicators.measures import total

STARTED, RENEWED, CANCELLED = 1, 2, 3
_STATES = {
    "subscription_started": STARTED,
    "subscription_renewed": RENEWED,
    "subscription_cancelled": CANCELLED,
}

PERIOD_DAYS = 30
"""So long ago they subscribed of whom it is asked who does no more; and for so long amounts are shown."""

PRICES = total("subscription_prices", of=" ".join(_STATES), by="currency period_days", given="amount_minor")
"""Events that name an amount."""
TYPES = frozenset(_STATES)

SUBSCRIBERS = Series("subscribers", Kind.STOCK, "minute", settled=KEEP_MINUTES)
LOST = Series("lost_subscribers", Kind.STOCK, "minute", settled=KEEP_MINUTES)
"""Those who subscribed 30 days ago and do not now."""
RECURRING = Series("recurring", Kind.STOCK, "minute", ("currency", "period_days"))
"""Amounts a period, in minor units."""

_BITS = 2
_KEPT = 4
_TRANSITION, _PRICE = 2, 5
"""Words."""


class Prices(NamedTuple):
    """Amounts that were named, one a row: milliseconds since the epoch, minor units, number of the key of PRICES."""

    row: Ints
    ms: Ints
    amount: Ints
    number: Ints

    def those(self, which: Ints) -> Prices:
        return Prices(*(column[which] for column in self))


@dataclass(frozen=True)
class Subscription:
    """Of `size` customers: the subscription of the one in row `row[i]` became what `heard[i]` says: milliseconds
    since the epoch · 4 + state, so that of two things in the same millisecond the later state counts. In order of row
    and time: of each customer the first transition and the last 4. Those between are forgotten: who is renewed every
    week subscribes since the first all the same.

    `price` is the last amount that was named with a currency, whatever it was named by; of several in one millisecond
    the largest, then the last by its key's name.

    Stored as [ms (2 words), amount (2 words), number] of the price, if there is one, then [heard (2 words)] each: at
    most 15 words, of which an odd number has a price.
    """

    size: int
    row: Ints
    heard: Ints
    price: Prices

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Subscription:
        priced = stored.lengths % 2
        at = stored.starts[priced > 0][:, None] + np.arange(_PRICE)
        row, words = np.flatnonzero(priced), stored.words[at]
        ms, amount = from_words64(words[:, 0:2]).ravel(), from_words64(words[:, 2:4]).ravel()
        price = Prices(row, ms, amount, customers.read(row, words[:, 4].astype(np.int64)))
        lengths = stored.lengths - priced * _PRICE
        heard = stored.words[spans(stored.starts + priced * _PRICE, lengths)].reshape(-1, _TRANSITION)
        return cls(len(customers), row_numbers(lengths // _TRANSITION), from_words64(heard).ravel(), price)

    def pack(self, customers: Customers) -> list[Ragged]:
        row, ms, amount, number = self.price
        words = np.empty((len(row), _PRICE), np.uint32)
        words[:, 0:2], words[:, 2:4] = to_words64(ms), to_words64(amount)
        words[:, 4] = customers.key_ids.ids(number)
        return [
            Ragged(words.ravel(), np.bincount(row, minlength=self.size) * _PRICE),
            Ragged(to_words64(self.heard).ravel(), np.bincount(self.row, minlength=self.size) * _TRANSITION),
        ]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Subscription:
        rows, moments = [self.row], [self.heard]
        for type_, state in _STATES.items():
            at = columns.of({type_})
            at = at[columns.of_one_product[at]]
            rows.append(columns.row[at])
            moments.append(columns.ms[at] << _BITS | state)
        if not any(map(len, rows[1:])):
            return self
        row, heard = _first_and_last(np.concatenate(rows), np.concatenate(moments))
        return Subscription(self.size, row, heard, self._priced(columns))

    def _priced(self, columns: EventColumns) -> Prices:
        at, number = columns.under(PRICES)
        of_one = _of_one_period(columns.customers.key_ids, number) & columns.of_one_product[at]
        at, number = at[of_one], number[of_one]
        amount = [columns.events[event].amount_minor for event in at.tolist()]
        new = Prices(columns.row[at], columns.ms[at], np.array(amount, np.int64), number)
        all_ = Prices(*map(np.concatenate, zip(self.price, new, strict=True)))
        rank = columns.customers.key_ids.ranks(all_.number)
        order = np.lexsort((rank, all_.amount, all_.ms, all_.row))
        return all_.those(order[np.diff(all_.row[order], append=-1) != 0])

    @property
    def ms(self) -> Ints:
        return self.heard >> _BITS

    @property
    def live(self) -> NDArray[np.bool_]:
        """Whether the customer subscribes from each transition on."""
        live: NDArray[np.bool_] = self.heard & (1 << _BITS) - 1 != CANCELLED
        return live

    def differing(self, other: Subscription) -> Ints:
        """The rows whose transitions are not the same."""
        row, heard = np.concatenate([self.row, other.row]), np.concatenate([self.heard, other.heard])
        order = np.lexsort((heard, row))
        row, heard = row[order], heard[order]
        same = np.zeros(len(row) + 1, np.bool_)  # of two of them each has one, at most
        same[1:-1] = (np.diff(row) == 0) & (np.diff(heard) == 0)
        return distinct(row[~(same[1:] | same[:-1])])

    @property
    def last(self) -> Ints:
        """The place of the last transition of each customer that has any."""
        return np.flatnonzero(np.diff(self.row, append=-1))


def _first_and_last(row: Ints, heard: Ints) -> tuple[Ints, Ints]:
    """Each once, of each row the first and the last of them, in order."""
    order = np.lexsort((heard, row))
    row, heard = row[order], heard[order]
    once = np.append(True, (np.diff(row) != 0) | (np.diff(heard) != 0))
    row, heard = row[once], heard[once]
    number = np.bincount(row)
    from_start = np.arange(len(row)) - starts_of(number)[row]
    kept = (from_start == 0) | (from_start >= number[row] - _KEPT)
    return row[kept], heard[kept]


def _of_one_period(key_ids: FoldKeys, numbers: Ints) -> NDArray[np.bool_]:
    """For each key of PRICES, whether currency and period have their own names in it."""
    keys, where = places(numbers)
    return np.array([OTHER not in key_ids[number][2:] for number in keys.tolist()], np.bool_)[where]


def change(
    increments: Increments, customers: Customers, old: Subscription, new: Subscription, _: Definitions
) -> None:
    """contribution(new) − contribution(old)."""
    if new is not old:
        _count(increments, customers, old, -1)
        _count(increments, customers, new, 1)


def _count(increments: Increments, customers: Customers, some: Subscription, count: int) -> None:
    if not len(some.row):
        return
    live, same_row = some.live, np.append(False, np.diff(some.row) == 0)
    turns = np.flatnonzero(live != np.append(False, live[:-1]) & same_row)
    row, minute, step = some.row[turns], some.ms[turns] // MINUTE_MS, np.where(live[turns], 1, -1)
    increments.add(customers.numbers(SUBSCRIBERS)[row], minute, step * count)
    _count_lost(increments, customers, row, minute, step, count)
    price = np.full(some.size, -1)
    price[some.price.row] = np.arange(len(some.price.row))
    priced = np.flatnonzero(price[row] >= 0)
    _, _, amount, number = some.price.those(price[row[priced]])
    increments.add(customers.key_ids.like(number, keys_of(RECURRING)), minute[priced], step[priced] * amount * count)


def _count_lost(
    increments: Increments, customers: Customers, row: Ints, minute: Ints, step: Ints, count: int
) -> None:
    """`step`: 1 where a customer begins to subscribe, −1 where it ends.

    Who subscribes now changes at these minutes, and who did 30 days ago so much later.
    """
    row, moment = np.concatenate([row, row]), np.concatenate([minute, minute + PERIOD_DAYS * DAY])
    steps = np.stack([np.concatenate([step, 0 * step]), np.concatenate([0 * step, step])])
    order = np.lexsort((moment, row))
    row, moment, steps = row[order], moment[order], steps[:, order]
    first = stretch_starts(row)
    so_far = np.cumsum(steps, axis=1)
    now, then = so_far - np.repeat((so_far - steps)[:, first], np.diff(first, append=len(row)), axis=1)
    lost = then & ~now
    change_ = lost.copy()
    change_[1:] -= np.where(np.diff(row) == 0, lost[:-1], 0)
    increments.add(customers.numbers(LOST)[row], moment, change_ * count)
