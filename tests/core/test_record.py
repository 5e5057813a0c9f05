"""The record: memories that do not care for order, and that survive storage and forgetting."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.cli.endings import refusal
from stream.core import record
from stream.core.event_columns import Customers, EventColumns, customers_of
from stream.core.key_ids import KeyIds
from stream.core.ragged import Ragged
from stream.core.record import Layout, Slot, UnknownSlot
from stream.core.series import KEEP_MINUTES
from stream.core.time import Calendar, minute_of
from stream.indicators.catalogue import RECORD
from stream.indicators.families.activity import ACTIVE_BY_CHANNEL, makes_active
from stream.indicators.memories import Memories
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

    def merge(self, columns: EventColumns, keep_days: int | None) -> Words:
        return self


def layout(ids: Sequence[int]) -> Layout[Any]:
    """Slots of nothing but words, each named by its id."""
    slots = [Slot(id_, f"slot_{id_}", Words, frozenset({"click"})) for id_ in ids]
    some = type("Some", (record.Memories,), {"__annotations__": {slot.name: Words for slot in slots}})
    return Layout(some, slots)


def words_before(lengths: Mapping[int, int]) -> int:
    """The mark, the lengths of the first four slots, pairs of id and length, and lengths too large for a byte."""
    pairs = sum(length > 0 for id_, length in lengths.items() if id_ >= 4)
    return 2 + -(-pairs // 2) + sum(length >= (255 if id_ else 127) for id_, length in lengths.items())


Customer = dict[int, int]
"""Id of a slot -> words in it."""

LENGTHS = st.sampled_from([0, 0, 1, 2, 126, 127, 128, 254, 255, 256, 257, 70_000])
IDS = st.lists(st.integers(0, 7) | st.integers(0, 127), min_size=1, max_size=12, unique=True)


@st.composite
def stored(draw: st.DrawFn, ids: Sequence[int]) -> list[Customer]:
    return draw(st.lists(st.fixed_dictionaries(dict.fromkeys(ids, LENGTHS)), min_size=1, max_size=5))


def everybody(number: int) -> Customers:
    return customers_of([b""] * number, ["app"] * number, KeyIds())


def packed(ids: Sequence[int], customers: Sequence[Customer]) -> list[bytes]:
    """Their records: the mark is the customer's number, and each memory's words are counted on from its id."""
    of, everyone = layout(ids), everybody(len(customers))
    lazy = {}
    for slot in of.slots:
        lengths = np.array([customer[slot.id] for customer in customers], np.int64)
        words = Words(Ragged(np.arange(lengths.sum(), dtype=np.uint32) + slot.id, lengths))
        lazy[slot.name] = record.LazyMemory(slot, None, words)
    states = np.arange(len(customers), dtype=np.uint32)
    return of.packed(states, record.Memories(everyone, lazy), everyone)


def assert_read(ids: Sequence[int], records: Sequence[bytes], customers: Sequence[Customer]) -> None:
    """By a layout of these ids the records say what is remembered of the customers."""
    of = layout(ids)
    states, memories = of.unpacked(records, everybody(len(records)))
    assert states.tolist() == list(range(len(records)))
    for slot in of.slots:
        lengths = [customer.get(slot.id, 0) for customer in customers]
        found = getattr(memories, slot.name).rows
        assert found.lengths.tolist() == lengths
        assert np.array_equal(found.words, np.arange(sum(lengths)) + slot.id)


@laws
@given(st.data(), IDS)
def test_a_record_keeps_memories_of_any_length_apart(data: st.DataObject, ids: list[int]) -> None:
    customers = data.draw(stored(ids))
    records = packed(ids, customers)
    assert list(map(len, records)) == [4 * (words_before(each) + sum(each.values())) for each in customers]
    assert_read(ids, records, customers)


@laws
@given(st.data(), IDS, IDS)
def test_slots_may_be_added_and_records_read_as_before(data: st.DataObject, ids: list[int], more: list[int]) -> None:
    customers = data.draw(stored(ids))
    later = data.draw(st.permutations([*ids, *(id_ for id_ in more if id_ not in ids)]))
    assert_read(later, packed(ids, customers), customers)
    nothing_more = [dict.fromkeys(later, 0) | customer for customer in customers]
    assert packed(later, nothing_more) == packed(ids, customers)


@laws
@given(st.data(), IDS, st.integers(0, 127))
def test_a_slot_that_nobody_knows_is_named(data: st.DataObject, ids: list[int], unknown: int) -> None:
    known = [id_ for id_ in ids if id_ != unknown]
    customers = [each | {unknown: 1} for each in data.draw(stored(known))]
    with pytest.raises(UnknownSlot, match=rf"slot {unknown}\b"):
        layout(known).unpacked(packed([*known, unknown], customers), everybody(len(customers)))


def test_whoever_meets_such_a_slot_is_told_what_to_do() -> None:
    assert "Run that release" in str(refusal(UnknownSlot(9)))


@pytest.mark.parametrize("ids", [(1, 1), (0, 5, 5), (-1,), (128,)])
def test_each_slot_has_an_id_of_its_own(ids: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ids"):
        Layout(Memories, [Slot(id_, "activity", Words, frozenset()) for id_ in ids])


def test_each_slot_is_a_field_of_the_memories() -> None:
    with pytest.raises(ValueError, match="Memories"):
        Layout(Memories, [Slot(0, "activity", Words, frozenset())])


def test_the_ids_of_slots_are_for_ever() -> None:
    """Whoever adds a slot adds it here; no line is ever changed or given to another. 4 had tickets and subscription
    together."""
    assert {slot.id: slot.name for slot in RECORD.slots} == {
        0: "activity",
        1: "latest",
        2: "answers",
        3: "visits",
        5: "segment",
        6: "orders",
        7: "revenue",
        8: "subscription",
        9: "tickets",
        10: "exposures",
        12: "loyalty_action",
        13: "loyalty_tier",
        14: "journey",
        15: "score_inputs",
    }


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
    again = remembered(shuffled(own, seed), KEEP_DAYS)
    for forgotten_whole in ("tickets", "orders"):  # what is heard of one again, so much later, is of a new one
        said.pop(forgotten_whole, None), again.pop(forgotten_whole, None)
    assert again == said
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
