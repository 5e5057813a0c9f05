"""What a worker sends to Kafka: dead letters and forwarded strays, acknowledged before the commit that skips them,
and what it has to tell of churn risk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from aiokafka import AIOKafkaProducer

from schemas.churn_risk import ChurnRisk
from stream.producer import start_producer, stop_producer
from stream.settings import Settings
from stream.worker.intake import FORWARDED, Refused, Stray


class DeadLetter(msgspec.Struct, frozen=True):
    """Value of a record on the dead-letter topic (JSON; `value` is base64). Its source identifies it: after a
    crash the same letter may come twice. `value` is null for a record that had none."""

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    value: bytes | None


class Aside:
    """Raises aiokafka.errors.KafkaError when Kafka is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        self._producer = await start_producer(self._settings)

    async def stop(self) -> None:
        if self._producer is not None:
            await stop_producer(self._producer)

    async def send(self, refused: Sequence[Refused], strays: Sequence[Stray]) -> None:
        """Send all and wait until Kafka has acknowledged them."""
        assert self._producer is not None, "start() first"
        answers = []
        for batch, record, why in refused:
            letter = DeadLetter(
                why.reason, why.detail, batch.topic, batch.shard, record.offset, record.timestamp, record.value
            )
            answers.append(
                await self._producer.send(
                    self._settings.dead_letters, msgspec.json.encode(letter), key=record.key, partition=batch.shard
                )
            )
        answers += [
            await self._producer.send(
                stray.topic,
                stray.record.value,
                key=stray.customer_id.encode(),
                partition=stray.shard,
                timestamp_ms=stray.record.timestamp,
                headers=[(FORWARDED, b"1")],
            )
            for stray in strays
        ]
        await asyncio.gather(*answers)

    async def tell(self, shard: int, messages: Sequence[bytes]) -> None:
        """Send messages about the shard's customers and wait until Kafka has acknowledged them."""
        assert self._producer is not None, "start() first"
        answers = []
        for message in messages:
            told = msgspec.json.decode(message, type=ChurnRisk)
            key = (told.user_id or told.anonymous_id or "").encode()
            answers.append(await self._producer.send(self._settings.churn_risk, message, key=key, partition=shard))
        await asyncio.gather(*answers)
