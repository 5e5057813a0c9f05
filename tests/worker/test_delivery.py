"""Deliveries: letters fit, what is acknowledged is not sent again, and what Kafka never takes is said."""

from __future__ import annotations

import base64
import json
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rejected import Rejected
from stream.kafka.batch import Batch
from stream.runtime.errors import UserError
from stream.settings import Settings
from stream.worker.intake import Intake, Misrouted, Refused
from stream.worker.side_outputs import SideOutputs, letter
from tests.fetched import KafkaRecord
from tests.stack import administering
from tests.stack.reading import records

WHY = Rejected("not_json", "at byte 0")
BATCH = Batch("engagement.clicks", 1, 0, 10, 0, [])


def refused(value: bytes | None, key: bytes | None = None, offset: int = 0) -> Refused:
    return Refused(BATCH, KafkaRecord(value, offset, key=key), WHY)


@given(
    value=st.none() | st.integers(0, 3_000).map(bytes),
    key=st.none() | st.integers(0, 3_000).map(bytes),
    most_bytes=st.integers(1_500, 5_000),
)
def test_a_letter_has_as_much_of_its_record_as_fits_and_says_when_that_is_not_all(
    value: bytes | None, key: bytes | None, most_bytes: int
) -> None:
    message = letter("dead-letters", refused(value, key), most_bytes)
    said = json.loads(message.value)
    there = None if said["value"] is None else base64.b64decode(said["value"])
    assert message.size <= most_bytes
    assert said["value_bytes"] == (None if value is None else len(value))
    assert said["key_bytes"] == (None if key is None else len(key))
    assert said["truncated"] == (there != value or (bool(key) and message.key != key))
    if value is not None:
        assert there is not None
        assert value.startswith(there)
        assert there == value or message.size > most_bytes - 16


def test_a_letter_always_has_a_key_as_a_compacted_topic_wants_it() -> None:
    assert letter("dead-letters", refused(None, offset=7)).key == b"engagement.clicks/1/7"
    assert letter("dead-letters", refused(None, b"ann")).key == b"ann"


async def test_a_record_longer_than_a_letter_can_be_does_not_hold_up_its_neighbours(
    settings: Settings, side_outputs: SideOutputs
) -> None:
    small, large = refused(b"{", b"ann"), refused(b"x" * 800_000, b"ann", offset=5)
    huge_key = refused(b"y", b"k" * 1_000_000, offset=6)
    delivery = side_outputs.of_intake(Intake(refused=[small, large, huge_key, small]))
    await delivery.attempt()
    assert not delivery.pending
    letters = [json.loads(record.value) for record in await records(settings, settings.dead_letters, 4)]
    assert [(letter["offset"], letter["truncated"]) for letter in letters] == [
        (0, False),
        (5, True),
        (6, True),
        (0, False),
    ]
    await delivery.attempt()  # nothing is left to be sent again
    assert len(await records(settings, settings.dead_letters, 4)) == 4


def misrouted(settings: Settings, offset: int, value: bytes, record_ms: int) -> Misrouted:
    batch = BATCH._replace(topic=f"{settings.topic_prefix}clicks")
    return Misrouted(batch, 2, "ann", KafkaRecord(value, offset, key=b"ann"), record_ms)


@pytest.mark.usefixtures("apache")
async def test_what_kafka_refuses_is_changed_until_it_is_taken_and_the_rest_is_sent_once(
    settings: Settings, side_outputs: SideOutputs
) -> None:
    clicks, now = f"{settings.topic_prefix}clicks", int(time() * 1000)
    await administering.alter(settings, clicks, max_message_bytes=3_000, message_timestamp_before_max_ms=86_400_000)
    await administering.alter(settings, settings.dead_letters, max_message_bytes=2_000, cleanup_policy="compact")
    intake = Intake(
        refused=[refused(b"x" * size, offset=size) for size in (10, 20, 5_000, 60_000, 30)],
        misrouted=[
            misrouted(settings, 1, b"now", now),
            misrouted(settings, 2, b"long ago", now - 30 * 86_400_000),
            misrouted(settings, 3, b"y" * 9_000, now),
            misrouted(settings, 4, b"soon", now),
        ],
    )
    intake.counters[BATCH.shard]["misrouted"] = 4
    await side_outputs.of_intake(intake).attempt()

    forwarded = await records(settings, clicks, 3)
    assert sorted(record.value for record in forwarded) == [b"long ago", b"now", b"soon"]
    letters = [json.loads(record.value) for record in await records(settings, settings.dead_letters, 6)]
    assert sorted((one["offset"], one["reason"], one["truncated"]) for one in letters) == [
        (3, "misrouted", True),
        (10, "not_json", False),
        (20, "not_json", False),
        (30, "not_json", False),
        (5_000, "not_json", True),
        (60_000, "not_json", True),
    ]
    assert intake.counters == {BATCH.shard: {"misrouted": 3, f"rejected:{clicks}:misrouted": 1}}


@pytest.mark.usefixtures("apache")
async def test_a_topic_that_takes_no_letter_is_somebodys_to_put_right(
    settings: Settings, side_outputs: SideOutputs
) -> None:
    await administering.alter(settings, settings.dead_letters, max_message_bytes=100)
    with pytest.raises(
        UserError, match=rf"{settings.dead_letters} does not even take .* raise its max.message.bytes"
    ):
        await side_outputs.of_intake(Intake(refused=[refused(b"{")])).attempt()
