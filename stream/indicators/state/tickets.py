"""Tickets and subscription: how those of a customer stand, by the last that was heard of each.

Of the product `other` none is remembered: there the subscriptions, and the tickets of the same number, of several
products would be taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from stream.core.event_columns import Customers, EventColumns
from stream.core.ragged import Ints, Ragged, from_words64, row_numbers, to_words64
from stream.core.time import DAY, MINUTE_MS

SUBSCRIPTION = 0
"""In the place of a ticket: the customer's one subscription."""
STARTED, RENEWED, CANCELLED = 1, 2, 3
OPENED, RESOLVED, REOPENED = 1, 2, 3

_SUBSCRIPTION_STATES = {
    "subscription_started": STARTED,
    "subscription_renewed": RENEWED,
    "subscription_cancelled": CANCELLED,
}
_TICKET_STATES = {"ticket_opened": OPENED, "ticket_resolved": RESOLVED, "ticket_reopened": REOPENED}

TYPES = frozenset({*_SUBSCRIPTION_STATES, *_TICKET_STATES})

_STATES = 1 << 2
_WORDS = 4


@dataclass(frozen=True)
class TicketsAndSubscription:
    """Of `size` customers: `ticket[i]` (SUBSCRIPTION, or a hash of a ticket's id) of the customer in row
    `row[i]` stands as it was heard last, `heard[i]`: milliseconds since the epoch · 4 + state, so that of two things
    heard in the same millisecond the later state counts. In order of row and ticket; one of each.

    Stored as [ticket (2 words), heard (2 words)] each.
    """

    size: int
    row: Ints
    ticket: Ints
    heard: Ints

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> TicketsAndSubscription:
        words = stored.words.reshape(-1, _WORDS)
        ticket, heard = from_words64(words[:, 0:2]).ravel(), from_words64(words[:, 2:4]).ravel()
        return cls(len(customers), row_numbers(stored.lengths // _WORDS), ticket, heard)

    def pack(self, customers: Customers) -> list[Ragged]:
        words = np.empty((len(self.row), _WORDS), np.uint32)
        words[:, 0:2], words[:, 2:4] = to_words64(self.ticket), to_words64(self.heard)
        return [Ragged(words.ravel(), np.bincount(self.row, minlength=self.size) * _WORDS)]

    def merge(self, columns: EventColumns, keep_days: int | None) -> TicketsAndSubscription:
        parts = [(self.row, self.ticket, self.heard)]
        for types, is_ticket in ((_SUBSCRIPTION_STATES, False), (_TICKET_STATES, True)):
            for type_, state in types.items():
                only = frozenset({type_})
                at = columns.of(only)
                ids = columns.fields(only, _ticket) if is_ticket else [SUBSCRIPTION] * len(at)
                own = columns.of_one_product[at]
                heard = columns.ms[at] * _STATES + state
                parts.append((columns.row[at][own], np.array(ids, np.int64)[own], heard[own]))
        if all(not len(row) for row, _, _ in parts[1:]):
            return self
        row, ticket, heard = map(np.concatenate, zip(*parts, strict=True))
        order = np.lexsort((heard, ticket, row))
        row, ticket, heard = row[order], ticket[order], heard[order]
        last = np.append((np.diff(row) != 0) | (np.diff(ticket) != 0), True)
        return TicketsAndSubscription(self.size, row[last], ticket[last], heard[last])._worth_keeping(keep_days)

    @property
    def ms(self) -> Ints:
        return self.heard // _STATES

    @property
    def state(self) -> Ints:
        return self.heard % _STATES

    @property
    def are_tickets(self) -> NDArray[np.bool_]:
        tickets: NDArray[np.bool_] = self.ticket != SUBSCRIPTION
        return tickets

    def _worth_keeping(self, keep_days: int | None) -> TicketsAndSubscription:
        """Without tickets that were resolved so long ago that whatever else is heard of them comes too late."""
        if keep_days is None:
            return self
        newest = np.full(self.size, np.iinfo(np.int64).min)
        np.maximum.at(newest, self.row, self.ms)
        settled = self.are_tickets & (self.state == RESOLVED)
        kept = ~settled | (self.ms > newest[self.row] - keep_days * DAY * MINUTE_MS)
        return TicketsAndSubscription(self.size, self.row[kept], self.ticket[kept], self.heard[kept])


def _ticket(event: object) -> int:
    """A number for the ticket's id, never that of the subscription. (Two tickets of a customer share one in less
    than a case of 10¹⁸.)"""
    hashed = xxh3_64_intdigest(event.ticket_id.encode()) or 1  # type: ignore[attr-defined]
    return hashed - (1 << 64) if hashed >= 1 << 63 else hashed
