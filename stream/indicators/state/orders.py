"""Orders: what is remembered of each order of a customer, and the series that count orders and buyers.

An order is the purchases of one order_id: line items, in any order, on any day. It counts once, at the first of them.
Of the product `other` no orders are told apart: there the order_ids of several products would be taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from stream.core.days import NO_DAY
from stream.core.definitions import Definitions
from stream.core.event_columns import Customers, EventColumns
from stream.core.increments import Increments
from stream.core.key_ids import keys_of
from stream.core.ragged import Ints, Ragged, distinct, from_words64, row_numbers, to_words64
from stream.core.series import Kind, Series
from stream.indicators.state.net_revenue import PURCHASED

PERIODS = (30, 90, 365)
"""Of so many complete days it is asked who bought on them, and who more than once."""

ORDERS_BY_CURRENCY = Series("orders_by_currency", Kind.FLOW, "minute", ("currency",))
ORDERS = Series("orders", Kind.FLOW, "minute", splits=(ORDERS_BY_CURRENCY,))
BUYERS = {days: Series(f"buyers_in_{days}_days", Kind.STOCK, "day") for days in PERIODS}
REPEAT_BUYERS = {days: Series(f"repeat_buyers_in_{days}_days", Kind.STOCK, "day") for days in PERIODS}
SERIES = (ORDERS, *BUYERS.values(), *REPEAT_BUYERS.values())

MOST_ORDERS = 1000
"""So many of a customer are remembered, the newest."""

_WORDS = 5
_DAY_BITS = 24
_DAY = (1 << _DAY_BITS) - 1


@dataclass(frozen=True)
class Orders:
    """Of `size` customers: the one in row `row[i]` bought something of the order `order[i]` (a hash of its id) in the
    currency that key number `currency[i]` of PURCHASED names, first at `moment[i]`: the minute · 2²⁴ + its local day.
    One a row, order and currency, by row and order.

    touched  the rows whose orders the series may not know yet, ascending
    kept     what is stored of it all: the newest MOST_ORDERS orders of each customer, and of these none whose day
             lies the longest of PERIODS and `keep_days` before that of the newest, which is so long that nothing
             that may still be told, late, depends on it. What is forgotten stays counted; a line item of it that
             comes later counts as another order.

    Stored as [order (2 words), currency, minute, day] each.
    """

    size: int
    row: Ints
    order: Ints
    currency: Ints
    moment: Ints
    touched: Ints
    kept: NDArray[np.bool_]

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Orders:
        words = stored.words.reshape(-1, _WORDS)
        row = row_numbers(stored.lengths // _WORDS)
        currency = customers.read(row, words[:, 2].astype(np.int64))
        minute, day = words[:, 3:5].astype(np.int32).astype(np.int64).T
        order, moment = from_words64(words[:, 0:2]).ravel(), minute << _DAY_BITS | day
        return cls(len(customers), row, order, currency, moment, distinct(row), np.ones(len(row), np.bool_))

    def pack(self, customers: Customers) -> list[Ragged]:
        kept = self.kept
        words = np.empty((int(kept.sum()), _WORDS), np.uint32)
        words[:, 0:2], words[:, 2] = to_words64(self.order[kept]), customers.key_ids.ids(self.currency[kept])
        words[:, 3], words[:, 4] = self.minute[kept].astype(np.int32).view(np.uint32), self.moment[kept] & _DAY
        return [Ragged(words.ravel(), np.bincount(self.row[kept], minlength=self.size) * _WORDS)]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Orders:
        at, currency = columns.under(PURCHASED)
        own = columns.of_one_product[at]
        at, currency = at[own], currency[own]
        if not len(at):
            return self
        moment = columns.minute[at] << _DAY_BITS | columns.day[at]
        parts = (
            (self.row, self.order, self.currency, self.moment),
            (columns.row[at], _hashes(columns, at), currency, moment),
        )
        row, order, currency, moment = map(np.concatenate, zip(*parts, strict=True))
        sequence = np.lexsort((moment, currency, order, row))
        first = sequence[_begins(row[sequence], order[sequence], currency[sequence])]
        row, order, currency, moment = row[first], order[first], currency[first], moment[first]
        touched = distinct(columns.row[at])
        return Orders(self.size, row, order, currency, moment, touched, _kept(row, order, moment, keep_days))

    @property
    def minute(self) -> Ints:
        return self.moment >> _DAY_BITS

    def of(self, rows: Ints) -> Orders:
        """Those of these rows alone."""
        here = np.isin(self.row, rows)
        row, order, currency, moment = self.row[here], self.order[here], self.currency[here], self.moment[here]
        return Orders(self.size, row, order, currency, moment, rows, self.kept[here])

    def firsts(self) -> tuple[Ints, Ints, Ints]:
        """(row, minute, day) of each order at its first purchase, whatever the currency, by row and moment."""
        starts = _begins(self.row, self.order)
        moment, row = _earliest(self.moment, starts), self.row[starts]
        sequence = np.lexsort((moment, row))
        row, moment = row[sequence], moment[sequence]
        return row, moment >> _DAY_BITS, moment & _DAY


def _hashes(columns: EventColumns, at: Ints) -> Ints:
    """Of the ids of orders. (Two orders of a customer share one in less than a case of 10¹⁸.)"""
    ids = [columns.events[event].order_id.encode() for event in at.tolist()]
    return np.array([xxh3_64_intdigest(id_) for id_ in ids], np.uint64).view(np.int64)


def _begins(*ordered: Ints) -> Ints:
    """Where any of these columns, which are sorted together, has another value than before."""
    changed = np.ones(len(ordered[0]), np.bool_)
    changed[1:] = np.logical_or.reduce([np.diff(column) != 0 for column in ordered])
    return np.flatnonzero(changed)


def _earliest(moments: Ints, starts: Ints) -> Ints:
    """Of each stretch that begins at one of `starts`."""
    return np.minimum.reduceat(moments, starts) if len(starts) else starts


def _kept(row: Ints, order: Ints, moment: Ints, keep_days: int | None) -> NDArray[np.bool_]:
    """Which are stored, as told in Orders."""
    starts = _begins(row, order)
    first = _earliest(moment, starts)
    newest = np.lexsort((order[starts], -first, row[starts]))
    of_row = _begins(row[starts][newest])
    lengths = np.diff(of_row, append=len(newest))
    stays = np.arange(len(newest)) - np.repeat(of_row, lengths) < MOST_ORDERS
    if keep_days is not None:
        day = first[newest] & _DAY
        stays &= day > np.repeat(day[of_row], lengths) - keep_days - PERIODS[-1]
    kept = np.empty(len(starts), np.bool_)
    kept[newest] = stays
    return np.repeat(kept, np.diff(starts, append=len(row)))


def change(increments: Increments, customers: Customers, old: Orders, new: Orders, _: Definitions) -> None:
    """contribution(new) − contribution(old); `new` is what `old` was merged into, or `old` is empty."""
    if new is old:
        return
    for orders, step in ((old.of(new.touched), -1), (new.of(new.touched), 1)):
        row, minute, day = orders.firsts()
        increments.add(customers.numbers(ORDERS)[row], minute, step)
        numbers = customers.key_ids.like(orders.currency, keys_of(ORDERS_BY_CURRENCY))
        increments.add(numbers, orders.minute, step)
        _count_buyers(increments, customers, row, day, step)


def _count_buyers(increments: Increments, customers: Customers, row: Ints, day: Ints, step: int) -> None:
    """Orders by row and day. From an order until the next one the customer is a buyer for as long as the order lies
    within the period, and bought again for as long as the order before it does, too."""
    same = np.diff(row, append=-1) == 0
    following = np.where(same, np.roll(day, -1), NO_DAY)
    before = np.where(np.diff(row, prepend=-1) == 0, np.roll(day, 1), -NO_DAY)
    for days in PERIODS:
        for series, since in ((BUYERS[days], day), (REPEAT_BUYERS[days], before)):
            end = np.minimum(since + days, following)
            holds = end > day
            numbers = customers.numbers(series)[row[holds]]
            increments.add(numbers, day[holds], step)
            increments.add(numbers, end[holds], -step)
