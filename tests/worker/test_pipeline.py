"""Passes over several shards: one that ends in the middle takes nothing from the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from time import monotonic
from uuid import uuid4

import msgspec
import pytest

from stream.core.key_ids import KeyIds, Keys
from stream.core.time import Calendar
from stream.demo.embedded import EmbeddedRedis
from stream.indicators.catalogue import SERIES
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.model import Coefficients
from stream.indicators.families.activity import EVENTS
from stream.kafka.batch import Batch
from stream.kafka.partition import shard_of
from stream.kafka.partitions import shards_of
from stream.runtime.pipeline_metrics import STAGE_SECONDS
from stream.settings import Settings
from stream.store.connect import connect_to
from stream.store.labels import LabelBook, ProductBook
from stream.store.replica import Replica, read_state
from stream.store.shard import ShardStore
from stream.worker.clock import Clock
from stream.worker.commits import Commits
from stream.worker.fold import MOST_CUSTOMERS
from stream.worker.measures import REGISTRY, STAGES
from stream.worker.pipeline import MOST_EVENTS, Pipeline
from stream.worker.repeats import id_hashes
from stream.worker.shard import Common, Reader, Shard
from stream.worker.side_outputs import SideOutputs
from stream.worker.waiting import Waiting
from tests.fetched import KafkaRecord
from tests.stack.proxy import RedisProxy
from tests.stack.reading import records
from tests.stack.waiting import eventually_async

PARTITIONS = 3
NOW = datetime.now(UTC)


class Worker:
    """As far as folding goes: it owns all shards of a deployment of its own; a Kafka it has for side outputs only."""

    def __init__(self, redis: EmbeddedRedis, url: str, side_outputs: SideOutputs | None = None) -> None:
        self.settings = Settings(
            _env_file=None, redis=url, partitions=PARTITIONS, namespace=f"test-{uuid4().hex[:8]}"
        )
        self.topic = f"{self.settings.topic_prefix}logins"
        self.redis, self.direct = connect_to(url), connect_to(redis.url)
        self.store = ShardStore(self.redis, self.settings.namespace)
        self.owned: dict[int, Shard] = {}
        self._ends = dict.fromkeys(range(PARTITIONS), 0)
        calendar = Calendar(self.settings.zone)
        self.common = Common(
            self.settings,
            self.store,
            LabelBook(self.redis, self.settings.namespace, 10),
            ProductBook(self.redis, self.settings.namespace, 10),
            side_outputs or SideOutputs(self.settings),
            calendar,
            Clock(self.settings, self.store),
            lambda: Scoring(Coefficients(), 3, calendar),
            lambda ids: shards_of(ids, PARTITIONS),
            self._id_key,
            self._nothing,
        )
        self.pipeline = Pipeline(self.common, self.owned)

    async def _id_key(self) -> int:
        return 7

    async def _nothing(self, *_: object) -> None: ...

    async def claim(self) -> None:
        reader, keys = Reader(lambda *_: 0, self._nothing, lambda *_: None), Keys()
        for number in range(PARTITIONS):
            owner = uuid4().hex
            claim = await self.store.claim(number, owner, {self.topic: 0})
            assert claim is not None
            commits = Commits(number, owner, claim, KeyIds(await self.store.names(number), keys), self.store)
            shard = Shard(commits, Waiting(MOST_EVENTS, lambda _: None), self.common, await self._id_key(), reader)
            await shard.begin()
            self.owned[number] = shard

    def send(self, users: Sequence[str], again: bool = False) -> None:
        """A login of each, as they come in one fetch; `again`: they are the first in the log, read once more."""
        for number, shard in self.owned.items():
            records = [KafkaRecord(_login(user)) for user in users if shard_of(user, PARTITIONS) == number]
            start = 0 if again else self._ends[number]
            self._ends[number] = start + len(records)
            shard.waiting.put(Batch(self.topic, number, start, start + len(records), 0, records))

    async def close(self) -> None:
        await self.redis.aclose()
        await self.direct.aclose()

    def send_malformed(self, shard: int) -> None:
        """The first record of its log."""
        self.owned[shard].waiting.put(Batch(self.topic, shard, 0, 1, 0, [KafkaRecord(b"{")]))

    async def rejected(self, shard: int) -> int:
        """How many records were refused, as it is committed."""
        state = await read_state(self.direct, self.settings.namespace, shard)
        return sum(count for name, count in state.counters.items() if name.startswith("rejected:"))

    async def logins(self) -> int:
        """As exporters read them."""
        replica = Replica(self.direct, self.settings.namespace, PARTITIONS, SERIES)
        await replica.refresh()
        cells = replica.table.get(EVENTS.key("default", "login"))
        return cells.total(None, 1 << 40) if cells else 0


def _login(user: str) -> bytes:
    event = {"event_id": user, "type": "login", "user_id": user, "timestamp": NOW.isoformat()}
    return msgspec.json.encode(event)


USERS = [f"user-{number}" for number in range(60)]


@pytest.fixture
async def proxy(redis_server: EmbeddedRedis) -> AsyncIterator[RedisProxy]:
    with RedisProxy(redis_server) as proxy:
        yield proxy


@pytest.fixture
async def worker(redis_server: EmbeddedRedis, proxy: RedisProxy) -> AsyncIterator[Worker]:
    worker = Worker(redis_server, proxy.url)
    await worker.claim()
    yield worker
    await worker.close()


async def test_a_pass_folds_the_events_of_all_shards_and_their_repeats_once(worker: Worker) -> None:
    for _ in range(2):
        worker.send(USERS)
        await worker.pipeline._pass(list(worker.owned.values()))
    assert await worker.logins() == len(USERS)
    assert all(shard.commits.position[worker.topic] for shard in worker.owned.values())


async def test_every_stage_of_a_pass_is_timed(worker: Worker) -> None:
    def measured(part: str) -> dict[str, float]:
        samples = {stage: REGISTRY.get_sample_value(part, {"stage": stage}) for stage in STAGES}
        return {stage: value for stage, value in samples.items() if value is not None}

    passes, seconds = measured(STAGE_SECONDS.count), measured(STAGE_SECONDS.sum)
    worker.send(USERS)
    began = monotonic()
    await worker.pipeline._pass(list(worker.owned.values()))
    took = monotonic() - began
    assert measured(STAGE_SECONDS.count) == {stage: passes[stage] + 1 for stage in STAGES}
    spent = {stage: after - seconds[stage] for stage, after in measured(STAGE_SECONDS.sum).items()}
    assert all(each > 0 for each in spent.values())
    assert sum(each for stage, each in spent.items() if stage != "fetch") <= took


async def test_a_shard_that_is_closed_during_the_commit_takes_nothing_from_the_others(
    worker: Worker, proxy: RedisProxy
) -> None:
    worker.send(USERS)
    proxy.hold_commits()
    under_way = asyncio.create_task(worker.pipeline._pass(list(worker.owned.values())))
    await asyncio.to_thread(proxy.holding.wait, 20)
    worker.owned[0].close()
    proxy.release_commits()
    await under_way

    for number in (1, 2):
        hot, own = worker.owned[number].hot, [user for user in USERS if shard_of(user, PARTITIONS) == number]
        keys = [f"u:{user}".encode() for user in own]
        assert hot.cache.find(keys) == await worker.store.records(number, keys)
        assert not hot._windows[worker.topic].fresh(id_hashes(keys, own, 7)).any()
    assert not any(shard.at_rest.locked() for shard in worker.owned.values())


async def test_a_shard_that_another_has_taken_is_fenced_and_the_others_wait_again(worker: Worker) -> None:
    """Its records have names that this owner did not store: so it is found out before the commit."""
    worker.send(USERS)
    await worker.store.claim(1, "another", None)
    await worker.redis.rpush(worker.store._keys.shard(1).names, msgspec.msgpack.encode(["s", "p"]))
    await worker.pipeline._pass(list(worker.owned.values()))
    assert worker.owned[1].is_closed
    assert [worker.owned[number].waiting.events > 0 for number in (0, 2)] == [True, True]

    await worker.pipeline._pass([worker.owned[0], worker.owned[2]])
    assert await worker.logins() == sum(shard_of(user, PARTITIONS) != 1 for user in USERS)


async def test_upkeep_and_passes_take_turns_and_locks_without_waiting_for_each_other(worker: Worker) -> None:
    """With both turns and all locks wanted at once, again and again."""

    async def keep_up(shard: Shard) -> None:
        for _ in range(50):
            shard.note_backlog(None)
            await shard.upkeep()
            worker.pipeline.stir()

    async def fold() -> None:
        for number in range(20):
            worker.send([f"{user}-{number}" for user in USERS])
            worker.pipeline.stir()
            await asyncio.sleep(0)

    folding = asyncio.create_task(worker.pipeline.run())
    async with asyncio.timeout(30):
        await asyncio.gather(fold(), *(keep_up(shard) for shard in worker.owned.values()))
    async with asyncio.timeout(30):
        while await worker.logins() < 20 * len(USERS):
            await asyncio.sleep(0.05)
    folding.cancel()


async def test_a_batch_that_was_written_in_part_is_not_counted_twice(worker: Worker, proxy: RedisProxy) -> None:
    """Another owner takes the shard between two commits of the same batch, and reads all of it again."""
    await worker.direct.script_load(worker.store._commit.script)  # or the first commit would pass twice
    many = [f"user-{number}" for number in range(PARTITIONS * 4 * MOST_CUSTOMERS)]
    worker.send(many)
    proxy.hold_commits(after=2)
    under_way = asyncio.create_task(worker.pipeline._pass(list(worker.owned.values())[:1]))
    await asyncio.to_thread(proxy.holding.wait, 20)

    async def two_are_in() -> bool:
        return await worker.logins() == 2 * MOST_CUSTOMERS

    await eventually_async(two_are_in, 20, "two commits to be in")
    await worker.claim()
    proxy.release_commits()
    await under_way
    assert await worker.logins() == 2 * MOST_CUSTOMERS
    assert worker.owned[0].replayed == 2 * MOST_CUSTOMERS

    worker.send(many, again=True)
    for _ in range(2):
        await worker.pipeline._pass(list(worker.owned.values()))
    assert await worker.logins() == len(many)
    states = [await read_state(worker.direct, worker.settings.namespace, number) for number in worker.owned]
    assert [state.counters.get("repeats", 0) for state in states] == [0] * PARTITIONS
    assert [shard.replayed for shard in worker.owned.values()] == [0] * PARTITIONS


async def test_what_goes_to_side_outputs_is_in_kafka_before_the_commit_that_skips_it(
    redis_server: EmbeddedRedis, proxy: RedisProxy, side_outputs: SideOutputs, settings: Settings
) -> None:
    """So that it is never lost; whoever takes the shard from under the commit writes it once more."""
    worker = Worker(redis_server, proxy.url, side_outputs)
    await worker.claim()
    worker.send_malformed(1)
    proxy.hold_commits()
    under_way = asyncio.create_task(worker.pipeline._pass([worker.owned[1]]))
    await asyncio.to_thread(proxy.holding.wait, 20)
    [letter] = await records(settings, settings.dead_letters, 1)
    assert await worker.rejected(1) == 0

    await worker.claim()
    proxy.release_commits()
    await under_way
    assert await worker.rejected(1) == 0
    worker.send_malformed(1)
    await worker.pipeline._pass([worker.owned[1]])
    assert await worker.rejected(1) == 1
    again = await records(settings, settings.dead_letters, 2)
    assert [each.value for each in again] == [letter.value] * 2
    await worker.close()


async def test_no_commit_of_a_large_batch_holds_redis_up(worker: Worker) -> None:
    """A busy machine can make a fast call slow now and then; nothing makes a slow one fast."""
    slow = {}
    for attempt in range(10):
        await worker.direct.slowlog_reset()
        worker.send([f"user-{attempt}-{number}" for number in range(20_000)])
        await worker.pipeline._pass([worker.owned[0]])  # of a third of them
        entries = await worker.direct.slowlog_get()
        slow[attempt] = [entry["duration"] for entry in entries if b"EVAL" in entry["command"]]
        if not slow[attempt]:
            return
    raise AssertionError(f"microseconds that scripts took: {slow}")


async def test_nobody_is_evaluated_while_the_shard_is_behind(worker: Worker) -> None:
    """Also where it was seen to be due before: what waits may be just what was missed of the customer."""
    shard = worker.owned[0]
    worker.send(USERS)
    await worker.pipeline._pass(list(worker.owned.values()))
    shard.note_backlog(None)
    shard.risk_timers._waiting[b"u:somebody"] = None
    await shard.upkeep()
    assert shard.waits_since is not None
    shard.note_backlog(monotonic() - 60)
    assert await shard.due(100) == []
    assert shard.waits_since is None
    shard.note_backlog(None)
    await shard.upkeep()
    assert await shard.due(100) == [b"u:somebody"]
