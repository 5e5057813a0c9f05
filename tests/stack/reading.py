"""Reading what stands in a topic, for tests that look at what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from stream.settings import Settings


def _itself(record: ConsumerRecord) -> Hashable:
    return record.partition, record.offset


async def records(
    settings: Settings,
    topic: str,
    count: int,
    within_seconds: float = 60,
    identity: Callable[[ConsumerRecord], Hashable] = _itself,
) -> list[ConsumerRecord]:
    """Everything in the topic, partition by partition, once `count` records are there; the test fails on more.

    Of several with the same identity only the first is taken.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(settings.partitions)]
        consumer.assign(partitions)
        found: dict[Hashable, ConsumerRecord] = {}
        async with asyncio.timeout(within_seconds):
            while len(found) < count or not await _at_the_end(consumer, partitions):
                for batch in (await consumer.getmany(timeout_ms=100)).values():
                    for record in batch:
                        found.setdefault(identity(record), record)
    finally:
        await consumer.stop()
    assert len(found) == count
    return list(found.values())


async def _at_the_end(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> bool:
    # By the fetches' high watermark: the embedded broker's end_offsets leave out most of the last batch.
    return all([consumer.highwater(each) == await consumer.position(each) for each in partitions])
