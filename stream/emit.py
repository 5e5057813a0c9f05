"""The emitter: events go to the topic of their family, and Kafka acknowledges every one."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import BrokerResponseError, IncompatibleBrokerVersion, KafkaConnectionError

from stream.errors import UserError
from stream.settings import Settings
from stream.topics import check_topics

MAX_RECORD_BYTES = 1_000_000  # what a broker takes with its default settings

_BATCH_BYTES = 256 * 1024
_LINGER_MS = 20
_FAREWELL_SECONDS = 5.0

log = logging.getLogger(__name__)


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
        self._producer = await self._started()
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
            await self._stop()

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

    async def _started(self) -> AIOKafkaProducer:
        if self._settings.idempotence == "off":
            return await self._start(idempotent=False)
        try:
            return await self._start(idempotent=True)
        except (BrokerResponseError, IncompatibleBrokerVersion) as error:
            words = f"Kafka at {self._settings.kafka} offers no idempotent producer ({error})"
            if self._settings.idempotence == "on":
                raise UserError(f"{words}: set ASSIDU_IDEMPOTENCE=auto or off") from None
            log.warning("%s: sending with acks=all; repeats are told by their event_id", words)
            return await self._start(idempotent=False)

    async def _start(self, *, idempotent: bool) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka,
            acks="all",
            enable_idempotence=idempotent,
            max_batch_size=_BATCH_BYTES,
            linger_ms=_LINGER_MS,
            request_timeout_ms=int(self._patience_seconds * 1000),
        )
        try:
            # aiokafka asks for a producer id again and again, without a bound of its own.
            async with asyncio.timeout(self._patience_seconds):
                await producer.start()
        except TimeoutError:
            await producer.stop()
            raise KafkaConnectionError(f"no producer id for {self._patience_seconds:g} s") from None
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _stop(self) -> None:
        assert self._producer is not None
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._producer.stop()
        except TimeoutError:
            await self._give_up(self._producer)

    @staticmethod
    async def _give_up(producer: AIOKafkaProducer) -> None:
        # An idempotent producer retries for ever, and aiokafka has no public way to make it stop: its
        # batches are failed, and its sender, which once cancelled still waits for the requests on their
        # way, is cancelled until it drops them.
        producer._message_accumulator.fail_all(KafkaConnectionError("given up"))
        await producer.client.close()
        sender = producer._sender.sender_task
        while not sender.done():
            sender.cancel()
            await asyncio.sleep(0)
