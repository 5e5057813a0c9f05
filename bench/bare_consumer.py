"""The upper bound: aiokafka's getmany and the decoding of the contract, and nothing done with the events.

Run as `python -m bench.bare_consumer EVENTS` with Assidu's settings; ends with one line of JSON, a `Measured`.
"""

from __future__ import annotations

import sys
from time import monotonic, process_time

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.load import FAMILIES
from bench.measuring import Failed, Measured
from schemas import Rejected, decode
from stream.settings import Settings, read_settings
from stream.worker.app import MOST_RECORDS_PER_FETCH


async def consume(settings: Settings, events: int) -> Measured:
    started = monotonic()
    topics = {settings.topic_prefix + family: family for family in FAMILIES}
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, shard) for topic in topics for shard in range(settings.partitions)])
        first: tuple[float, int, float] | None = None
        count = 0
        while count < events:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=MOST_RECORDS_PER_FETCH)
            for partition, records in fetched.items():
                family = topics[partition.topic]
                for record in records:
                    if isinstance(flaw := decode(record.value, family), Rejected):
                        raise Failed(f"the contract refuses an event of the benchmark: {flaw}")
                count += len(records)
            first = first or (monotonic(), count, process_time())
    finally:
        await consumer.stop()
    assert first, "at least one event was asked for"
    since, beginning, cpu = first
    return Measured(count - beginning, monotonic() - since, process_time() - cpu, since - started)


if __name__ == "__main__":
    print(msgspec.json.encode(uvloop.run(consume(read_settings(), int(sys.argv[1])))).decode())
