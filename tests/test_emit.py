"""The emitter: everything sent is acknowledged, or counted and the failure raised."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import ExitStack

import pytest
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from stream.embedded import EmbeddedBroker, KafkaServer
from stream.emit import Emitter
from stream.errors import UserError
from stream.settings import Settings
from stream.topics import create_topics
from tests.stack.reading import records


def login(number: int) -> bytes:
    event = {
        "type": "login",
        "event_id": str(number),
        "user_id": customer(number),
        "timestamp": "2020-01-01T00:00:00Z",
    }
    return json.dumps(event).encode()


def customer(number: int) -> str:
    return f"Zoë-{number % 100}"


async def send_logins(emitter: Emitter, count: int) -> None:
    for number in range(count):
        await emitter.send("logins", customer(number), login(number))


@pytest.fixture
async def topics(settings: Settings) -> Settings:
    await create_topics(settings, replication=1)
    return settings


async def test_every_event_arrives_under_its_customers_key_in_the_partition_kafka_computes(topics: Settings) -> None:
    async with Emitter(topics) as emitter:
        await send_logins(emitter, 5000)

    assert (emitter.sent, emitter.acknowledged) == (5000, 5000)
    arrived = await records(topics, f"{topics.topic_prefix}logins", 5000)
    assert {record.value for record in arrived} == {login(number) for number in range(5000)}
    for record in arrived:
        assert record.key.decode() == json.loads(record.value)["user_id"]
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % topics.partitions


async def test_records_carry_the_moment_of_sending_and_never_the_events_own(topics: Settings) -> None:
    before_ms = time.time() * 1000 // 1
    async with Emitter(topics) as emitter:
        await send_logins(emitter, 1)

    [record] = await records(topics, f"{topics.topic_prefix}logins", 1)
    assert before_ms <= record.timestamp <= time.time() * 1000


async def test_flush_returns_when_all_is_acknowledged(topics: Settings) -> None:
    async with Emitter(topics) as emitter:
        await send_logins(emitter, 100)
        await emitter.flush()
        assert emitter.acknowledged == 100


async def test_refuses_to_start_while_topics_are_missing(settings: Settings) -> None:
    with pytest.raises(UserError, match="run `assidu topics`"):
        async with Emitter(settings):
            pass


async def test_falls_back_once_and_says_so_where_the_broker_has_no_idempotent_producer(
    topics: Settings, kafka: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with Emitter(topics) as emitter:
        await send_logins(emitter, 10)

    said = [entry.message for entry in caplog.records if entry.name == "stream.producer"]
    assert len(said) == (1 if isinstance(kafka, EmbeddedBroker) else 0)
    assert emitter.acknowledged == 10


async def test_refuses_a_broker_without_idempotent_producer_when_one_is_asked_for(
    topics: Settings, kafka: KafkaServer
) -> None:
    emitter = Emitter(topics.model_copy(update={"idempotence": "on"}))
    if isinstance(kafka, EmbeddedBroker):
        with pytest.raises(UserError, match="ASSIDU_IDEMPOTENCE=auto or off"):
            await emitter.__aenter__()
    else:
        async with emitter:
            await send_logins(emitter, 10)


async def test_nothing_is_lost_when_kafka_is_away_for_a_moment(topics: Settings, kafka: KafkaServer) -> None:
    async with Emitter(topics) as emitter:
        await send_logins(emitter, 10)
        await emitter.flush()
        with kafka.paused():
            await send_logins(emitter, 990)
            assert emitter.acknowledged == 10
        await emitter.flush()

    await records(topics, f"{topics.topic_prefix}logins", 1000)


@pytest.mark.parametrize("idempotence", ["auto", "off"])
async def test_gives_up_when_kafka_stays_away_and_leaves_no_task_behind(
    topics: Settings, kafka: KafkaServer, idempotence: str
) -> None:
    settings = topics.model_copy(update={"idempotence": idempotence})
    emitter = Emitter(settings, patience_seconds=1)
    with ExitStack() as outage, pytest.raises(KafkaError):
        async with asyncio.timeout(60), emitter:
            await send_logins(emitter, 10)
            await emitter.flush()
            outage.enter_context(kafka.paused())  # and away it stays, until the emitter has given up
            await send_logins(emitter, 10)
            await emitter.flush()

    assert (emitter.sent, emitter.acknowledged) == (20, 10)
    await asyncio.wait_for(_only_this_task(), 10)


async def _only_this_task() -> None:
    while len(asyncio.all_tasks()) > 1 + 1:  # the test and wait_for's
        await asyncio.sleep(0)
