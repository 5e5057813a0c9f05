"""Reading what stands in a topic, for tests that look at what was sent."""

from __future__ import annotations

import asyncio
from time import monotonic

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from stream.kafka.connection import connection
from stream.settings import Settings


async def records(
    settings: Settings, topic: str, count: int | None, within_seconds: float = 60, quiet_seconds: float = 0
) -> list[ConsumerRecord]:
    """Everything in the topic as it stands there, partition by partition, once `count` records are there and nothing
    has been added for `quiet_seconds`; the test fails on more. None: as many as there are.

    What is sent by somebody who still works may come twice or too late: then there must be quiet.
    """
    consumer = AIOKafkaConsumer(**connection(settings), auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(settings.partitions)]
        consumer.assign(partitions)
        found: list[ConsumerRecord] = []
        quiet_since = monotonic()
        async with asyncio.timeout(within_seconds):
            while (
                len(found) < (count or 0)
                or monotonic() - quiet_since < quiet_seconds
                or not await _at_the_end(consumer, partitions)
            ):
                for batch in (await consumer.getmany(timeout_ms=100)).values():
                    found += batch
                    quiet_since = monotonic()
    finally:
        await consumer.stop()
    assert count in (None, len(found)), f"{len(found)} records in {topic}, and not {count}"
    return found


async def _at_the_end(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> bool:
    # By the fetches' high watermark: the embedded broker's end_offsets leave out most of the last batch.
    return all([consumer.highwater(each) == await consumer.position(each) for each in partitions])
