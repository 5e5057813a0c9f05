"""The way to Kafka, which goes away and comes back: whoever writes learns whether it has acknowledged all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from stream.ingest.batches import Keyed
from stream.ingest.event_producer import MAX_RECORD_BYTES, Message
from stream.ingest.outbox import Outbox, Receipt
from stream.kafka.errors import is_transient, refusal
from stream.kafka.partitions import shards_of_keys
from stream.kafka.producer import abandon_producer, start_producer, stop_producer
from stream.kafka.topics import check_topics
from stream.runtime.errors import UserError
from stream.runtime.lifecycle import until_ended
from stream.settings import Settings

log = structlog.get_logger()

_BATCH_BYTES = 256 * 1024
_LINGER_SECONDS = 0.005
"""Clients wait for it; of four times as much they had to wait twice as long (docs/decisions.md)."""
_LONGEST_PAUSE_SECONDS = 2.0


class KafkaAway(Exception):
    """Kafka has not acknowledged all of it: some of it may be there."""


class KafkaSink:
    """While it runs, `write` returns once Kafka has acknowledged everything with acks=all.

    `here` is set while Kafka is, `tried` once that is known. A producer that failed is put away with what it has not
    sent, and a new one takes its place: an idempotent one would send for ever what nobody waits for any more.
    """

    def __init__(self, settings: Settings) -> None:
        self.here = asyncio.Event()
        self.tried = asyncio.Event()
        self._settings = settings
        self._patience_seconds = settings.collector_kafka_timeout
        self._outbox: Outbox | None = None
        self._failed = asyncio.Event()
        self._waiting: set[Receipt] = set()
        self._served = False
        self._said = False

    async def run(self) -> None:
        """Until cancelled. Raises UserError where topics are missing or have another number of partitions, or Kafka
        refuses for good; but not once it has served: then that is waited for, too, as events may go to disk."""
        pause_seconds = 0.1
        while True:
            try:
                await check_topics(self._settings)
                producer = await start_producer(
                    self._settings,
                    self._patience_seconds,
                    max_batch_size=_BATCH_BYTES,
                    max_request_size=2 * MAX_RECORD_BYTES,
                    request_timeout_ms=int(self._patience_seconds * 1000),
                )
            except (KafkaError, UserError) as error:
                if not self._served:
                    _raise_if_lasting(error)
                self._say(error)
                self.tried.set()
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
            else:
                pause_seconds = 0.1
                self._served = True
                await self._serve_by(producer)

    async def write(self, messages: Sequence[Message]) -> None:
        """Raises KafkaAway when Kafka does not answer in time, or answers that it will not."""
        outbox = self._outbox
        if outbox is None:
            raise KafkaAway
        if not messages:
            return
        receipt = Receipt(len(messages))
        self._waiting.add(receipt)
        outbox.add_all(self._keyed(messages), receipt)
        try:
            async with asyncio.timeout(self._patience_seconds):
                await receipt.answer
        except (KafkaError, TimeoutError) as error:
            self._say(error)
            if outbox is self._outbox:
                self._put_away()
            raise KafkaAway from None
        finally:
            self._waiting.discard(receipt)

    def _keyed(self, messages: Sequence[Message]) -> list[Keyed]:
        prefix = self._settings.topic_prefix
        return [(prefix + family, None if key is None else key.encode(), value) for family, key, value in messages]

    async def _serve_by(self, producer: AIOKafkaProducer) -> None:
        """Until it fails."""
        self._failed.clear()
        self._outbox = outbox = Outbox(producer, self._settings.partitions, shards_of_keys, _LINGER_SECONDS)
        self.here.set()
        self.tried.set()
        if self._said:
            log.info("Kafka answers again")
            self._said = False
        try:
            await until_ended(self._failed.wait(), outbox.run())
        except KafkaError as error:
            self._say(error)
        except asyncio.CancelledError:
            await stop_producer(producer)
            raise
        finally:
            self._put_away()
        await abandon_producer(producer)

    def _put_away(self) -> None:
        """Nobody waits for this producer any more."""
        self.here.clear()
        self._failed.set()
        self._outbox = None
        for receipt in self._waiting:
            receipt.fail(KafkaError("the producer has failed"))

    def _say(self, error: Exception) -> None:
        """Once for each time that it is away."""
        if not self._said:
            lasting = isinstance(error, KafkaError) and not is_transient(error)
            why = refusal(error, "take events") if lasting else error
            log.warning("Kafka does not take events", error=str(why) or type(error).__name__)
        self._said = True


def _raise_if_lasting(error: KafkaError | UserError) -> None:
    if isinstance(error, UserError):
        raise error
    if not is_transient(error):
        raise refusal(error, "take events") from None
