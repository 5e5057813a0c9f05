"""Misrouted and malformed records: forwarded or rejected, never dropped in silence, and the rest is counted right."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from stream.kafka.partition import shard_of
from tests.events import Event, login
from tests.examples import REJECTED, reason
from tests.stack.command import Assidu
from tests.stack.sending import KafkaRecord, record
from tests.stack.story import NEWEST, Story
from tests.stack.waiting import eventually

FORWARDED = (("assidu-forwarded", b"1"),)


def customer_id(event: Event) -> str:
    return str(event.get("user_id") or event["anonymous_id"])


def test_events_in_wrong_partitions_find_their_customer(assidu: Assidu) -> None:
    story = Story(assidu)
    events = story.history(3_000)
    story.worker()
    story.emit(events[:500])
    sent = story.send(
        [
            *(record(event, key=None, partition=number % 4) for number, event in enumerate(events[:1_500])),
            *(record(event, key=b"the wrong key") for event in events[1_500:2_500]),
            *(record(event) for event in events[2_500:]),
        ],
        counting=events,
    )
    # A misrouted one is read, and read again where it belongs.
    misrouted = sum(
        place.partition != shard_of(customer_id(event), 4) for place, event in zip(sent, events, strict=True)
    )
    eventually(lambda: story.folded() == len(story.emitted) + misrouted, 60, "every misrouted one to be read again")

    story.assert_equals_the_recount()
    assert story.counter("misrouted") == misrouted


@pytest.mark.slow
def test_a_forwarded_record_that_is_still_wrong_becomes_a_dead_letter(assidu: Assidu) -> None:
    story = Story(assidu)
    home = shard_of("ann", 4)
    lost, found = login("ann", NEWEST, "lost"), login("ann", NEWEST, "found")
    story.worker()
    story.send(
        [
            record(lost, partition=(home + 1) % 4, headers=FORWARDED),
            record(found, partition=home, headers=FORWARDED),
        ],
        counting=[found],
    )
    story.settle()

    story.assert_equals_the_recount()
    [letter] = story.dead_letters(1)
    assert (letter["reason"], json.loads(base64.b64decode(letter["value"]))) == ("misrouted", lost)
    assert f"customer of shard {home}" in letter["detail"]


def test_malformed_records_become_dead_letters_and_the_rest_is_counted(assidu: Assidu) -> None:
    story = Story(assidu)
    now = datetime.now(UTC)
    reasons = [*map(reason, REJECTED), "in_future", "too_old"]
    malformed = [
        *(KafkaRecord(path.parent.name, path.read_bytes(), key=b"any") for path in REJECTED),
        record(login("ann", now + timedelta(minutes=7), "too early")),
        record(login("ann", now - timedelta(days=401), "too late")),
    ]
    story.worker()
    story.emit(story.history(1_500, seed=1))
    places = story.send(malformed)
    story.emit(story.history(1_500, seed=2))
    story.settle()

    story.assert_equals_the_recount()
    letters = {(one["topic"], one["partition"], one["offset"]): one for one in story.dead_letters(len(malformed))}
    for place, sent, why in zip(places, malformed, reasons, strict=True):
        letter = letters[place.topic, place.partition, place.offset]
        assert letter["reason"] == why
        assert letter["detail"]
        assert base64.b64decode(letter["value"] or "") == sent.value
    exporter = story.exporter()
    for (topic, why), count in Counter(zip((place.topic for place in places), reasons, strict=True)).items():
        assert exporter.metric("assidu_rejected_total", topic=topic, reason=why) == count
    assert exporter.metric("assidu_rejected_total") == len(malformed)
