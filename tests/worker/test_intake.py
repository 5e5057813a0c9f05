"""Intake: what is malformed, out of time or of another shard is rejected, named and counted."""

from __future__ import annotations

import json

import pytest

from stream.kafka.batch import Batch
from stream.kafka.partition import shard_of
from stream.kafka.partitions import shards_of
from stream.worker.cache import RecordCache
from stream.worker.intake import FORWARDED, Admission, Intake, admit, decode
from tests.fetched import NOW_MS, KafkaRecord

TOPIC = "engagement.clicks"
DAY_MS = 86_400_000
PARTITIONS = 4
HERE = shard_of("ada", PARTITIONS)


def click(user_id: str = "ada", timestamp: str = "2026-01-01T00:00:00Z") -> bytes:
    event = {"event_id": "1", "type": "click", "user_id": user_id, "timestamp": timestamp}
    return json.dumps(event).encode()


def take(*records: KafkaRecord, oldest_days: int | None = 400, now_ms: int = NOW_MS) -> Intake:
    batch = Batch(TOPIC, HERE, 0, len(records), 0, records)
    admission = Admission(
        shards_of=lambda customer_ids: shards_of(customer_ids, PARTITIONS),
        oldest_days=oldest_days,
    )
    return admit(decode([batch], {TOPIC: "clicks"}), admission, {HERE: RecordCache(1)}, now_ms)


def reasons(intake: Intake) -> list[str]:
    return [refused.why.reason for refused in intake.refused]


def stranger() -> str:
    return next(name for name in map(str, range(100)) if shard_of(name, PARTITIONS) != HERE)


def test_lets_an_event_of_this_shard_through_with_the_hour_of_its_record() -> None:
    intake = take(KafkaRecord(click()))
    arrived = intake.arrived
    assert arrived.parts == [(HERE, TOPIC)]
    assert [event.customer for event in arrived.events] == ["u:ada"]
    assert (arrived.ms.tolist(), arrived.hours.tolist()) == ([NOW_MS], [NOW_MS // 3_600_000])
    assert dict(intake.counters[HERE]) == {f"events:{TOPIC}": 1}


def test_refuses_what_is_more_than_five_minutes_in_the_future() -> None:
    assert reasons(take(KafkaRecord(click(timestamp="2026-01-01T00:05:00Z")))) == []
    assert reasons(take(KafkaRecord(click(timestamp="2026-01-01T00:05:00.001Z")))) == ["in_future"]


def test_refuses_what_is_older_than_the_horizon_at_its_arrival() -> None:
    assert reasons(take(KafkaRecord(click(timestamp="2024-11-27T00:00:00Z")))) == []
    assert reasons(take(KafkaRecord(click(timestamp="2024-11-26T23:59:59.999Z")))) == ["too_old"]
    assert reasons(take(KafkaRecord(click(timestamp="1970-01-01T00:00:00Z")), oldest_days=None)) == []


@pytest.mark.parametrize("stamp", [-1, None, 0, NOW_MS // 1000, NOW_MS * 1000, NOW_MS + 30 * DAY_MS])
def test_a_producers_time_that_cannot_be_counts_as_now(stamp: int | None) -> None:
    old, early, ahead = (
        click(timestamp=at) for at in ("2024-11-27T00:00:00Z", "2024-11-26T23:59:59Z", "2026-01-01T00:05:01Z")
    )
    intake = take(*(KafkaRecord(value, timestamp=stamp) for value in (click(), old, early, ahead)))
    assert set(intake.arrived.hours.tolist()) == {NOW_MS // 3_600_000}
    assert reasons(intake) == ["too_old", "in_future"]


def test_a_producers_time_in_the_past_is_when_its_record_came_and_says_nothing_about_the_future() -> None:
    intake = take(KafkaRecord(click(), timestamp=NOW_MS - 2 * DAY_MS))
    assert intake.arrived.hours.tolist() == [(NOW_MS - 2 * DAY_MS) // 3_600_000]


@pytest.mark.parametrize("later_ms", [0, 5 * DAY_MS, -5 * DAY_MS])
def test_the_brokers_time_decides_whenever_the_record_is_read(later_ms: int) -> None:
    events = ["2026-01-01T00:05:00Z", "2026-01-01T00:05:00.001Z", "2024-11-27T00:00:00Z", "2024-11-26T23:59:59.999Z"]
    intake = take(
        *(KafkaRecord(click(timestamp=at), timestamp=NOW_MS, timestamp_type=1) for at in events),
        now_ms=NOW_MS + later_ms,
    )
    assert reasons(intake) == ["too_old", "in_future"]
    assert intake.arrived.hours.tolist() == [NOW_MS // 3_600_000] * 2


def test_a_batch_without_records_is_nothing_to_take_in() -> None:
    assert not take().arrived.events


def test_counts_every_record_and_every_reason() -> None:
    intake = take(KafkaRecord(b"{"), KafkaRecord(None), KafkaRecord(click()), KafkaRecord(b'{"type":"click"}'))
    assert reasons(intake) == ["not_json", "not_json", "missing_field"]
    assert dict(intake.counters[HERE]) == {
        f"events:{TOPIC}": 4,
        f"rejected:{TOPIC}:not_json": 2,
        f"rejected:{TOPIC}:missing_field": 1,
    }


def test_sends_another_shards_customer_home_once() -> None:
    intake = take(KafkaRecord(click(stranger())))
    [event] = intake.misrouted
    assert (event.batch.topic, event.shard) == (TOPIC, shard_of(stranger(), PARTITIONS))
    assert intake.counters[HERE]["misrouted"] == 1
    assert not intake.arrived.events


def test_a_stray_that_was_forwarded_already_is_a_dead_letter() -> None:
    intake = take(KafkaRecord(click(stranger()), headers=((FORWARDED, b"1"),)))
    assert reasons(intake) == ["misrouted"]
    assert not intake.misrouted
