"""Whole batches through Faust: its aiokafka transport, with one message for all that a fetch brought.

Faust hands every record to the agent by itself, which costs more than a hundred microseconds; here a message's
value is a list of `Batch`es, one for each topic-partition. The private names of faust-streaming 0.15.3 and aiokafka
0.14.0 relied on are held by tests/test_transport.py.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from time import time
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from stream.worker.batch import Batch, KafkaRecord


class Fetching(NamedTuple):
    """How long Kafka may hold an answer back, and from how many bytes on it does not."""

    max_wait_ms: int
    min_bytes: int


PATIENT = Fetching(500, 64 * 1024)
"""While little comes: a request costs more the more partitions there are, and what comes together is folded so."""
PROMPT = Fetching(100, 1)
"""While much comes: aiokafka has one request a broker under way, and while what came last is in memory it asks for
the idle partitions only; all that is new has to wait for that answer."""
_MUCH = 2_000
"""Records of one fetch."""
_FRESH_MS = 5_000
"""So long what a fetch said of the end of a log is good enough."""

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
    """Faust's thread, whose fetches are as patient as they are told to be."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust has 1.5 s and a byte, and no setting for it.
        consumer._fetch_max_wait_ms, consumer._fetch_min_bytes = PATIENT
        return consumer

    def fetch(self, how: Fetching) -> None:
        """From the next request on."""
        fetcher = self._ensure_consumer()._fetcher
        if fetcher is not None:
            fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = how

    def fetched_ends(self, tps: Iterable[TP], now_ms: int) -> dict[TP, int]:
        """The ends of those logs of which a fetch has told them lately."""
        # Read once: the consumer's own thread may exchange them at any time.
        subscription = self._ensure_consumer()._subscription.subscription
        assignment: Any = subscription.assignment if subscription else None
        ends: dict[TP, int] = {}
        for tp in tps if assignment is not None else ():
            state = assignment.state_value(tp) if tp in assignment.tps else None
            if state is not None and (state.timestamp or 0) > now_ms - _FRESH_MS:
                ends[tp] = state.highwater
        return ends


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Yields batches, reads from where its transport's `positions` says, commits the highest acknowledged offset."""

    logger = driver.logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _Unknown()
        self._next: dict[TP, int] = {}
        self._epoch: defaultdict[TP, int] = defaultdict(int)
        # No fetch is under way while a partition is sought: so `_next` is exact, and a batch's epoch too.
        self._fetching = asyncio.Lock()

    def _new_consumer_thread(self) -> PromptThread:
        return PromptThread(self, loop=self.loop, beacon=self.beacon)

    def epoch(self, tp: TP) -> int:
        """How often the partition was sought: batches of an earlier epoch are stale."""
        return self._epoch[tp]

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Fetch; one message for all that came. Stock Faust yields one per record, each of which costs 0.1 ms."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if self.should_stop or not records:
            return
        if not self.flow_active:  # a rebalance began: everything is sought anew when it ends
            return
        self._thread.fetch(PROMPT if sum(map(len, records.values())) >= _MUCH else PATIENT)
        batches = self._batches(records)
        if generation == self.app.consumer_generation_id:
            wanted = None if active is None else active | self._buffered_partitions
            some = [batch for tp, batch in batches if wanted is None or tp in wanted]
            if some:
                yield TP(some[0].topic, some[0].shard), self._message(some)

    def _batches(self, records: Mapping[TP, list[Any]]) -> list[tuple[TP, Batch]]:
        # Taken down at once, without awaiting: what is not delivered after all leaves a gap that
        # the shard sees (start ≠ position) and seeks back over.
        batches = []
        for tp, fetched in records.items():
            start, end = self._next.get(tp, fetched[0].offset), fetched[-1].offset + 1
            self._next[tp] = end
            batches.append((tp, Batch(tp.topic, tp.partition, start, end, self._epoch[tp], fetched)))
        return batches

    def _message(self, batches: list[Batch]) -> Message:
        """A message of the first batch's partition: Faust is told of none of their offsets."""
        first = batches[0]
        last = first.records[-1]
        return ConsumerMessage(
            first.topic,
            first.shard,
            last.offset,
            last.timestamp / 1000,
            None,
            None,
            None,
            batches,
            None,
            tp=TP(first.topic, first.shard),
            # Without it the conductor drops the message in silence.
            generation_id=self.app.consumer_generation_id,
        )

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        async with self._fetching:
            return await super()._getmany(active_partitions, timeout)

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

    async def ends(self, tps: Sequence[TP]) -> dict[TP, int]:
        """The end of each log: as the last fetch told it, and where none did lately as Kafka tells it now."""
        ends = self._thread.fetched_ends(tps, int(time() * 1000))
        if others := [tp for tp in tps if tp not in ends]:
            for tp, end in (await self.highwaters(*others)).items():
                # See stream.offsets: a fetch may know more than ListOffsets.
                ends[TP(*tp)] = max(end, self.highwater(TP(*tp)) or 0)
        return dict(ends)

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
