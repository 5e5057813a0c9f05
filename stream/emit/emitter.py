"""The emitter: events go to the topic of their family, and Kafka acknowledges every one."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from stream.producer import start_producer, stop_producer
from stream.settings import Settings
from stream.topics import check_topics

MAX_RECORD_BYTES = 1_000_000  # what a broker takes with its default settings

_BATCH_BYTES = 256 * 1024
_LINGER_MS = 20


class Emitter:
    """Sends events without waiting for each to be acknowledged; `flush` waits for all of them.

    At most one full batch per partition waits beside the one on its way: `send` waits for room.
    Kafka may be away for `patience_seconds` without an acknowledgement before `send` or `flush`
    raises aiokafka's KafkaError; `acknowledged` then says how many events are safe.

        async with Emitter(settings) as emitter:
            await emitter.send("clicks", user_id, event_bytes)
    """

    def __init__(self, settings: Settings, *, patience_seconds: float = 60.0) -> None:
        self.sent = 0
        self.acknowledged = 0
        self._settings = settings
        self._patience_seconds = patience_seconds
        self._producer: AIOKafkaProducer | None = None
        self._unanswered = 0
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        await check_topics(self._settings)
        self._producer = await start_producer(
            self._settings,
            self._patience_seconds,
            max_batch_size=_BATCH_BYTES,
            linger_ms=_LINGER_MS,
            request_timeout_ms=int(self._patience_seconds * 1000),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                await self.flush()
        finally:
            if self._producer is not None:
                await stop_producer(self._producer)

    async def send(self, family: str, key: str | None, value: bytes) -> None:
        """Queue one event; `key` is the customer's raw id, which decides the partition (murmur2).

        The record's timestamp is the moment of sending, never the event's own.
        """
        if self._failure is not None:
            raise self._failure
        assert self._producer is not None, "use `async with Emitter(settings)`"
        answer = await self._producer.send(
            self._settings.topic_prefix + family, value, key=None if key is None else key.encode()
        )
        self.sent += 1
        self._unanswered += 1
        self._all_answered.clear()
        answer.add_done_callback(self._answered)

    async def flush(self) -> None:
        """Wait until Kafka has acknowledged everything sent; raise what went wrong."""
        while self._unanswered:
            acknowledged = self.acknowledged
            try:
                async with asyncio.timeout(self._patience_seconds):
                    await self._all_answered.wait()
            except TimeoutError:
                if self.acknowledged == acknowledged:
                    raise KafkaConnectionError(f"no acknowledgement for {self._patience_seconds:g} s") from None
        if self._failure is not None:
            raise self._failure

    def _answered(self, answer: asyncio.Future[object]) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._all_answered.set()
        if answer.cancelled():
            return
        if (error := answer.exception()) is None:
            self.acknowledged += 1
        elif self._failure is None:
            self._failure = error
