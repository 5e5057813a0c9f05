"""Whole batches through Faust: its aiokafka transport, with one message for all that a fetch brought.

Faust hands every record to the agent by itself, which costs more than a hundred microseconds; here a message's
value is a list of `Batch`es, one for each topic-partition. The private names of faust-streaming 0.15.3 and aiokafka
0.14.0 relied on are held by tests/kafka/test_transport.py.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from time import monotonic, time
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from stream.kafka.batch import Batch, KafkaRecord
from stream.kafka.errors import is_transient
from stream.kafka.fetch_session import FetchSessions


class Fetching(NamedTuple):
    """How long Kafka may hold an answer back, and from how many bytes on it does not."""

    max_wait_ms: int
    min_bytes: int


PATIENT = Fetching(1_000, 256 * 1024)
"""While little comes: a request costs more the more partitions there are, and what comes together is folded so."""
PROMPT = Fetching(100, 1)
"""While much comes: aiokafka has one request a broker under way, and while what came last is in memory it asks for
the idle partitions only; all that is new has to wait for that answer."""
_MUCH = 2_000
"""Records a second, over a while: those of one answer come all at once."""
_WHILE_SECONDS = 0.25
_LOOK_AGAIN_SECONDS = 1.0
"""So often aiokafka looks what to fetch when nothing has happened; what happens, it is told."""
_FRESH_MS = 5_000
"""So long what a fetch said of the end of a log is good enough."""

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
    """Faust's thread, whose fetches are as patient as they are told to be, and ask for what is committed only."""

    _assigned: frozenset[Any] | None = None
    _assignment: set[TP]

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust has 1.5 s and a byte, and no setting for it.
        consumer._fetch_max_wait_ms, consumer._fetch_min_bytes = PATIENT
        consumer._consumer_timeout = _LOOK_AGAIN_SECONDS
        consumer._isolation_level = "read_committed"  # in Faust for exactly_once only, which writes transactions too
        self.sessions = FetchSessions(consumer._client.send)
        consumer._client.send = self.sessions.send
        return consumer

    def assignment(self) -> set[TP]:
        """Faust asks for each partition that it commits, and makes a set of them all each time."""
        assigned = self._ensure_consumer().assignment()
        if assigned is not self._assigned:
            self._assigned, self._assignment = assigned, driver.ensure_TPset(assigned)
        return self._assignment

    @property
    def has_begun(self) -> bool:
        return self._consumer is not None and self._consumer._coordinator is not None

    def fetch(self, how: Fetching) -> None:
        """From the next request on."""
        fetcher = self._ensure_consumer()._fetcher
        if fetcher is not None:
            fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = how

    def reached(self, tps: Iterable[TP]) -> dict[TP, int]:
        """How far what Kafka has sent is handed out: beyond the last record where only markers, or records of
        transactions that came to nothing, follow it. What is not assigned, or being sought, is left out."""
        states = self._states(tps)
        return {tp: state.position for tp, state in states.items() if state.has_valid_position}

    def fetched_ends(self, tps: Iterable[TP], now_ms: int) -> dict[TP, int]:
        """Where those logs end of which a fetch has told it lately, or that nothing is new; before the first open
        transaction.

        Raises aiokafka's KafkaError where the group may not be joined, which nobody is told as long as nothing is
        assigned.
        """
        self._ensure_consumer()._coordinator.check_errors()
        heard_of = self.sessions.heard_of(_FRESH_MS / 1000)
        return {
            tp: state.lso
            for tp, state in self._states(tps).items()
            if (tp in heard_of or (state.timestamp or 0) > now_ms - _FRESH_MS)
            and state.lso is not None
            and state.lso >= 0
        }

    async def listed_ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where each log ends by now, for who reads what is committed: before the first open transaction."""
        consumer = self._ensure_consumer()
        listed = await consumer.end_offsets([driver.ensure_aiokafka_TP(tp) for tp in tps])
        # See stream.kafka.offsets: a fetch may know more than ListOffsets.
        fetched = {tp: consumer.last_stable_offset(tp) for tp in listed if tp in consumer.assignment()}
        return {TP(*tp): max(end, fetched.get(tp) or 0) for tp, end in listed.items()}

    def _states(self, tps: Iterable[TP]) -> dict[TP, Any]:
        # Read once: the consumer's own thread may exchange them at any time.
        subscription = self._ensure_consumer()._subscription.subscription
        assignment: Any = subscription.assignment if subscription else None
        if assignment is None:
            return {}
        states = {tp: assignment.state_value(tp) for tp in tps}
        return {tp: state for tp, state in states.items() if state}


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Yields batches, reads from where its transport's `positions` says, commits the highest acknowledged offset."""

    logger = driver.logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _Unknown()
        self._next: dict[TP, int] = {}
        self._looked_at = 0.0
        self._arrived = 0
        self._arrived_since = monotonic()
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
        if self.should_stop:
            return
        if not self.flow_active:  # a rebalance began: everything is sought anew when it ends
            return
        self._adapt(sum(map(len, records.values())))
        batches = self._batches(records)
        if generation == self.app.consumer_generation_id:
            wanted = None if active is None else active | self._buffered_partitions
            some = [batch for tp, batch in batches if wanted is None or tp in wanted]
            if some:
                yield TP(some[0].topic, some[0].shard), self._message(some)

    async def ends(self, tps: Sequence[TP]) -> dict[TP, int]:
        """Where the logs end: as the last fetch told it, and where none did lately, as Kafka tells it now."""
        if self._thread is None or not self._thread.has_begun:
            return {}
        ends: dict[TP, int] = self._thread.fetched_ends(tps, int(time() * 1000))
        if others := [tp for tp in tps if tp not in ends]:
            ends |= await self._thread.call_thread(self._thread.listed_ends, others)
        return ends

    def _adapt(self, records: int) -> None:
        """Fetch as it suits what has come lately."""
        self._arrived += records
        passed = monotonic() - self._arrived_since
        if passed >= _WHILE_SECONDS:
            self._thread.fetch(PROMPT if self._arrived >= _MUCH * passed else PATIENT)
            self._arrived, self._arrived_since = 0, monotonic()

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

    def _message(self, batches: list[Batch]) -> Message:
        """A message of the first batch's partition: Faust is told of none of their offsets."""
        first = batches[0]
        return ConsumerMessage(
            first.topic,
            first.shard,
            first.end - 1,
            time(),
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
            try:
                return await super()._getmany(active_partitions, timeout)
            except NoOffsetForPartitionError:
                return {}  # assigned a moment ago; where to read from is about to be said by a seek
            except OffsetOutOfRangeError as error:
                self.transport.out_of_range([TP(*tp) for tp in error.args[0]])
            except KafkaError as error:
                if is_transient(error):
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
            self._thread.sessions.restart()
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
