"""The fold: events of one shard into new records and what they add to the series. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from schemas import TYPES, Event
from stream.core.record import Fact, Record, change, joined
from stream.core.series import Increments
from stream.core.time import Calendar, minute_of
from stream.metrics import KINDS, REMEMBERED_TYPES, count_event, labels_of
from stream.store.keys import customer_key

Place = Callable[[str, str, str], str]
"""(product, label, value) -> the admitted value, or `other`."""

_NAME_OF: dict[type, str] = {struct: name for name, struct in TYPES.items()}


@dataclass
class Changes:
    """What a batch does: new records by customer key, and increments of the series."""

    customers: dict[bytes, Record] = field(default_factory=dict)
    increments: Increments = field(default_factory=Increments)
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
    """Customer key -> product, for the customers of whom the events leave a trace."""
    return {
        customer_key(event.product, event.customer): event.product
        for event in events
        if _NAME_OF[type(event)] in REMEMBERED_TYPES
    }


def wanted_labels(events: Iterable[Event]) -> set[tuple[str, str, str]]:
    """(product, label, value) of every bounded label that the events would show."""
    return {(event.product, *label) for event in events for label in labels_of(_NAME_OF[type(event)], event)}


def overflowing(events: Iterable[Event], wanted: Iterable[tuple[str, str, str]], place: Place) -> Counter[str]:
    """How many events have a label value that found no place, by label."""
    homeless = {label for label in wanted if place(*label) != label[2]}
    if not homeless:
        return Counter()
    return Counter(
        f"label_overflow:{name}"
        for event in events
        for name, value in labels_of(_NAME_OF[type(event)], event)
        if (event.product, name, value) in homeless
    )


def fold(
    events: Sequence[Event],
    known: Mapping[bytes, Record],
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
    places: dict[str, Callable[[str, str], str]] = {}
    facts_of: dict[tuple[str, bytes], list[Fact]] = defaultdict(list)
    for event in events:
        product = event.product
        here = places.get(product)
        if here is None:
            here = places[product] = partial(place, product)
        fact = _fact(event, here, calendar)
        count_event(add, product, fact)
        if changes.newest_ms is None or fact.epoch_ms > changes.newest_ms:
            changes.newest_ms = fact.epoch_ms
        if fact.type in REMEMBERED_TYPES:
            facts_of[product, customer_key(product, event.customer)].append(fact)
    for (product, key), facts in facts_of.items():
        old = known.get(key)
        new = joined(old, facts, KINDS, keep_days)
        change(add, product, old, new, KINDS)
        changes.customers[key] = new
    return changes


def _fact(event: Event, place: Callable[[str, str], str], calendar: Calendar) -> Fact:
    moment = event.epoch_ms
    minute = minute_of(moment)
    channel = place("channel", event.channel)
    return Fact(_NAME_OF[type(event)], event, moment, minute, calendar.day(minute), channel, place)
