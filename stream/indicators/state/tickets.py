"""Tickets: when each of a customer's tickets was opened, answered, resolved and reopened, and the series that follow.

Of the product `other` none is remembered: there the tickets of the same number of several products would be taken for
one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers, EventColumns
from stream.core.increments import Increments
from stream.core.quantiles import buckets
from stream.core.ragged import Ints, Ragged, from_words64, row_numbers, spans, to_words64
from stream.core.series import Key, Kind, Series
from stream.core.time import DAY_MS, FAR_PAST, MINUTE_MS

RESOLUTIONS = Series("resolutions", Kind.FLOW, "minute", ("bucket",))
"""Tickets when they were resolved first, by the bucket of the time since they were opened."""
RESOLUTION_MS = Series("resolution_ms", Kind.FLOW, "minute")
FIRST_REPLIES = Series("first_replies", Kind.FLOW, "minute", ("bucket",))
"""The same when an agent replied first."""
FIRST_REPLY_MS = Series("first_reply_ms", Kind.FLOW, "minute")
OPEN = Series("open_tickets", Kind.STOCK, "minute")
"""Tickets that are not resolved, since something was heard of them last."""
REOPENED = Series("reopened_tickets", Kind.CENSUS, "minute")
"""Tickets when they were reopened last."""
RESOLVED_OR_REOPENED = Series("resolved_or_reopened_tickets", Kind.CENSUS, "minute")
"""Tickets when they were resolved or reopened last."""

MOST = 64
"""So many tickets of a customer are remembered."""

FIRST_OPENED, FIRST_REPLY, FIRST_RESOLVED, LAST_OPENED, LAST_RESOLVED, LAST_REOPENED = range(6)
_MOMENTS = 6
_LAST = slice(LAST_OPENED, _MOMENTS)

Says = Callable[[Any], bool]
_SAID: tuple[tuple[str, tuple[int, ...], Says], ...] = (
    ("ticket_opened", (FIRST_OPENED, LAST_OPENED), lambda _: True),
    ("ticket_replied", (FIRST_REPLY,), lambda event: event.by == "agent"),
    ("ticket_resolved", (FIRST_RESOLVED, LAST_RESOLVED), lambda _: True),
    ("ticket_reopened", (LAST_REOPENED,), lambda _: True),
)
"""Event type, the moments that it tells, which of its events do."""

TYPES = frozenset(type_ for type_, _, _ in _SAID)
_WORDS = 2 * (1 + _MOMENTS)


@dataclass(frozen=True)
class Tickets:
    """Of `size` customers: `ticket[i]`, a hash of its id, is of the one in row `row[i]`, ordered by row and ticket.
    `moments[i]` are when it was opened, answered by an agent and resolved first (negative, so that of all six moments
    the greatest counts) and when it was opened, resolved and reopened last, in milliseconds since the epoch; FAR_PAST
    where nothing is known.

    A customer's tickets are those whose hash ends in `level[row]` zero bits: all, as long as that are at most MOST;
    then a half, a quarter, …, and each stands for 2, 4, … What is left does so in whatever order the tickets came.
    (It happens where many share one id: the level of a customer never falls again.) A resolved ticket is forgotten
    when the customer has one that is so much newer that whatever else is heard of it comes too late.

    Stored as [level] and, for each ticket, [ticket (2 words), moments (12 words)]: at most 897 words, or nothing.
    """

    size: int
    level: Ints
    row: Ints
    ticket: Ints
    moments: Ints

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Tickets:
        known = stored.lengths > 0
        level = np.zeros(len(known), np.int64)
        level[known] = stored.words[stored.starts[known]]
        lengths = stored.lengths - known
        numbers = from_words64(stored.words[spans(stored.starts + known, lengths)]).reshape(-1, 1 + _MOMENTS)
        return cls(len(customers), level, row_numbers(lengths // _WORDS), numbers[:, 0], numbers[:, 1:])

    def pack(self, customers: Customers) -> list[Ragged]:
        number = np.bincount(self.row, minlength=self.size)
        known = (number > 0) | (self.level > 0)
        words = to_words64(np.column_stack([self.ticket, self.moments]).ravel()).ravel()
        return [Ragged(self.level[known].astype(np.uint32), known * 1), Ragged(words, number * _WORDS)]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Tickets:
        rows, tickets, moments = [self.row], [self.ticket], [self.moments]
        for type_, told, says in _SAID:
            at = columns.of({type_})
            own = columns.of_one_product[at] & np.array(columns.fields({type_}, says), np.bool_)
            moment = np.full((int(own.sum()), _MOMENTS), FAR_PAST)
            for column in told:
                moment[:, column] = columns.ms[at[own]] * (-1 if column < LAST_OPENED else 1)
            rows.append(columns.row[at[own]])
            tickets.append(np.array(columns.fields({type_}, _ticket), np.int64)[own])
            moments.append(moment)
        if not any(map(len, rows[1:])):
            return self
        row, ticket, moment = map(np.concatenate, (rows, tickets, moments))
        order = np.lexsort((ticket, row))
        row, ticket = row[order], ticket[order]
        first = np.flatnonzero(np.append(True, (np.diff(row) != 0) | (np.diff(ticket) != 0)))
        greatest = np.maximum.reduceat(moment[order], first)
        return Tickets(self.size, self.level, row[first], ticket[first], greatest)._recent(keep_days)._few()

    def those(self, which: NDArray[np.bool_]) -> Tickets:
        return Tickets(self.size, self.level, self.row[which], self.ticket[which], self.moments[which])

    @property
    def heard(self) -> Ints:
        """When each was opened, resolved or reopened last; FAR_PAST where it never was."""
        heard: Ints = self.moments[:, _LAST].max(axis=1)
        return heard

    @property
    def open(self) -> NDArray[np.bool_]:
        """Which are not resolved. Of what was heard in the same millisecond, reopened comes after resolved, and that
        after opened."""
        opened, resolved, reopened = self.moments[:, _LAST].T
        unresolved: NDArray[np.bool_] = (resolved < opened) | (resolved <= reopened)
        return unresolved & (self.heard > FAR_PAST)

    def _recent(self, keep_days: int | None) -> Tickets:
        if keep_days is None:
            return self
        replied = self.moments[:, FIRST_REPLY]
        latest = np.maximum(self.heard, np.where(replied > FAR_PAST, -replied, FAR_PAST))
        newest = np.full(self.size, FAR_PAST)
        np.maximum.at(newest, self.row, latest)
        kept = self.open | (latest > newest[self.row] - keep_days * DAY_MS)
        return self if kept.all() else self.those(kept)

    def _few(self) -> Tickets:
        """At most MOST of each customer."""
        level = self.level.copy()
        while True:
            sampled = self.ticket & (1 << level[self.row]) - 1 == 0
            crowded = np.bincount(self.row[sampled], minlength=self.size) > MOST
            if not crowded.any():
                break
            level[crowded] += 1
        some = self if sampled.all() else self.those(sampled)
        return Tickets(self.size, level, some.row, some.ticket, some.moments)


def _ticket(event: Any) -> int:
    """A number for the ticket's id. (Two tickets of a customer share one in less than a case of 10¹⁸.)"""
    hashed = xxh3_64_intdigest(event.ticket_id.encode())
    return hashed - (1 << 64) if hashed >= 1 << 63 else hashed


