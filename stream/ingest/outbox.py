"""The outbox: events on their way to Kafka, from where they are collected to where they are acknowledged."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from aiokafka import AIOKafkaProducer

from stream.ingest.batches import Keyed, Partitioner, ProducerBatch, batches
from stream.kafka.partition import each_shard_of_keys

_LINGER_SECONDS = 0.02
_COLLECTED_BYTES = 4 * 1024 * 1024
_COLLECTED_BYTES_PER_PARTITION = 16 * 1024  # or with very many of them each would get but a few events a batch
_OVERHEAD_BYTES = 100  # of an event in memory, about: however small they are, their number is bounded
# Every partition may have a batch on its way and one behind it: with a thousand partitions that is too much
# memory, and more than a broker takes in one request (100 MiB by default).
_UNANSWERED_BYTES = 32 * 1024 * 1024


class Receipt:
    """For events that belong together: `answer` is there once Kafka has acknowledged every one, or has not one."""

    def __init__(self, events: int) -> None:
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = events

    def acknowledge(self, events: int) -> None:
        self._waiting -= events
        if not self._waiting and not self.answer.done():
            self.answer.set_result(None)

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Outbox:
    """Collects events until there are many or a moment has passed, and sends them in batches, while it runs.

    `has_room` is set while another event may be added, `is_empty` while every one is answered for. Both are
    set when nothing goes on because `run` failed. A refused batch is the `failure`, and others still go.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        partitions: int,
        partitioner: Partitioner = each_shard_of_keys,
        linger_seconds: float = _LINGER_SECONDS,
    ) -> None:
        self.acknowledged = 0
        self.failure: BaseException | None = None
        self.has_room = _set_event()
        self.is_empty = _set_event()
        self._producer = producer
        self._partitions = partitions
        self._partitioner = partitioner
        self._collected: list[Keyed] = []
        self._receipts: list[Receipt | None] = []  # for as many of the collected as there are
        self._collected_bytes = 0
        self._many_bytes = max(_COLLECTED_BYTES, partitions * _COLLECTED_BYTES_PER_PARTITION)
        self._linger_seconds = linger_seconds
        self._begun = asyncio.Event()
        self._full = asyncio.Event()
        self._unanswered = 0
        self._unanswered_bytes = 0
        self._few_unanswered = _set_event()

    def add(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Only while it has room."""
        self._collected.append((topic, key, value))
        self._added(1, len(value))

    def add_all(self, events: Sequence[Keyed], receipt: Receipt) -> None:
        """All that the receipt is for, which is something; whoever adds them bounds what waits for receipts."""
        self._receipts += [None] * (len(self._collected) - len(self._receipts)) + [receipt] * len(events)
        self._collected += events
        self._added(len(events), sum(len(value) for _, _, value in events))

    def _added(self, events: int, size: int) -> None:
        self._collected_bytes += events * _OVERHEAD_BYTES + size
        if not self._unanswered:
            self.is_empty.clear()
        self._unanswered += events
        if not self._begun.is_set():
            self._begun.set()
        if self._collected_bytes >= self._many_bytes:
            self.has_room.clear()
            self._full.set()

    async def run(self) -> None:
        """Send what is collected, again and again, until cancelled; raises aiokafka's KafkaError."""
        try:
            while True:
                await self._begun.wait()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._linger_seconds):
                        await self._full.wait()
                events, receipts = self._take()
                for batch in batches(self._producer, self._partitions, self._partitioner, events):
                    await self._send(batch, _waiting(receipts, batch.numbers))
        except Exception as error:
            self._fail(error)
            self.has_room.set()
            self.is_empty.set()
            raise

    def _take(self) -> tuple[list[Keyed], list[Receipt | None]]:
        taken = self._collected, self._receipts
        self._collected, self._receipts, self._collected_bytes = [], [], 0
        self._begun.clear()
        self._full.clear()
        self.has_room.set()
        return taken

    async def _send(self, batch: ProducerBatch, receipts: Counter[Receipt]) -> None:
        """Returns when it is the only one that waits for its partition; the order within one is kept."""
        await self._few_unanswered.wait()
        count, size = batch.records.record_count(), batch.records.size()
        answer = await self._producer.send_batch(batch.records, batch.topic, partition=batch.partition)
        self._unanswered_bytes += size
        if self._unanswered_bytes >= _UNANSWERED_BYTES:
            self._few_unanswered.clear()
        answer.add_done_callback(lambda answer: self._answered(answer, count, size, receipts))

    def _answered(self, answer: asyncio.Future[object], count: int, size: int, receipts: Counter[Receipt]) -> None:
        self._unanswered -= count
        self._unanswered_bytes -= size
        if self._unanswered_bytes < _UNANSWERED_BYTES:
            self._few_unanswered.set()
        if not self._unanswered:
            self.is_empty.set()
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None:
            self.acknowledged += count
        else:
            self._fail(error)
        for receipt, events in receipts.items():
            if error is None:
                receipt.acknowledge(events)
            else:
                receipt.fail(error)

    def _fail(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure = error


def _waiting(receipts: Sequence[Receipt | None], numbers: Sequence[int]) -> Counter[Receipt]:
    """Who waits for how many of the events of these numbers."""
    if not receipts:
        return Counter()
    with_receipts = len(receipts)
    found = (receipts[number] for number in numbers if number < with_receipts)
    return Counter(receipt for receipt in found if receipt is not None)


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
