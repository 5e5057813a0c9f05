"""Net revenue: what each customer has paid, less what was paid back, and since when it is a buyer, by currency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers, EventColumns
from stream.core.increments import Increments
from stream.core.key_ids import keys_of
from stream.core.ragged import Ints, Ragged, distinct, from_words64, row_numbers, to_words64
from stream.core.series import Kind, Series
from stream.indicators.measures import total

PURCHASED = total("purchased", of="purchase", by="currency", amount="amount_minor", lasting=True)
RETURNED = total("returned", of="product_return", by="currency", amount="amount_minor", lasting=True)
"""Amounts in minor units."""
BUYERS_EVER = Series("buyers_ever", Kind.STOCK, "minute", ("currency",))

TYPES = PURCHASED.of | RETURNED.of

TRADED = (BUYERS_EVER, RETURNED)
"""In the keys of these are the currencies in which anything was bought, or anything paid back: an amount of nothing
leaves no key."""

_NO_PURCHASE = (1 << 31) - 1
_WORDS = 4


@dataclass(frozen=True)
class NetRevenue:
    """Of `size` customers: the one in row `row[i]` has paid `net[i]` (minor units, less than nothing where more was
    paid back) in the currency that key number `currency[i]` of PURCHASED names, and bought first in `minute[i]`
    (_NO_PURCHASE: never). One a row and currency, by row.

    touched  the rows that have changed since they were read, ascending

    Stored as [currency, net (2 words), minute] each, for ever: a few words for each currency in which a customer
    has paid.
    """

    size: int
    row: Ints
    currency: Ints
    net: Ints
    minute: Ints
    touched: Ints

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> NetRevenue:
        words = stored.words.reshape(-1, _WORDS)
        row = row_numbers(stored.lengths // _WORDS)
        currency = customers.read(row, words[:, 0].astype(np.int64))
        net, minute = from_words64(words[:, 1:3]).ravel(), words[:, 3].astype(np.int32).astype(np.int64)
        return cls(len(customers), row, currency, net, minute, distinct(row))

    def pack(self, customers: Customers) -> list[Ragged]:
        words = np.empty((len(self.row), _WORDS), np.uint32)
        words[:, 0], words[:, 1:3] = customers.key_ids.ids(self.currency), to_words64(self.net)
        words[:, 3] = self.minute.astype(np.int32).view(np.uint32)
        return [Ragged(words.ravel(), np.bincount(self.row, minlength=self.size) * _WORDS)]

    def merge(self, columns: EventColumns, keep_days: int | None) -> NetRevenue:
        parts = [(self.row, self.currency, self.net, self.minute)]
        for series, sign in ((PURCHASED, 1), (RETURNED, -1)):
            at, numbers = columns.under(series)
            minute = columns.minute[at] if series is PURCHASED else np.full(len(at), _NO_PURCHASE)
            currency = columns.customers.key_ids.like(numbers, keys_of(PURCHASED))
            net = sign * np.asarray(columns.amounts(series, at), np.int64)
            parts.append((columns.row[at], currency, net, minute))
        touched = distinct(np.concatenate([row for row, *_ in parts[1:]]))
        if not len(touched):
            return self
        row, currency, net, minute = map(np.concatenate, zip(*parts, strict=True))
        order = np.lexsort((currency, row))
        row, currency = row[order], currency[order]
        first = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(currency, prepend=-1) != 0))
        net, minute = np.add.reduceat(net[order], first), np.minimum.reduceat(minute[order], first)
        return NetRevenue(self.size, row[first], currency[first], net, minute, touched)

    def of(self, rows: Ints) -> NetRevenue:
        """Those of these rows alone."""
        here = np.isin(self.row, rows)
        row, currency, net, minute = self.row[here], self.currency[here], self.net[here], self.minute[here]
        return NetRevenue(self.size, row, currency, net, minute, rows)


def change(increments: Increments, customers: Customers, old: NetRevenue, new: NetRevenue, _: Definitions) -> None:
    """contribution(new) − contribution(old): since when customers are buyers. Amounts are counted event by event."""
    if new is old:
        return
    for some, step in ((old.of(new.touched), -1), (new.of(new.touched), 1)):
        bought = some.minute != _NO_PURCHASE
        numbers = customers.key_ids.like(some.currency[bought], keys_of(BUYERS_EVER))
        increments.add(numbers, some.minute[bought], step)
