"""A producer's end: it sends what is left, or gives up on it."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from stream.demo.embedded import KafkaServer
from stream.kafka.producer import start_producer, stop_producer
from stream.kafka.topics import create_topics
from stream.settings import Settings

_MORE_BYTES_THAN_SOCKETS_BUFFER = 64 * 1024 * 1024


async def test_a_producer_stops_while_kafka_takes_only_a_part_of_a_request(
    settings: Settings, kafka: KafkaServer
) -> None:
    await create_topics(settings, replication=1)
    producer = await start_producer(settings, max_batch_size=_MORE_BYTES_THAN_SOCKETS_BUFFER)
    topic = f"{settings.topic_prefix}logins"
    await producer.send_and_wait(topic, b"", partition=0)  # so it is connected
    batch = producer.create_batch()
    batch.append(timestamp=None, key=None, value=bytes(_MORE_BYTES_THAN_SOCKETS_BUFFER // 2))
    with kafka.paused():
        answer = await producer.send_batch(batch, topic, partition=0)
        async with asyncio.timeout(30):
            await stop_producer(producer)
    with pytest.raises(KafkaConnectionError):
        await answer
