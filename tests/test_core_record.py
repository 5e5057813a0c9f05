"""The record: memories that do not care for order, and that survive storage and forgetting."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import partial
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Event
from stream.core.record import Fact, Record, decode_record, joined
from stream.core.time import Calendar, minute_of
from stream.metrics import KINDS, REMEMBERED_TYPES
from stream.metrics.activity import ACTIVE_TYPES, Activity
from stream.metrics.visits import Visits
from tests.histories import History, as_it_is, decoded, histories, laws

KEEP_DAYS = 460
SEEDS = st.integers(0, 2**32)


def facts_of(history: History) -> list[Fact]:
    """Those of one customer who left a trace; perhaps none."""
    left = [event for event in history.events if event.type in REMEMBERED_TYPES]
    owner = left[:1] and (left[0].product, left[0].customer)
    return [fact(event, Calendar(history.zone)) for event in left if (event.product, event.customer) == owner]


def fact(event: Event, calendar: Calendar) -> Fact:
    minute = minute_of(event.epoch_ms)
    place = partial(as_it_is, event.product)
    return Fact(event.type, event, event.epoch_ms, minute, calendar.day(minute), event.channel, place)


def one_by_one(facts: Iterable[Fact], keep_days: int | None = None) -> Record:
    record = Record([None] * len(KINDS))
    for each in facts:
        record = joined(record, [each], KINDS, keep_days)
    return record


def shuffled(facts: list[Fact], seed: int) -> list[Fact]:
    return random.Random(seed).sample(facts, len(facts))


@laws
@given(histories())
def test_a_record_knows_the_first_activity_the_last_on_each_channel_and_the_active_days(history: History) -> None:
    active = [each for each in facts_of(history) if each.type in ACTIVE_TYPES]
    activity = one_by_one(active).memories[0]
    if not active:
        assert activity is None
        return
    assert isinstance(activity, Activity)
    assert (activity.first_ms, activity.first_channel) == min((each.epoch_ms, each.channel) for each in active)
    assert activity.first_day == min(active, key=lambda each: each.epoch_ms).day
    assert list(activity.days) == sorted({each.day for each in active})
    last = {there.channel: max(each.minute for each in active if each.channel == there.channel) for there in active}
    assert activity.last == last


@laws
@given(histories(), SEEDS)
def test_the_record_is_the_same_whatever_the_order_and_the_batches(history: History, seed: int) -> None:
    facts = facts_of(history)
    assert one_by_one(shuffled(facts, seed)) == joined(None, facts, KINDS, None)


@laws
@given(histories(), SEEDS)
def test_all_but_counted_visits_are_the_same_whatever_the_repetition(history: History, seed: int) -> None:
    facts = facts_of(history)
    repeated = shuffled(facts + facts, seed)
    for kind, once, twice in zip(KINDS, one_by_one(facts).memories, one_by_one(repeated).memories, strict=True):
        if kind.memory is not Visits:
            assert (once and once.pack()) == (twice and twice.pack())


@laws
@given(histories())
def test_a_record_is_read_back_as_it_was_stored(history: History) -> None:
    record = one_by_one(facts_of(history))
    read = decode_record(record.encode(), KINDS)
    assert read == record
    for stored, memory in zip(record.memories, read.memories, strict=True):
        assert type(memory) is type(stored)
        for name in getattr(memory, "__slots__", ()):
            assert getattr(memory, name) == getattr(stored, name), name


@laws
@given(histories(days_back=900), SEEDS)
def test_forgetting_keeps_the_newest_days_whatever_the_order(history: History, seed: int) -> None:
    facts = facts_of(history)
    record = one_by_one(facts, KEEP_DAYS)
    assert one_by_one(shuffled(facts, seed), KEEP_DAYS) == record
    activity = record.memories[0]
    if isinstance(activity, Activity):
        days = {each.day for each in facts if each.type in ACTIVE_TYPES}
        assert set(activity.days) == {day for day in days if day > max(days) - KEEP_DAYS}


@laws
@given(histories())
def test_joining_leaves_the_old_record_as_it_was(history: History) -> None:
    facts = facts_of(history)
    half = len(facts) // 2
    old = joined(None, facts[:half], KINDS, None)
    stored = old.encode()
    joined(old, facts[half:], KINDS, None)
    assert old.encode() == stored


CLICK = {"event_id": "1", "type": "click", "user_id": "1", "timestamp": "2026-03-01T00:00:00Z"}


@pytest.fixture
def utc() -> Calendar:
    return Calendar(ZoneInfo("UTC"))


@pytest.fixture
def record(utc: Calendar) -> Record:
    return one_by_one([fact(decoded(CLICK), utc)])


def test_a_memory_that_was_not_touched_is_shared_with_the_old_record(record: Record, utc: Calendar) -> None:
    login = decoded({**CLICK, "type": "login"})
    new = joined(record, [fact(login, utc)], KINDS, None)
    kept = [kind.memory for kind, was, now in zip(KINDS, record.memories, new.memories, strict=True) if was is now]
    assert kept == [kind.memory for kind in KINDS if "login" not in kind.types]


def test_kinds_of_memory_that_were_added_since_are_empty(record: Record) -> None:
    stored = joined(None, [], KINDS[:1], None).encode()
    assert decode_record(stored, KINDS).memories == [None] * len(KINDS)
    assert decode_record(record.encode(), [*KINDS, KINDS[0]]).memories[-1] is None


def test_a_record_of_an_unknown_version_is_refused(record: Record) -> None:
    _, *memories = msgspec.msgpack.decode(record.encode())
    with pytest.raises(ValueError, match="version 99"):
        decode_record(msgspec.msgpack.encode([99, *memories]), KINDS)
