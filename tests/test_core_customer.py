"""The record: an order-free join that survives storage and forgetting."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.customer import Customer, decode_customer, new_customer
from stream.core.time import DAY, MINUTE_MS

laws = settings(derandomize=True, database=None, deadline=None, max_examples=200)

DAY_MS = DAY * MINUTE_MS
Activity = tuple[int, str]
"""Milliseconds since the epoch, channel."""

MOMENTS_MS = st.one_of(
    st.integers(0, 900 * DAY_MS),
    st.integers(0, 900).map(lambda day: day * DAY_MS),
    st.integers(-5 * MINUTE_MS, 5 * MINUTE_MS),
)
ACTIVITIES = st.lists(st.tuples(MOMENTS_MS, st.sampled_from(["web", "ios", "boutique"])), min_size=1, max_size=25)
SEEDS = st.integers(0, 2**32)


def joined(activities: list[Activity], keep_days: int | None = None) -> Customer:
    record: Customer | None = None
    for moment_ms, channel in activities:
        minute = moment_ms // MINUTE_MS
        if record is None:
            record = new_customer(moment_ms, minute, minute // DAY, channel)
        else:
            record.join(moment_ms, minute, minute // DAY, channel)
        if keep_days is not None:
            record.forget(keep_days)
    assert record is not None
    return record


def another_order(activities: list[Activity], seed: int) -> list[Activity]:
    """Shuffled, and some of them a second time."""
    chance = random.Random(seed)
    repeated = activities + chance.choices(activities, k=3)
    return chance.sample(repeated, len(repeated))


@laws
@given(ACTIVITIES)
def test_a_record_knows_the_first_activity_the_last_on_each_channel_and_the_active_days(
    activities: list[Activity],
) -> None:
    record = joined(activities)
    assert (record.first_ms, record.first_channel) == min(activities)
    assert record.first_day == min(activities)[0] // DAY_MS
    assert list(record.days) == sorted({moment_ms // DAY_MS for moment_ms, _ in activities})
    last = {there: max(ms // MINUTE_MS for ms, channel in activities if channel == there) for _, there in activities}
    assert record.last == last
    assert record.last_minute == max(last.values())


@laws
@given(ACTIVITIES, SEEDS)
def test_the_record_is_the_same_whatever_the_order_and_repetition(activities: list[Activity], seed: int) -> None:
    assert joined(another_order(activities, seed)).encode() == joined(activities).encode()


@laws
@given(ACTIVITIES)
def test_a_record_is_read_back_as_it_was_stored(activities: list[Activity]) -> None:
    record = joined(activities)
    read = decode_customer(record.encode())
    for name in Customer.__slots__:
        assert getattr(read, name) == getattr(record, name), name


@laws
@given(ACTIVITIES, SEEDS)
def test_forgetting_keeps_the_newest_days_whatever_the_order(activities: list[Activity], seed: int) -> None:
    record = joined(activities, keep_days=460)
    days = {moment_ms // DAY_MS for moment_ms, _ in activities}
    assert set(record.days) == {day for day in days if day > max(days) - 460}
    assert joined(another_order(activities, seed), keep_days=460).encode() == record.encode()


def test_joining_into_a_copy_leaves_the_original_as_it_was() -> None:
    original = joined([(DAY_MS, "web")])
    stored = original.encode()
    original.copy().join(0, 0, 0, "ios")
    assert original.encode() == stored


def test_a_record_of_an_unknown_version_is_refused() -> None:
    fields = msgspec.msgpack.decode(joined([(0, "web")]).encode())
    with pytest.raises(ValueError, match="version 99"):
        decode_customer(msgspec.msgpack.encode([99, *fields[1:]]))
