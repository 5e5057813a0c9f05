"""Where the logs of topic-partitions begin and end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from stream.kafka.connection import connection, start
from stream.settings import Settings

Bounds = dict[tuple[str, int], tuple[int, int]]
"""(topic, partition) -> (first offset, end: the offset after the last one that is committed, record or marker)."""

_WITHIN_SECONDS = 15.0


async def log_bounds(settings: Settings, partitions: Iterable[tuple[str, int]]) -> Bounds:
    """Ask Kafka now. Raises aiokafka's KafkaError when it does not answer.

    The end is the last stable offset of a fetch, before the first open transaction: the embedded broker's answer to
    ListOffsets leaves out most of the last batch, a fetch's does not.
    """
    tps = [TopicPartition(topic, partition) for topic, partition in partitions]
    if not tps:
        return {}
    consumer = AIOKafkaConsumer(
        **connection(settings),
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=1,
        fetch_max_wait_ms=20,
        isolation_level="read_committed",
    )
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            await start(consumer, settings)
            firsts = await consumer.beginning_offsets(tps)
            consumer.assign(tps)
            for tp, end in (await consumer.end_offsets(tps)).items():
                consumer.seek(tp, end)
            while missing := [tp for tp in tps if consumer.last_stable_offset(tp) is None]:
                await consumer.getmany(*missing, timeout_ms=100)
            return {(tp.topic, tp.partition): (firsts[tp], consumer.last_stable_offset(tp)) for tp in tps}
    except TimeoutError:
        if unauthorized := consumer._client.cluster.unauthorized_topics:  # aiokafka asks again, for ever
            raise TopicAuthorizationFailedError(", ".join(sorted(unauthorized))) from None
        raise KafkaConnectionError(f"no answer for {_WITHIN_SECONDS:g} s") from None
    finally:
        await consumer.stop()
