"""The bridge: events of another Kafka topic become ours, once in effect.

What was read is committed after Kafka has what it became. Whoever is killed in between reads it again, and sends it
under the same event_id: workers count it once, within the window of repeats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from schemas.dead_letter import DeadLetter
from stream.ingest.bridge.formats import Format, Paths, Record, kept, read_record
from stream.ingest.event_producer import EventProducer, Message
from stream.ingest.protocols.protocol import Flaw
from stream.ingest.protocols.rules import Mapping
from stream.ingest.protocols.translate import translated
from stream.kafka.connection import connection, start
from stream.kafka.metadata import see_topics
from stream.kafka.offsets import log_bounds
from stream.kafka.partitions import shards_of_keys
from stream.kafka.topics import kafka_admin, topic_names
from stream.runtime.errors import UserError
from stream.runtime.lifecycle import told_to_stop
from stream.settings import Settings

_MOST_RECORDS = 5_000
_WAIT_MS = 250
_KEPT_BYTES = 500_000
"""Of a refused record's value in its dead letter: with base64, what Kafka takes by default."""
_SHOWN = 20
_MOVED = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
"""Partitions went to another bridge of the group, which reads again what was not committed."""

Positions = dict[TopicPartition, int]


@dataclass(frozen=True)
class Bridge:
    """`group`: the consumer group; `product`: of all events, None: what each says of itself."""

    topic: str
    format: Format
    mapping: Mapping
    paths: Paths
    group: str
    product: str | None = None


@dataclass
class Passed:
    """How many records were read, by what became of them."""

    events: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


async def run_bridge(
    settings: Settings, bridge: Bridge, complain: Callable[[str], object], *, until_end: bool = False
) -> Passed:
    """Until SIGTERM or SIGINT, or, if wished, until all is passed that is in the topic now.

    `complain` hears of the first refused ones; each becomes a dead letter. Raises UserError where the topic is
    missing or one of ours, and aiokafka's KafkaError where Kafka does not answer.
    """
    partitions = await _partitions(settings, bridge.topic)
    places = [(bridge.topic, partition) for partition in range(partitions)]
    ends = {TopicPartition(*place): end for place, (_, end) in (await log_bounds(settings, places)).items()}
    stop, passed = told_to_stop(), Passed()
    committed: Positions = {}
    producer = EventProducer(settings, partitioner=shards_of_keys)
    async with _consumer(settings, bridge) as consumer, producer:
        while not stop.is_set():
            read = await consumer.getmany(timeout_ms=_WAIT_MS, max_records=_MOST_RECORDS)
            records = [record for batch in read.values() for record in batch]
            await producer.send_many(_messages(settings, bridge, records, passed, complain))
            await producer.flush()
            committed = await _commit(consumer, committed)
            if until_end and not records and await _is_at(consumer, ends):
                break
    return passed


async def _partitions(settings: Settings, topic: str) -> int:
    if topic in topic_names(settings):
        raise UserError(f"{topic} is a topic of Assidu's own: its events would go round in a circle")
    async with kafka_admin(settings) as admin:
        seen = (await see_topics(admin, [topic])).topics.get(topic)
    if seen is None:
        raise UserError(f"Kafka at {settings.kafka} has no topic {topic}")
    return seen.partitions


@asynccontextmanager
async def _consumer(settings: Settings, bridge: Bridge) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bridge.topic,
        **connection(settings),
        group_id=bridge.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=int(settings.kafka_session_timeout * 1000),
        heartbeat_interval_ms=int(settings.kafka_heartbeat_interval * 1000),
        rebalance_timeout_ms=int(settings.kafka_rebalance_timeout * 1000),
    )
    try:
        await start(consumer, settings)
        yield consumer
    finally:
        await consumer.stop()


async def _commit(consumer: AIOKafkaConsumer, before: Positions) -> Positions:
    """How far all of it was read: beyond the last record where markers of transactions follow it."""
    try:
        positions = {tp: await consumer.position(tp) for tp in consumer.assignment()}
        if positions and positions != before:
            await consumer.commit(positions)
    except _MOVED:
        return {}
    return positions


async def _is_at(consumer: AIOKafkaConsumer, ends: Positions) -> bool:
    """Whether the group, this bridge or others, has passed them."""
    return all([(await consumer.committed(tp) or 0) >= end for tp, end in ends.items()])


def _messages(
    settings: Settings,
    bridge: Bridge,
    records: Sequence[ConsumerRecord],
    passed: Passed,
    complain: Callable[[str], object],
) -> Iterator[Message]:
    dead_letters = settings.dead_letters.removeprefix(settings.topic_prefix)
    for each in records:
        record = _record(each)
        outcome = event_of(record, bridge)
        if isinstance(outcome, tuple):
            passed.events += 1
            yield outcome
        elif isinstance(outcome, str):
            passed.left_out[outcome] += 1
        else:
            passed.refused[outcome.reason] += 1
            if passed.refused.total() <= _SHOWN:
                complain(f"{record.source}: {outcome.reason}: {outcome.detail}")
            yield dead_letters, record.source, msgspec.json.encode(_letter(each, record, outcome))


def event_of(record: Record, bridge: Bridge) -> Message | Flaw | str:
    """What goes to Kafka of a record, why it is no event, or why it is left out."""
    read = read_record(record, bridge.format, bridge.paths)
    fixed = {**kept(read), **({"product": bridge.product} if bridge.product else {})}
    return translated(read, bridge.format, bridge.mapping, record.timestamp_ms, 0, fixed)


def _record(record: ConsumerRecord) -> Record:
    timestamp_ms = record.timestamp if record.timestamp >= 0 else int(time() * 1000)
    return Record(record.topic, record.partition, record.offset, timestamp_ms, record.value, dict(record.headers))


def _letter(each: ConsumerRecord, record: Record, flaw: Flaw) -> DeadLetter:
    value = record.value or b""
    return DeadLetter(
        flaw.reason,
        flaw.detail,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        value[:_KEPT_BYTES],
        len(value),
        None if each.key is None else len(each.key),
        len(value) > _KEPT_BYTES,
    )
