"""Messages on their way to Kafka: what is acknowledged is not sent again, and what Kafka never takes is changed until
it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from stream.kafka.errors import Remedy, is_transient, refusal, remedy
from stream.kafka.producer import start_producer, stop_producer
from stream.runtime.errors import UserError
from stream.settings import Settings

MOST_BYTES = 1_048_576
"""Of one Kafka record, its overhead included: what Kafka's topics take, if nobody has set them otherwise."""

_GATHERED_BYTES = 16_384
"""aiokafka's batches: Kafka records below it share one, and are refused together."""


@dataclass(frozen=True)
class Outgoing:
    """A Kafka record to be sent. `shorter`, if any, makes it so many bytes long, or one for another topic."""

    topic: str
    partition: int
    value: bytes
    key: bytes
    timestamp_ms: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    shorter: Callable[[int], Outgoing] | None = None

    @property
    def size(self) -> int:
        return record_bytes(self.key, self.value, self.headers)


def record_bytes(key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> int:
    """The size of a Kafka record as Kafka counts it, alone in its batch; at most a few bytes too many."""
    return int(DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, list(headers)))


class Sender:
    """The producer that all shards of a worker share. A new one takes its place when Kafka refused a batch: an
    idempotent producer counts on with the batch's numbers, and Kafka would refuse all that comes after it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._renewing = asyncio.Lock()
        self.producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        self.producer = await start_producer(self._settings, max_request_size=MOST_BYTES)

    async def stop(self) -> None:
        if self.producer is not None:
            await stop_producer(self.producer)

    async def renew(self, producer: AIOKafkaProducer) -> None:
        """Put another in this one's place, unless somebody has."""
        async with self._renewing:
            if self.producer is producer:
                await self.start()
                await stop_producer(producer)


class Delivery:
    """`pending` is what Kafka has not acknowledged yet."""

    def __init__(self, sender: Sender, messages: Sequence[Outgoing]) -> None:
        self.pending = list(messages)
        self._sender = sender
        self._alone = False

    async def attempt(self) -> None:
        """Send what is pending until Kafka has acknowledged all of it. To be called again after a KafkaError that
        passes; raises UserError where Kafka refuses, and will refuse, what cannot be changed."""
        while self.pending:
            producer = self._sender.producer
            assert producer is not None, "start() first"
            failed = await self._send(producer)
            self.pending = [message for message, _ in failed]
            kept = [error for _, error in failed if is_transient(error)]
            refused = [error for _, error in failed if not is_transient(error)]
            if refused or any(remedy(error) is Remedy.NEW_PRODUCER for error in kept):
                await self._sender.renew(producer)
            self.pending = [self._changed(message, error) for message, error in failed]
            self._alone |= bool(refused)
            if kept and not refused:
                raise kept[0]

    async def _send(self, producer: AIOKafkaProducer) -> list[tuple[Outgoing, KafkaError]]:
        """Those that failed, and why."""
        groups = [[message] for message in self.pending] if self._alone else [self.pending]
        return [failed for group in groups for failed in await _send_together(producer, group)]

    def _changed(self, message: Outgoing, error: KafkaError) -> Outgoing:
        what = remedy(error)
        if what in (Remedy.RETRY, Remedy.NEW_PRODUCER):
            return message
        if what is Remedy.USER:
            raise refusal(error, f"write to {message.topic}")
        if message.size < _GATHERED_BYTES and not self._alone:
            return message  # another one in its batch may be at fault
        if what is Remedy.UNDATED and message.timestamp_ms is not None:
            return replace(message, timestamp_ms=None)
        if what is Remedy.SHORTER and message.shorter:
            shorter = message.shorter(message.size // 2)
            if shorter.topic != message.topic or shorter.size < message.size:
                return shorter
        raise _too_much(message, error)


def _too_much(message: Outgoing, error: KafkaError) -> UserError:
    return UserError(
        f"{message.topic} does not even take a record of {message.size} bytes ({error}): "
        "raise its max.message.bytes (and the broker's message.max.bytes), or look at its other settings"
    )


async def _send_together(
    producer: AIOKafkaProducer, messages: Sequence[Outgoing]
) -> list[tuple[Outgoing, KafkaError]]:
    answers: list[asyncio.Future[object]] = []
    failed: list[tuple[Outgoing, KafkaError]] = []
    for place, message in enumerate(messages):
        try:
            answers.append(
                await producer.send(
                    message.topic,
                    message.value,
                    key=message.key,
                    partition=message.partition,
                    timestamp_ms=message.timestamp_ms,
                    headers=list(message.headers),
                )
            )
        except KafkaError as error:
            # The rest would but wait as long for the same answer.
            failed = [(unsent, error if unsent is message else NotSent(str(error))) for unsent in messages[place:]]
            break
    for message, result in zip(messages, await asyncio.gather(*answers, return_exceptions=True), strict=False):
        if isinstance(result, KafkaError):
            failed.append((message, result))
        elif isinstance(result, BaseException):
            raise result
    return failed


class NotSent(KafkaError):  # type: ignore[misc]
    """A Kafka record before it in the line could not be sent."""