def change(increments: Increments, customers: Customers, old: Tickets, new: Tickets, _: Definitions) -> None:
    """contribution(new) − contribution(old)."""
    if new is not old:
        _count(increments, customers, old, -1)
        _count(increments, customers, new, 1)


def _count(increments: Increments, customers: Customers, some: Tickets, count: int) -> None:
    if not len(some.row):
        return
    stands_for = count << some.level[some.row]
    _count_times(increments, customers, some, stands_for, FIRST_RESOLVED, RESOLUTIONS, RESOLUTION_MS)
    _count_times(increments, customers, some, stands_for, FIRST_REPLY, FIRST_REPLIES, FIRST_REPLY_MS)
    reopened = some.moments[:, LAST_REOPENED]
    for series, moment in (
        (OPEN, np.where(some.open, some.heard, FAR_PAST)),
        (REOPENED, reopened),
        (RESOLVED_OR_REOPENED, np.maximum(reopened, some.moments[:, LAST_RESOLVED])),
    ):
        if len(at := np.flatnonzero(moment > FAR_PAST)):
            increments.add(customers.numbers(series)[some.row[at]], moment[at] // MINUTE_MS, stands_for[at])


def _count_times(
    increments: Increments,
    customers: Customers,
    some: Tickets,
    stands_for: Ints,
    end: int,
    by_bucket: Series,
    in_all: Series,
) -> None:
    """How long it took from the opening to the moment `end`, when that was. Where clocks disagree on which came first
    it took no time."""
    at = np.flatnonzero((some.moments[:, FIRST_OPENED] > FAR_PAST) & (some.moments[:, end] > FAR_PAST))
    if not len(at):
        return
    row, moments, stands_for = some.row[at], some.moments[at], stands_for[at]
    took_ms = np.maximum(moments[:, FIRST_OPENED] - moments[:, end], 0)
    minute = -moments[:, end] // MINUTE_MS
    increments.add(customers.numbers(in_all)[row], minute, took_ms * stands_for)

    def key(total: Key, bucket: int) -> Key:
        return by_bucket.key(*total[1:], str(bucket))

    increments.add(customers.key_ids.like(customers.numbers(in_all)[row], key, buckets(took_ms)), minute, stands_for)
