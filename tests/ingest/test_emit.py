"""The producer of events: everything sent is acknowledged, or counted and the failure raised."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

from schemas import FAMILIES
from stream.demo.embedded import EmbeddedBroker, KafkaServer
from stream.ingest.event_producer import MAX_RECORD_BYTES, EventProducer
from stream.kafka.connection import connection
from stream.kafka.topics import create_topics
from stream.runtime.errors import UserError
from stream.settings import Settings
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


async def send_logins(producer: EventProducer, count: int) -> None:
    for number in range(count):
        await producer.send("logins", customer(number), login(number))


@pytest.fixture
async def topics(settings: Settings) -> Settings:
    await create_topics(settings, replication=1)
    return settings


async def test_every_event_arrives_under_its_customers_key_in_the_partition_kafka_computes(topics: Settings) -> None:
    async with EventProducer(topics) as producer:
        await send_logins(producer, 5000)

    assert (producer.sent, producer.acknowledged) == (5000, 5000)
    arrived = await records(topics, f"{topics.topic_prefix}logins", 5000)
    assert {record.value for record in arrived} == {login(number) for number in range(5000)}
    for record in arrived:
        assert record.key.decode() == json.loads(record.value)["user_id"]
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % topics.partitions


async def test_records_carry_the_moment_of_sending_and_never_the_events_own(topics: Settings) -> None:
    before_ms = time.time() * 1000 // 1
    async with EventProducer(topics) as producer:
        await send_logins(producer, 1)

    [record] = await records(topics, f"{topics.topic_prefix}logins", 1)
    assert before_ms <= record.timestamp <= time.time() * 1000


async def test_flush_returns_when_all_is_acknowledged(topics: Settings) -> None:
    async with EventProducer(topics) as producer:
        await send_logins(producer, 100)
        await producer.flush()
        assert producer.acknowledged == 100


async def test_the_events_of_a_customer_arrive_in_the_order_they_were_sent(topics: Settings) -> None:
    filler = b"x" * 2000  # enough for several batches a partition
    async with EventProducer(topics) as producer:
        await producer.send_many(("logins", customer(number), b"%d %b" % (number, filler)) for number in range(2000))
        for number in range(2000, 2100):
            await producer.send("logins", customer(number), b"%d %b" % (number, filler))

    arrived: dict[bytes, list[int]] = defaultdict(list)
    for record in await records(topics, f"{topics.topic_prefix}logins", 2100):
        arrived[record.key].append(int(record.value.split()[0]))
    assert len(arrived) == 100
    assert all(numbers == sorted(numbers) and len(numbers) == 21 for numbers in arrived.values())


async def test_events_of_many_families_sent_at_once_reach_the_topics_of_each(topics: Settings) -> None:
    async with EventProducer(topics) as producer:
        await producer.send_many((family, customer(n), b"%d" % n) for n in range(500) for family in FAMILIES)

    assert (producer.sent, producer.acknowledged) == (500 * len(FAMILIES), 500 * len(FAMILIES))
    for family in FAMILIES:
        arrived = await records(topics, topics.topic_prefix + family, 500)
        assert {record.value for record in arrived} == {b"%d" % number for number in range(500)}


async def test_events_without_a_key_are_spread_over_the_partitions(topics: Settings) -> None:
    async with EventProducer(topics) as producer:
        await producer.send_many(("surveys", None, b"%d" % number) for number in range(1000))

    arrived = await records(topics, f"{topics.topic_prefix}surveys", 1000)
    assert {record.key for record in arrived} == {None}
    assert {record.partition for record in arrived} == set(range(topics.partitions))


async def test_an_event_too_large_for_kafka_is_named_and_the_others_still_go(topics: Settings) -> None:
    largest = b"x" * (MAX_RECORD_BYTES - len(customer(1).encode()))
    async with EventProducer(topics) as producer:
        with pytest.raises(MessageSizeTooLargeError, match=r"logins for 'Zoë-1' has 999995 bytes"):
            await producer.send_many([("logins", customer(1), largest), ("logins", customer(1), largest + b"x")])
        await producer.send("logins", customer(1), b"small")

    assert (producer.sent, producer.acknowledged) == (2, 2)
    arrived = await records(topics, f"{topics.topic_prefix}logins", 2)
    assert [record.value for record in arrived] == [largest, b"small"]


async def test_refuses_to_start_while_topics_are_missing(settings: Settings) -> None:
    with pytest.raises(UserError, match="run `assidu topics`"):
        async with EventProducer(settings):
            pass


async def test_falls_back_once_and_says_so_where_the_broker_has_no_idempotent_producer(
    topics: Settings, kafka: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with EventProducer(topics) as producer:
        await send_logins(producer, 10)

    said = [entry.message for entry in caplog.records if entry.name == "stream.kafka.producer"]
    assert len(said) == (1 if isinstance(kafka, EmbeddedBroker) else 0)
    assert producer.acknowledged == 10


async def test_refuses_a_broker_without_idempotent_producer_when_one_is_asked_for(
    topics: Settings, kafka: KafkaServer
) -> None:
    producer = EventProducer(topics.model_copy(update={"idempotence": "on"}))
    if isinstance(kafka, EmbeddedBroker):
        with pytest.raises(UserError, match="ASSIDU_IDEMPOTENCE=auto or off"):
            await producer.__aenter__()
    else:
        async with producer:
            await send_logins(producer, 10)


async def test_nothing_is_lost_when_kafka_is_away_for_a_moment(topics: Settings, kafka: KafkaServer) -> None:
    async with EventProducer(topics) as producer:
        await send_logins(producer, 10)
        await producer.flush()
        with kafka.paused():
            await send_logins(producer, 990)
            assert producer.acknowledged == 10
        await producer.flush()

    await records(topics, f"{topics.topic_prefix}logins", 1000)


async def test_waits_for_room_while_kafka_is_away_and_sends_the_rest_when_it_is_back(
    topics: Settings, kafka: KafkaServer
) -> None:
    asked_for = 0

    def logins() -> Iterator[tuple[str, str, bytes]]:
        nonlocal asked_for
        for number in range(500):
            asked_for = number
            yield "logins", customer(number), b"%d" % number + b"x" * 200_000

    async with EventProducer(topics) as producer:
        with kafka.paused():
            sending = asyncio.create_task(producer.send_many(logins()))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(sending), 1)
            assert asked_for * 200_000 < 20_000_000  # of a hundred
        await sending

    assert producer.acknowledged == 500


@pytest.mark.parametrize("nuisance", [RuntimeError, asyncio.CancelledError])
async def test_what_was_sent_before_something_else_went_wrong_still_arrives(
    topics: Settings, nuisance: type[BaseException]
) -> None:
    with pytest.raises(nuisance):
        async with EventProducer(topics) as producer:
            await send_logins(producer, 100)
            raise nuisance

    assert producer.acknowledged == 100
    await records(topics, f"{topics.topic_prefix}logins", 100)


async def test_a_batch_that_kafka_refuses_is_raised_and_the_other_events_are_safe(
    settings: Settings, kafka: KafkaServer
) -> None:
    if isinstance(kafka, EmbeddedBroker):
        pytest.skip("the embedded broker takes what it gets, whatever its size")
    await create_topic_for_small_records(settings, f"{settings.topic_prefix}clicks", 10_000)
    await create_topics(settings, replication=1)
    producer = EventProducer(settings)
    with pytest.raises(KafkaError):
        async with producer:
            await send_logins(producer, 100)
            await producer.send("clicks", "ann", b"x" * 20_000)
            await producer.flush()

    assert (producer.sent, producer.acknowledged) == (101, 100)


@pytest.mark.parametrize("idempotence", ["auto", "off"])
async def test_gives_up_when_kafka_stays_away_and_leaves_no_task_behind(
    topics: Settings, kafka: KafkaServer, idempotence: str
) -> None:
    settings = topics.model_copy(update={"idempotence": idempotence})
    producer = EventProducer(settings, patience_seconds=1)
    with ExitStack() as outage, pytest.raises(KafkaError):
        async with asyncio.timeout(60), producer:
            await send_logins(producer, 10)
            await producer.flush()
            outage.enter_context(kafka.paused())  # and away it stays, until the producer has given up
            await send_logins(producer, 10)
            await producer.flush()

    assert (producer.sent, producer.acknowledged) == (20, 10)
    await asyncio.wait_for(_only_this_task(), 10)


async def create_topic_for_small_records(settings: Settings, name: str, most_bytes: int) -> None:
    admin = AIOKafkaAdminClient(**connection(settings))
    await admin.start()
    try:
        limit = {"max.message.bytes": str(most_bytes)}
        await admin.create_topics([NewTopic(name, settings.partitions, 1, topic_configs=limit)])
    finally:
        await admin.close()


async def _only_this_task() -> None:
    while len(asyncio.all_tasks()) > 1 + 1:  # the test and wait_for's
        await asyncio.sleep(0)
