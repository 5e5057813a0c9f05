"""The record: memories that do not care for order, and that survive storage and forgetting."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.core.facts import Customers, Facts, customers_of
from stream.core.names import Names
from stream.core.ragged import Ragged
from stream.core.record import Kind, packed, unpacked
from stream.core.series import KEEP_MINUTES
from stream.core.time import Calendar, minute_of
from stream.metrics.activity import ACTIVE_BY_CHANNEL, makes_active
from stream.store.keys import customer_key
from tests.histories import History, State, decoded, histories, laws

KEEP_DAYS = 460
SEEDS = st.integers(0, 2**32)


@dataclass(frozen=True)
class Words:
    """A memory of nothing but words."""

    rows: Ragged

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Words:
        return cls(stored)

    def pack(self, customers: Customers) -> Sequence[Ragged]:
        return [self.rows]

    def joined(self, facts: Facts, keep_days: int | None) -> Words:
        return self


def words_before(lengths: tuple[int, ...]) -> int:
    """The mark and a word; those of the fifth length and on, where one is not zero; or all, where one is large."""
    if lengths[0] > 126 or max(lengths) > 255:
        return 2 + len(lengths)
    return 1 + -(-len(lengths) // 4) if any(lengths[4:]) else 2


LENGTHS = st.sampled_from([0, 0, 1, 2, 126, 127, 128, 254, 255, 256, 257, 70_000])


@laws
@given(st.integers(1, 9).flatmap(lambda kinds: st.lists(st.tuples(*[LENGTHS] * kinds), min_size=1, max_size=5)))
def test_a_record_keeps_memories_of_any_length_apart(customers: list[tuple[int, ...]]) -> None:
    lengths = np.array(customers, np.int64).T
    memories = [Words(Ragged(np.arange(sum(rows), dtype=np.uint32), rows)) for rows in lengths]
    kinds = [Kind(Words, ())] * len(memories)
    everybody = customers_of([b""] * len(customers), ["app"] * len(customers), Names())
    marks = np.arange(len(customers), dtype=np.uint32)
    records = packed(marks, memories, everybody)
    assert list(map(len, records)) == [4 * (words_before(each) + sum(each)) for each in customers]
    found_marks, found_memories = unpacked(records, kinds, everybody)
    assert np.array_equal(found_marks, marks)
    for memory, found in zip(memories, found_memories, strict=True):
        assert np.array_equal(found.rows.words, memory.rows.words)
        assert np.array_equal(found.rows.lengths, memory.rows.lengths)


def of_one_customer(history: History) -> History:
    """What the customer of the first event did, in one product."""
    events = [(event, decoded(event)) for event in history.emitted]
    owner = customer_key(events[0][1].product, events[0][1].customer)
    return replace(
        history, emitted=[event for event, read in events if customer_key(read.product, read.customer) == owner]
    )


def remembered(history: History, keep_days: int | None = None) -> dict[str, Any]:
    """What the customer's record says after one batch an event."""
    state = State(Calendar(history.zone), keep_days).take([event] for event in history.events)
    return next(iter(state.remembered().values()), {})


def shuffled(history: History, seed: int) -> History:
    return replace(history, emitted=random.Random(seed).sample(history.emitted, len(history.emitted)))


@laws
@given(histories())
def test_a_record_knows_the_first_activity_the_last_on_each_channel_and_the_active_days(history: History) -> None:
    own = of_one_customer(history)
    calendar, said = Calendar(own.zone), remembered(own)
    active = [event for event in own.events if makes_active(event)]
    if not active:
        assert not said or (said["first"][2], said["days"]) == (False, [])
        return
    first = min(active, key=lambda event: (event.epoch_ms, event.channel))
    channel = ACTIVE_BY_CHANNEL.key(first.product, first.channel)
    assert said["first"] == (first.epoch_ms, calendar.day(minute_of(first.epoch_ms)), channel)
    assert said["days"] == sorted({calendar.day(minute_of(event.epoch_ms)) for event in active})
    newest = max(minute_of(event.epoch_ms) for event in own.events)
    last = {
        ACTIVE_BY_CHANNEL.key(there.product, there.channel): max(
            minute_of(event.epoch_ms) for event in active if event.channel == there.channel
        )
        for there in active
    }
    on_channels = {key: minute for key, minute in said["latest"].items() if key[0] == ACTIVE_BY_CHANNEL.name}
    seen = {key: minute for key, minute in last.items() if minute > newest - KEEP_MINUTES}
    assert on_channels == seen | {key: minute for key, minute in last.items() if minute == max(last.values())}


@laws
@given(histories(), SEEDS)
def test_the_record_is_the_same_whatever_the_order_and_the_batches(history: History, seed: int) -> None:
    own = of_one_customer(history)
    state = State(Calendar(own.zone)).take([own.events])
    assert list(state.remembered().values()) == [said for said in [remembered(shuffled(own, seed))] if said]


@laws
@given(histories(), SEEDS)
def test_all_but_counted_visits_are_the_same_whatever_the_repetition(history: History, seed: int) -> None:
    own = of_one_customer(history)
    repeated = shuffled(replace(own, emitted=own.emitted * 2), seed)
    once, twice = remembered(own), remembered(repeated)
    for memory in ("first", "days", "latest", "answers"):
        assert once.get(memory) == twice.get(memory)


@laws
@given(histories(days_back=900), SEEDS)
def test_forgetting_keeps_the_newest_days_whatever_the_order(history: History, seed: int) -> None:
    own = of_one_customer(history)
    said = remembered(own, KEEP_DAYS)
    assert remembered(shuffled(own, seed), KEEP_DAYS) == said
    calendar = Calendar(own.zone)
    days = {calendar.day(minute_of(event.epoch_ms)) for event in own.events if makes_active(event)}
    if days:
        assert said["days"] == sorted(day for day in days if day > max(days) - KEEP_DAYS)


@laws
@given(histories())
def test_customers_folded_together_are_remembered_as_each_alone(history: History) -> None:
    together = State(Calendar(history.zone)).take([history.events]).remembered()
    for key, said in together.items():
        own = [event for event in history.events if customer_key(event.product, event.customer) == key]
        alone = State(Calendar(history.zone)).take([own]).remembered()
        assert alone == {key: said}
