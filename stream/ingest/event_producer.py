"""The producer of events: each goes to the topic of its family, and Kafka acknowledges every one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from stream.ingest.batches import Partitioner
from stream.ingest.outbox import Outbox
from stream.kafka.partition import each_shard_of_keys
from stream.kafka.producer import FAREWELL_SECONDS, start_producer, stop_producer
from stream.kafka.topics import check_topics
from stream.settings import Settings

MAX_RECORD_BYTES = 1_000_000  # what a broker takes with its default settings

_BATCH_BYTES = 256 * 1024

Message = tuple[str, str | None, bytes]
"""An event's family; the customer's raw id, which decides the partition (murmur2), None for any; its bytes."""


class EventProducer:
    """Sends events without waiting for each to be acknowledged; `flush` waits for all of them.

    What waits for Kafka is bounded: `send` waits for room. Kafka may be away for `patience_seconds`
    without an acknowledgement before `send` or `flush` raises aiokafka's KafkaError; `acknowledged`
    then says how many events are safe. The events of one partition arrive in the order they were sent.

        async with EventProducer(settings) as producer:
            await producer.send("clicks", user_id, event_bytes)
            await producer.send_many(("logins", user_id, event_bytes) for user_id, event_bytes in logins)
    """

    def __init__(
        self, settings: Settings, *, patience_seconds: float = 60.0, partitioner: Partitioner = each_shard_of_keys
    ) -> None:
        self.sent = 0
        self._settings = settings
        self._patience_seconds = patience_seconds
        self._partitioner = partitioner
        self._producer: AIOKafkaProducer | None = None
        self._outbox: Outbox | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def acknowledged(self) -> int:
        return 0 if self._outbox is None else self._outbox.acknowledged

    async def __aenter__(self) -> Self:
        await check_topics(self._settings)
        self._producer = await start_producer(
            self._settings,
            self._patience_seconds,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=int(self._patience_seconds * 1000),
        )
        self._outbox = Outbox(self._producer, self._settings.partitions, self._partitioner)
        self._running = asyncio.create_task(self._outbox.run())
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
            elif not isinstance(error, KafkaError):
                await self._send_what_is_collected()
        finally:
            await self._stop()

    async def send(self, family: str, key: str | None, value: bytes) -> None:
        """Queue one event. The Kafka record's timestamp is the moment of sending, never the event's own."""
        await self.send_many([(family, key, value)])

    async def send_many(self, messages: Iterable[Message]) -> None:
        """Queue events one after the other, as `send` does, at a fraction of its cost.

        One that Kafka would not take for its size raises MessageSizeTooLargeError; `sent` has those before it.
        """
        outbox = await self._with_room()
        prefix = self._settings.topic_prefix
        for family, key, value in messages:
            encoded = None if key is None else key.encode()
            if len(value) + len(encoded or b"") > MAX_RECORD_BYTES:
                raise _too_large(family, key, value)
            if not outbox.has_room.is_set():
                await self._with_room()
            outbox.add(prefix + family, encoded, value)
            self.sent += 1

    async def flush(self) -> None:
        """Wait until Kafka has acknowledged everything sent; raise what went wrong."""
        await self._patiently(self._started().is_empty)

    def _started(self) -> Outbox:
        assert self._outbox is not None, "use `async with EventProducer(settings)`"
        return self._outbox

    async def _with_room(self) -> Outbox:
        outbox = self._started()
        if outbox.failure is not None:
            raise outbox.failure
        await self._patiently(outbox.has_room)
        return outbox

    async def _patiently(self, reached: asyncio.Event) -> None:
        """Wait as long as Kafka acknowledges something now and then; raise what went wrong."""
        outbox = self._started()
        while not reached.is_set():
            acknowledged = outbox.acknowledged
            try:
                async with asyncio.timeout(self._patience_seconds):
                    await reached.wait()
            except TimeoutError:
                if outbox.acknowledged == acknowledged:
                    raise KafkaConnectionError(f"no acknowledgement for {self._patience_seconds:g} s") from None
        if outbox.failure is not None:
            raise outbox.failure

    async def _send_what_is_collected(self) -> None:
        """What was sent before something else went wrong still arrives, if Kafka takes it within seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._started().is_empty.wait()

    async def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            if not self._running.cancelled():
                self._running.exception()  # it is the outbox's failure, and raised already
        if self._producer is not None:
            await stop_producer(self._producer)


def _too_large(family: str, key: str | None, value: bytes) -> MessageSizeTooLargeError:
    return MessageSizeTooLargeError(
        f"an event of {family} for {'any customer' if key is None else repr(key[:40])} has {len(value)} bytes: "
        f"Kafka takes at most {MAX_RECORD_BYTES} with its key"
    )
