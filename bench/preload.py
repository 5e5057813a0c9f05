"""Preloading: the load is in Kafka before anything is measured, so that nothing measured waits for a producer."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from time import time

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from bench.load import Ends, Load, Parcel, parcels
from bench.progress import Advance
from stream.kafka.producer import start_producer
from stream.settings import Settings

_BATCH_BYTES = 256 * 1024


async def preload(settings: Settings, load: Load, advance: Advance, first_id: int = 0) -> Ends:
    """Send the load, every event to the partition of its customer."""
    # New topics have no leader for an instant: aiokafka tries again, and its warnings would tear the bars.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    producer = await start_producer(settings, max_batch_size=_BATCH_BYTES)
    sent: dict[str, Counter[int]] = defaultdict(Counter)
    chunks = parcels(load, settings.partitions, int(time() * 1000), first_id)
    try:
        chunk = next(chunks, None)
        while chunk:
            following = asyncio.create_task(asyncio.to_thread(next, chunks, None))  # made while this one is sent
            answers = []
            for parcel in chunk:
                topic = settings.topic_prefix + parcel.family
                sent[topic][parcel.shard] += len(parcel.values)
                answers += [
                    await producer.send_batch(batch, topic, partition=parcel.shard)
                    for batch in _batches(producer, parcel)
                ]
            await asyncio.gather(*answers)
            advance(sum(len(parcel.values) for parcel in chunk))
            chunk = await following
    finally:
        await producer.stop()
    return {topic: dict(shards_sent) for topic, shards_sent in sent.items()}


def _batches(producer: AIOKafkaProducer, parcel: Parcel) -> Iterator[BatchBuilder]:
    batch = producer.create_batch()
    now_ms = int(time() * 1000)
    for key, value in zip(parcel.keys, parcel.values, strict=True):
        if batch.append(key=key, value=value, timestamp=now_ms) is None:  # full
            yield batch
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=now_ms)
    yield batch


def joined(*several: Ends) -> Ends:
    """The ends after several loads into the same topics."""
    total: dict[str, Counter[int]] = defaultdict(Counter)
    for ends in several:
        for topic, shards in ends.items():
            total[topic].update(shards)
    return {topic: dict(shards) for topic, shards in total.items()}
