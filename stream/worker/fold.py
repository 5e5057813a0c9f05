"""The fold: events of one shard into new records and what they add to the series. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas import TYPES, Event
from stream.core.customer import Customer, new_customer
from stream.core.series import Increments
from stream.core.time import Calendar, minute_of
from stream.metrics import ACTIVE_TYPES, change, count_event
from stream.store.keys import customer_key

Place = Callable[[str, str, str], str]
"""(product, label, value) -> the admitted value, or `other`."""

_NAME_OF: dict[type, str] = {struct: name for name, struct in TYPES.items()}


@dataclass
class Changes:
    """What a batch does: new records by customer key, increments of the series, plain counters."""

    customers: dict[bytes, Customer] = field(default_factory=dict)
    increments: Increments = field(default_factory=Increments)
    counters: Counter[str] = field(default_factory=Counter)
    newest_ms: int | None = None


def counted(events: Iterable[Event], counters: Counter[str]) -> list[Event]:
    """The events without bots and tests, which are only counted."""
    kept = []
    for event in events:
        if event.bot:
            counters["left_out:bot"] += 1
        elif event.test:
            counters["left_out:test"] += 1
        else:
            kept.append(event)
    return kept


def touched_customers(events: Iterable[Event]) -> dict[bytes, str]:
    """Customer key -> product, for the customers that the events make active."""
    return {
        customer_key(event.product, event.customer): event.product
        for event in events
        if _NAME_OF[type(event)] in ACTIVE_TYPES
    }


def fold(
    events: Sequence[Event],
    known: Mapping[bytes, Customer],
    place: Place,
    calendar: Calendar,
    keep_days: int | None,
) -> Changes:
    """Fold events (no repeats, no bots) into the known customers' records.

    `known` must hold every touched customer that was seen before; it is left as it is. `keep_days`: how many
    days of a record's mask are kept, None for all.
    """
    changes = Changes()
    add = changes.increments.add
    activities: dict[bytes, list[tuple[int, str]]] = defaultdict(list)
    products: dict[bytes, str] = {}
    for event in events:
        type_, product, moment = _NAME_OF[type(event)], event.product, event.epoch_ms
        count_event(add, product, type_, minute_of(moment))
        if type_ in ACTIVE_TYPES:
            key = customer_key(product, event.customer)
            channel = place(product, "channel", event.channel)
            if channel != event.channel:
                changes.counters["label_overflow:channel"] += 1
            activities[key].append((moment, channel))
            products[key] = product
    changes.newest_ms = max((event.epoch_ms for event in events), default=None)
    for key, moments in activities.items():
        old = known.get(key)
        new = _joined(old, moments, calendar)
        if keep_days is not None:
            new.forget(keep_days)
        change(add, products[key], old, new)
        changes.customers[key] = new
    return changes


def _joined(old: Customer | None, moments: list[tuple[int, str]], calendar: Calendar) -> Customer:
    new = old.copy() if old else None
    for moment, channel in moments:
        minute = minute_of(moment)
        day = calendar.day(minute)
        if new is None:
            new = new_customer(moment, minute, day, channel)
        else:
            new.join(moment, minute, day, channel)
    assert new is not None, "a touched customer has at least one activity"
    return new
