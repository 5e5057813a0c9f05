"""The upper bound: aiokafka's getmany and the decoding of the contract, and nothing done with the events.

Run as `python -m bench.peers.bare_consumer EVENTS` with Assidu's settings; ends with one line of JSON, a `Measured`.
"""

from __future__ import annotations

import os
import sys
from time import monotonic, process_time

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.load import FAMILIES
from bench.measuring import Failed, Measured, peak_bytes
from schemas import Rejected, decode
from stream.kafka.connection import connection
from stream.settings import Settings, read_settings
from stream.worker.app import MOST_RECORDS_PER_FETCH


async def consume(settings: Settings, events: int) -> Measured:
    started = monotonic()
    topics = {settings.topic_prefix + family: family for family in FAMILIES}
    consumer = AIOKafkaConsumer(**connection(settings), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, shard) for topic in topics for shard in range(settings.partitions)])
        beginning = await _decoded(consumer, topics)
        since, cpu, count = monotonic(), process_time(), beginning
        while count < events:
            count += await _decoded(consumer, topics)
        seconds, used = monotonic() - since, process_time() - cpu
    finally:
        await consumer.stop()
    return Measured(count - beginning, seconds, used, since - started, peak_bytes(os.getpid()))


async def _decoded(consumer: AIOKafkaConsumer, topics: dict[str, str]) -> int:
    """How many events one fetch brought. Raises Failed on an event that the contract refuses."""
    fetched = await consumer.getmany(timeout_ms=1000, max_records=MOST_RECORDS_PER_FETCH)
    for partition, records in fetched.items():
        family = topics[partition.topic]
        for record in records:
            if isinstance(flaw := decode(record.value, family), Rejected):
                raise Failed(f"the contract refuses an event of the benchmark: {flaw}")
    return sum(map(len, fetched.values()))


if __name__ == "__main__":
    print(msgspec.json.encode(uvloop.run(consume(read_settings(), int(sys.argv[1])))).decode())
