"""Sending Kafka records as no well-behaved product would: any bytes, any key, any partition."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from stream.kafka.connection import connection
from stream.settings import Settings
from tests.events import Event
from tests.recount.counted import TOPIC_OF_TYPE


class KafkaRecord(NamedTuple):
    """`partition` None: as the key says, or anywhere without one; `timestamp_ms` None: now."""

    family: str
    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int | None = None


def record(event: Event, key: bytes | None = None, partition: int | None = None, **more: object) -> KafkaRecord:
    return KafkaRecord(TOPIC_OF_TYPE[event["type"]], json.dumps(event).encode(), key, partition, **more)  # type: ignore[arg-type]


async def send(settings: Settings, records: Iterable[KafkaRecord], **options: Any) -> list[RecordMetadata]:
    """Where each of them went, in the same order, once Kafka has acknowledged all; `options` are the producer's."""
    async with AIOKafkaProducer(**connection(settings), acks="all", **options) as producer:
        answers = [
            await producer.send(
                settings.topic_prefix + record.family,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
                timestamp_ms=record.timestamp_ms,
            )
            for record in records
        ]
        return list(await asyncio.gather(*answers))
