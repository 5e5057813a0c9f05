"""The shards that this worker owns: claimed when Kafka assigns them, let go when it takes them away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Set

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from stream.core.key_ids import KeyIds, Keys
from stream.kafka.batch import Batch
from stream.kafka.errors import refusal
from stream.kafka.offsets import Bounds, log_bounds
from stream.kafka.transport import BatchConsumer
from stream.runtime.errors import UserError
from stream.settings import Settings
from stream.store.shard import Claim, Position
from stream.worker.commits import Commits, Fenced
from stream.worker.measures import SHARDS_OWNED
from stream.worker.pipeline import MOST_EVENTS, Pipeline
from stream.worker.retrying import GivenUp, retrying
from stream.worker.shard import Common, Reader, Shard
from stream.worker.waiting import Waiting

log = structlog.get_logger()

MOST_EVENTS_WAITING = 160_000
"""Fetched and not yet folded, over all shards; beyond it, fetching stops."""

_FAREWELL_SECONDS = 5.0


class Shards:
    """`failed` holds the first error that is neither bad input nor broken infrastructure."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._settings: Settings = common.settings
        self._owned: dict[int, Shard] = {}
        self._keys = Keys()
        self.pipeline = Pipeline(common, self._owned)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._events_waiting = 0
        self._room = asyncio.Event()
        self._room.set()
        self._revoked = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.consumer: BatchConsumer

    @property
    def owned(self) -> Mapping[int, Shard]:
        return self._owned

    async def deliver(self, batch: Batch) -> None:
        """Queue the batch for its shard; waits while too much is waiting. A batch of no owned shard is stale."""
        await self._room.wait()
        if shard := self._owned.get(batch.shard):
            shard.waiting.put(batch)
            self.pipeline.stir()

    async def positions(self, assigned: Iterable[TP]) -> dict[TP, int]:
        """Claim what was newly assigned; where to read every topic of every owned shard from."""
        numbers = {tp.partition for tp in assigned if tp.topic in self._settings.topics}
        self._revoked.clear()
        try:
            if await self._is_torn(numbers, set(assigned)):
                return {}
            claimed = await self._claim(numbers - self._owned.keys())
        except GivenUp:  # the next rebalance has begun, and asks again
            return {}
        except UserError as error:
            self._fail(error)
            return {}
        if self._revoked.is_set():
            return {}
        for shard in claimed:
            self._own(shard)
        return {
            TP(topic, number): offset
            for number, shard in self._owned.items()
            for topic, offset in shard.commits.position.items()
        }

    async def close(self) -> None:
        """Finish the commits in flight and let go of every shard."""
        self._revoked.set()
        for shard in self._owned.values():
            shard.close()
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks.values(), timeout=_FAREWELL_SECONDS)
            for task in unfinished:
                task.cancel()
        self._owned.clear()
        self._tasks.clear()
        SHARDS_OWNED.set(0)

    def refused(self, error: KafkaError) -> None:
        """Kafka will not let this worker read."""
        self._fail(refusal(error, "let this worker read"))

    def out_of_range(self, tps: Iterable[TP]) -> None:
        """Kafka does not have what follows the position: whoever claims the shard anew finds out why."""
        for tp in tps:
            if shard := self._owned.get(tp.partition):
                shard.fence("position")

    def _own(self, shard: Shard) -> None:
        self._owned[shard.number] = shard
        self._tasks[shard.number] = asyncio.create_task(self._live(shard), name=f"shard {shard.number}")
        SHARDS_OWNED.set(len(self._owned))

    async def _live(self, shard: Shard) -> None:
        """Work on the shard until it is let go; when fenced, claim it anew and go on."""
        try:
            while True:
                try:
                    return await shard.run()
                except Fenced as fence:
                    shard = await self._reclaim(shard, fence.args[0])
        except (GivenUp, asyncio.CancelledError):
            pass
        except Exception as error:
            self._fail(error)

    async def _reclaim(self, fenced: Shard, why: str) -> Shard:
        """Drop everything in memory, load it from Redis, read on from Redis's position."""
        log.warning("commit refused, loading the shard again", shard=fenced.number, why=why)
        fenced.close()
        self._common.labels.forget()
        self._common.products.forget()
        if why == "owner":
            # Another worker has it. If Kafka has told us too late, it will have by then.
            await self._unless_revoked(1.5 * self._settings.kafka_heartbeat_interval)
        [shard] = await self._claim({fenced.number})
        if self._revoked.is_set():
            raise GivenUp("the shard was revoked")
        # In its place before the first seek: what is read again at once must find it.
        self._owned[shard.number] = shard
        for topic, offset in shard.commits.position.items():
            await self.consumer.seek(TP(topic, shard.number), offset)
        return shard

    async def _unless_revoked(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._revoked.wait(), seconds)
        except TimeoutError:
            return
        raise GivenUp("the shard was revoked")

    async def _claim(self, numbers: Set[int]) -> list[Shard]:
        """Become the owner of these shards, in Redis. Raises UserError where Redis and Kafka do not fit together."""
        owners = {number: secrets.token_hex(8) for number in sorted(numbers)}
        claims = {number: await self._claim_one(number, owner, None) for number, owner in owners.items()}
        # Asked only now: until the claim, another owner could still commit what had come in the meantime.
        partitions = [(topic, number) for topic in self._settings.topics for number in numbers]
        bounds = await retrying(
            "ask where the topics end", lambda: log_bounds(self._settings, partitions), self._revoked
        )
        return [await self._load(number, owner, claims[number], bounds) for number, owner in owners.items()]

    async def _claim_one(self, number: int, owner: str, beginning: Position | None) -> Claim | None:
        return await retrying(
            f"shard {number}: claim", lambda: self._common.store.claim(number, owner, beginning), self._revoked
        )

    async def _load(self, number: int, owner: str, claim: Claim | None, bounds: Bounds) -> Shard:
        here = {topic: bounds[topic, number] for topic in self._settings.topics}
        if claim is None:
            _refuse_lost_beginning(number, here)
            claim = await self._claim_one(number, owner, dict.fromkeys(here, 0))
            assert claim is not None, "a claim with a beginning always has a position"
        position, _ = claim
        _refuse_outside(number, position, here)
        # After the claim, too: where Redis lost everything, the ids' key is a new one.
        id_key = await retrying(f"shard {number}: ask for the key of ids", self._common.id_key, self._revoked)
        stored = await retrying(
            f"shard {number}: load names", lambda: self._common.store.names(number), self._revoked
        )
        log.info("shard claimed", shard=number, position=sum(position.values()))
        waiting = Waiting(MOST_EVENTS, self._count_waiting)
        commits = Commits(number, owner, claim, KeyIds(stored, self._keys), self._common.store)
        return Shard(commits, waiting, self._common, id_key, self._reader())

    def _reader(self) -> Reader:
        consumer = self.consumer
        return Reader(
            epoch=lambda topic, shard: consumer.epoch(TP(topic, shard)),
            seek=lambda topic, shard, offset: consumer.seek(TP(topic, shard), offset),
            acknowledge=lambda topic, shard, offset: consumer.acknowledge(TP(topic, shard), offset),
        )

    async def ends(self) -> dict[tuple[str, int], int]:
        """(topic, shard) -> end of the log, of every owned shard. Raises KafkaError when Kafka does not tell."""
        tps = [TP(topic, number) for number in self._owned for topic in self._settings.topics]
        return {tuple(tp): end for tp, end in (await self.consumer.ends(tps)).items()}

    async def _is_torn(self, numbers: set[int], assigned: set[TP]) -> bool:
        """Whether the topics of a shard were not assigned together; then it is said why."""
        due = {TP(topic, number) for topic in self._settings.topics for number in numbers}
        if due <= assigned and max(numbers, default=0) < self._settings.partitions:
            return False
        names = ", ".join(sorted(f"{tp.topic}/{tp.partition}" for tp in due - assigned))
        try:
            await retrying("ask which topics there are", self._common.check_topics, self._revoked)
            self._fail(UserError(f"Kafka gave this worker part of a shard only; not assigned: {names}"))
        except UserError as error:
            self._fail(error)
        return True

    def _count_waiting(self, events: int) -> None:
        self._events_waiting += events
        if self._events_waiting < MOST_EVENTS_WAITING:
            self._room.set()
        else:
            self._room.clear()

    def _fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)


def _refuse_lost_beginning(number: int, bounds: Mapping[str, tuple[int, int]]) -> None:
    lost = [f"{topic}/{number} begins at {first}" for topic, (first, _) in bounds.items() if first > 0]
    if lost:
        raise UserError(
            f"Redis has no position for shard {number}, and Kafka no longer has the whole past ({', '.join(lost)}): "
            "the numbers would be too small. Restore Redis from a backup, or wait for `assidu rebuild`,"
            " which will count what is left and is not there yet."
        )


def _refuse_outside(number: int, position: Position, bounds: Mapping[str, tuple[int, int]]) -> None:
    outside = [
        f"{topic}/{number}: position {position.get(topic)}, Kafka has {first} to {end}"
        for topic, (first, end) in bounds.items()
        if not first <= position.get(topic, -1) <= end
    ]
    if outside:
        raise UserError(
            "Redis's position lies outside of what Kafka has; is this the right ASSIDU_KAFKA for this ASSIDU_REDIS, "
            "and did Kafka keep its data? What it has lost cannot be counted any more: to go on with the rest, start "
            "everything with a new ASSIDU_NAMESPACE (and ASSIDU_GROUP).\n  " + "\n  ".join(outside)
        )
