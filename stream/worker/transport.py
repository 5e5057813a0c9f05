"""Whole batches through Faust: its aiokafka transport, with one message per fetched topic-partition.

Faust hands every record to the agent by itself, which costs more than a hundred microseconds; here a message's
value is a `Batch`. The private names of faust-streaming 0.15.3 and aiokafka 0.14.0 relied on are held by
tests/test_transport.py.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from time import monotonic, time
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from stream.kafka_errors import passes
from stream.worker.batch import Batch, KafkaRecord

FETCH_MAX_WAIT_MS = 100
"""So long Kafka holds an answer back while it has nothing to say. aiokafka has one request a broker under way: while
what came last is in memory it asks for the idle partitions only, and all that is new has to wait for that answer."""

MARKERS_EVERY_SECONDS = 0.25
"""So often it is looked where no record came, but what follows no record may be passed."""

REFUSED_PAUSE_SECONDS = 1.0
"""Until Kafka is asked again what it has refused: the worker is about to stop."""

Positions = Callable[[set[TP]], Awaitable[dict[TP, int]]]
"""Topic-partitions newly assigned -> where to read them from."""


class Records(fetcher.PartitionRecords):  # type: ignore[misc]
    """Fetched records as the parser made them: to build a ConsumerRecord of each takes twice as long as to parse it,
    and says nothing that a batch does not say once."""

    def _consumer_record(self, tp: TP, record: KafkaRecord) -> KafkaRecord:
        return record


def take_records_as_parsed() -> None:
    """In the whole process: aiokafka's fetcher can be told only where it looks the class up."""
    fetcher.PartitionRecords = Records


class PromptThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's thread, whose fetches Kafka answers soon, and with what is committed only."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # 1.5 s in Faust, which has no setting for it
        consumer._isolation_level = "read_committed"  # in Faust for exactly_once only, which writes transactions too
        return consumer

    @property
    def has_begun(self) -> bool:
        return self._consumer is not None and self._consumer._coordinator is not None

    def reached(self, tps: Iterable[TP]) -> dict[TP, int]:
        """How far what Kafka has sent is handed out: beyond the last record where only markers, or records of
        transactions that came to nothing, follow it. What is not assigned, or being sought, is left out."""
        subscription = self._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return {}
        states = {tp: subscription.assignment.state_value(tp) for tp in tps}
        return {tp: state.position for tp, state in states.items() if state and state.has_valid_position}

    async def ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where each log ends by now, for who reads what is committed: before the first open transaction.

        Raises aiokafka's KafkaError, also where the group may not be joined, which nobody is told as long as
        nothing is assigned.
        """
        consumer = self._ensure_consumer()
        consumer._coordinator.check_errors()
        listed = await consumer.end_offsets([driver.ensure_aiokafka_TP(tp) for tp in tps])
        # See stream.offsets: a fetch may know more than ListOffsets.
        fetched = {tp: consumer.last_stable_offset(tp) for tp in listed if tp in consumer.assignment()}
        return {TP(*tp): max(end, fetched.get(tp) or 0) for tp, end in listed.items()}


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Yields batches, reads from where its transport's `positions` says, commits the highest acknowledged offset."""

    logger = driver.logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _Unknown()
        self._next: dict[TP, int] = {}
        self._looked_at = 0.0
        self._epoch: defaultdict[TP, int] = defaultdict(int)
        # No fetch is under way while a partition is sought: so `_next` is exact, and a batch's epoch too.
        self._fetching = asyncio.Lock()

    def _new_consumer_thread(self) -> PromptThread:
        return PromptThread(self, loop=self.loop, beacon=self.beacon)

    def epoch(self, tp: TP) -> int:
        """How often the partition was sought: batches of an earlier epoch are stale."""
        return self._epoch[tp]

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Fetch; one message per topic-partition. Stock Faust yields one per record."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if self.should_stop:
            return
        if not self.flow_active:  # a rebalance began: everything is sought anew when it ends
            return
        for tp, batch in self._batches(records):
            if not self.flow_active or generation != self.app.consumer_generation_id:
                break
            if active is None or tp in active or tp in self._buffered_partitions:
                yield tp, self._message(tp, batch)

    async def ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where the logs end; asks Kafka, once it has begun."""
        if self._thread is None or not self._thread.has_begun:
            return {}
        ends: dict[TP, int] = await self._thread.call_thread(self._thread.ends, list(tps))
        return ends

    def _batches(self, records: Mapping[TP, list[Any]]) -> list[tuple[TP, Batch]]:
        # Taken down at once, without awaiting: what is not delivered after all leaves a gap that
        # the shard sees (start ≠ position) and seeks back over.
        batches = []
        tps: Iterable[TP] = records
        if monotonic() - self._looked_at > MARKERS_EVERY_SECONDS:
            tps, self._looked_at = list(self._next), monotonic()
        for tp, end in self._thread.reached(tps).items():
            if (start := self._next[tp]) < end:
                self._next[tp] = end
                batches.append((tp, Batch(tp.topic, tp.partition, start, end, self._epoch[tp], records.get(tp, []))))
        return batches

    def _message(self, tp: TP, batch: Batch) -> Message:
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            batch.end - 1,
            time(),
            None,
            None,
            None,
            batch,
            None,
            tp=tp,
            # Without it the conductor drops the message in silence.
            generation_id=self.app.consumer_generation_id,
        )

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        async with self._fetching:
            try:
                return await super()._getmany(active_partitions, timeout)
            except NoOffsetForPartitionError:
                return {}  # assigned a moment ago; where to read from is about to be said by a seek
            except OffsetOutOfRangeError as error:
                self.transport.out_of_range([TP(*tp) for tp in error.args[0]])
            except KafkaError as error:
                if passes(error):
                    raise
                self.transport.refused(error)
        await asyncio.sleep(REFUSED_PAUSE_SECONDS)
        return {}

    async def seek_to_committed(self) -> dict[TP, int]:
        """Where every assigned partition is read from: the group's offset, overridden by `positions`."""
        async with self._fetching:
            offsets = {TP(*tp): offset for tp, offset in (await super().seek_to_committed()).items()}
            positions = await self.transport.positions(set(offsets))
            for tp, offset in positions.items():
                await self._seek_now(tp, offset)
        return {**offsets, **positions}

    async def seek(self, partition: TP, offset: int) -> None:
        """Read on from `offset`; every batch fetched before is stale from now on."""
        async with self._fetching:
            await self._seek_now(partition, offset)

    async def _seek_now(self, tp: TP, offset: int) -> None:
        # In the consumer's own thread: a seek from this one could be undone by a fetch that is just ending.
        await self._thread.call_thread(self._seek_in_thread, tp, offset)
        self._epoch[tp] += 1
        self._next[tp] = offset

    async def _seek_in_thread(self, tp: TP, offset: int) -> None:
        if tp in self._thread.assignment():
            self._thread.seek(driver.ensure_aiokafka_TP(tp), offset)

    def acknowledge(self, tp: TP, offset: int) -> None:
        """Everything before `offset` is committed: the group may know, as a hint for lag tools."""
        self._acked[tp].append(offset - 1)

    def _new_offset(self, tp: TP) -> int | None:
        """One high-water mark: a shard acknowledges its batches in order."""
        acked = self._acked.pop(tp, None)
        return acked[-1] + 1 if acked else None


class _Unknown(dict[TP, int | None]):
    """Faust drops messages below the offset it has read last, and may note that offset after a seek went back
    behind it. Continuity is the shard's business (a batch starts where the position is): Faust may not know."""

    def __getitem__(self, _: TP) -> None:
        return None


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport, delivering batches that begin where `positions` says."""

    Consumer = BatchConsumer
    positions: Positions
    refused: Callable[[KafkaError], None]
    """Told of what Kafka will never do for this consumer; it goes on, to be stopped in order."""
    out_of_range: Callable[[list[TP]], None]
    """Told where Kafka does not have what is to be read next."""
