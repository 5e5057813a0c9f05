"""Unreliable delivery: whatever becomes of simulated events, each of them arrives, and nothing else counts."""

from __future__ import annotations

from itertools import pairwise

import msgspec

from schemas import FAMILY_OF_TYPE, Event, Rejected, decode
from stream.demo.simulate import Message, UnreliableDelivery
from tests.simulated import NOW_MS, PAST

DELIVERY = UnreliableDelivery(seed=1)
BY_NOW = [message for timed in PAST for message in DELIVERY.send(timed)]
VERY_LATE = list(DELIVERY.arrived())
ARRIVED = [*BY_NOW, *VERY_LATE]

OUTCOMES = [(message, decode(message.value, message.family)) for message in ARRIVED]
VALID = [(message, event) for message, event in OUTCOMES if isinstance(event, Event)]
REASONS = {event.reason for _, event in OUTCOMES if isinstance(event, Rejected)}


def counts(event: Event) -> bool:
    return not event.bot and not event.test


def test_what_arrives_and_counts_is_what_happened() -> None:
    happened = {
        Message(
            FAMILY_OF_TYPE[event["type"]], str(event.get("user_id", event["product"])), msgspec.json.encode(event)
        )
        for _, event in PAST
    }

    assert {message for message, event in VALID if counts(event)} == happened


def test_some_messages_are_repeats_and_some_of_bots_and_tests() -> None:
    counted = [message for message, event in VALID if counts(event)]

    assert len(counted) > len(set(counted))
    assert any(event.bot for _, event in VALID)
    assert any(event.test for _, event in VALID)


def test_some_messages_are_malformed_in_various_ways() -> None:
    assert {"not_json", "not_utf8", "wrong_type", "unknown_type", "bad_timestamp", "missing_field"} == REASONS


def test_events_arrive_late_and_out_of_order() -> None:
    moments = [event.epoch_ms for _, event in VALID]
    late = sum(earlier > later for earlier, later in pairwise(moments))

    assert late > len(moments) * 0.01
    assert VERY_LATE
    assert all(event.epoch_ms < NOW_MS for _, event in VALID)


def test_the_same_seed_makes_the_same_deliveries() -> None:
    again = UnreliableDelivery(seed=1)

    assert [message for timed in PAST for message in again.send(timed)] == BY_NOW
