"""Reading spans of logs once, from an offset to where they ended when they were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError

from stream.kafka.connection import connection, start
from stream.kafka.offsets import Bounds
from stream.settings import Settings

_WITHIN_SECONDS = 15.0


async def read_spans(settings: Settings, spans: Bounds) -> AsyncIterator[list[ConsumerRecord]]:
    """The committed records of each span, those of a partition in their order, as they come.

    No group is joined and no offset is committed. Raises aiokafka's KafkaError where Kafka does not answer.
    """
    ends = {TopicPartition(*place): end for place, (first, end) in spans.items() if first < end}
    if not ends:
        return
    consumer = AIOKafkaConsumer(**connection(settings), auto_offset_reset="none", isolation_level="read_committed")
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            await start(consumer, settings)
        consumer.assign(list(ends))
        for tp in ends:
            consumer.seek(tp, spans[tp.topic, tp.partition][0])
        while ends:
            async with asyncio.timeout(_WITHIN_SECONDS):
                while not (fetched := await consumer.getmany(*ends, timeout_ms=100)):
                    if not all([await consumer.position(tp) < end for tp, end in ends.items()]):
                        break  # what is left of one are markers of transactions
            for tp, batch in fetched.items():
                yield [record for record in batch if record.offset < ends[tp]]
            ends = {tp: end for tp, end in ends.items() if await consumer.position(tp) < end}
    except TimeoutError:
        raise KafkaConnectionError(f"no answer for {_WITHIN_SECONDS:g} s") from None
    finally:
        await consumer.stop()
