"""One owned shard: take what waits, decode, drop repeats, fold, commit; one commit in flight at most."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, time
from typing import TypeVar

import structlog

from stream.core.names import Names
from stream.core.ragged import Ints
from stream.core.time import Calendar, minute_of
from stream.metrics import SERIES
from stream.metrics.evidence import Scoring
from stream.settings import Settings
from stream.store.labels import LabelBook
from stream.store.shard import COMMIT_LENGTH, Commit, Position, ShardStore
from stream.worker.aside import Aside
from stream.worker.batch import Batch
from stream.worker.fold import Changes, counted, facts_of, fold
from stream.worker.hot import Fresh, HotState
from stream.worker.intake import Gate, take_in
from stream.worker.measures import BATCH_EVENTS, COMMIT_SECONDS, COMMITS_REFUSED
from stream.worker.retrying import retrying
from stream.worker.waiting import Waiting

log = structlog.get_logger()

Result = TypeVar("Result")

MOST_EVENTS = 20_000
"""Events of one fold and commit, one fetched batch more or less."""

_AT_WORK = 2
"""Shards that fold or commit at the same time: one folds while Redis works for the other."""

_COMPACT_EVERY_COMMITS = 64


class Fenced(Exception):
    """Redis refused a commit. `args[0]`: "owner" (another worker has the shard) or "position" (Redis went back)."""


@dataclass(frozen=True)
class Common:
    """What all shards of a worker share."""

    settings: Settings
    store: ShardStore
    labels: LabelBook
    aside: Aside
    calendar: Calendar
    scoring: Scoring
    shards_of: Callable[[Sequence[str]], Ints]
    id_key: Callable[[], Awaitable[int]]
    """The key of the event-id hashes, as Redis has it at the moment."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_WORK))
    """Whoever waits for a turn gathers more; and no more than a few batches are in memory as events and columns."""


@dataclass(frozen=True)
class Reader:
    """What a shard asks of the consumer; offsets are those of the next record."""

    epoch: Callable[[str, int], int]
    """(topic, shard) -> how often it was sought: a batch of an earlier epoch is stale."""
    seek: Callable[[str, int, int], Awaitable[None]]
    """(topic, shard, offset): read on from there."""
    acknowledge: Callable[[str, int, int], None]
    """(topic, shard, offset): everything before it is committed."""


class Shard:
    """Redis holds the truth; everything here can be dropped and loaded again."""

    def __init__(
        self,
        number: int,
        owner: str,
        position: Position,
        commit: str | None,
        waiting: Waiting,
        common: Common,
        id_key: int,
        names: Names,
        reader: Reader,
    ) -> None:
        settings = common.settings
        self.number = number
        self.owner = owner
        self.position = position
        self.commit = commit
        self.waiting = waiting
        self.progress_at = monotonic()
        self.at_rest = asyncio.Lock()
        """Held while a batch is worked on: whoever holds it sees no commit in flight."""
        self._closed = asyncio.Event()
        self._fenced: str | None = None
        self._commits = 0
        self._newest_ms: int | None = None
        self._working_ms: int | None = None
        self._common = common
        self._reader = reader
        self._hot = HotState(
            number,
            common.store,
            id_key,
            settings.repeat_hours,
            max(1, settings.cache_customers // settings.partitions),
        )
        self._names = names
        self._named = len(names)
        """How many of the names are stored."""
        self._keep_days = settings.keep_days
        self._gate = Gate(
            families=settings.topics,
            shard=number,
            shards_of=common.shards_of,
            unknown=self._hot.cache.missing,
            oldest_days=settings.oldest_days,
        )

    async def run(self) -> None:
        """Fold and commit whatever arrives, until closed. Raises Fenced; what was not committed is not lost."""
        while await self.waiting.gathered():
            async with self._common.turns, self.at_rest:
                if self._fenced:
                    break
                if accepted := await self._accept(self.waiting.take()):
                    self._working_ms = min(batch.records[0].timestamp for batch in accepted)
                    await self._work(accepted)
                    self._working_ms = None
        if self._fenced:
            raise Fenced(self._fenced)

    def fence(self, why: str) -> None:
        """Somebody saw that Redis no longer has this shard as it is here."""
        self._fenced = why
        self.close()

    @property
    def oldest_ms(self) -> int | None:
        """Record time of the oldest record that is fetched and not committed."""
        waiting = self.waiting.oldest_ms
        if waiting is None or self._working_ms is None:
            return self._working_ms if waiting is None else waiting
        return min(waiting, self._working_ms)

    def close(self) -> None:
        """Finish the commit in flight, begin no other."""
        self._closed.set()
        self.waiting.close()

    async def _accept(self, batches: list[Batch]) -> list[Batch]:
        """The batches that continue the position; the rest is stale, or must be read again."""
        following = dict(self.position)
        accepted = []
        for batch in batches:
            if batch.epoch != self._reader.epoch(batch.topic, self.number):
                continue
            if batch.start != following[batch.topic]:
                await self._reader.seek(batch.topic, self.number, following[batch.topic])
                continue
            following[batch.topic] = batch.end
            accepted.append(batch)
        return accepted

    async def _work(self, batches: list[Batch]) -> None:
        """The whole way of some batches. Everything before the commit can be repeated without a trace."""
        common = self._common
        intake = take_in(batches, self._gate, now_ms=int(time() * 1000))
        await self._surely(
            "set aside dead letters and strays", lambda: common.aside.send(intake.refused, intake.strays)
        )
        await self._surely("load event ids", lambda: self._hot.windows(intake.arrived))
        fresh = self._hot.drop_repeats(intake.arrived)
        arrived = counted(fresh.arrived, intake.counters)
        facts, keys = facts_of(arrived, self._names, common.labels.place, common.calendar)
        wanted = list(facts.wanted())
        await self._surely("admit labels", lambda: common.labels.learn(wanted, today=int(time() // 86_400)))
        known = await self._surely("load records", lambda: self._hot.known(keys))
        changes = fold(facts, known, self._keep_days, common.scoring)
        intake.counters["repeats"] += fresh.repeats
        intake.counters.update({f"label_overflow:{label}": events for label, events in facts.homeless()})
        await self._commit(batches, keys, changes, fresh, intake.counters)
        self._hot.remember(keys, changes.records, fresh.ids)
        await self._compact()

    async def _commit(
        self,
        batches: list[Batch],
        keys: list[bytes],
        changes: Changes,
        fresh: Fresh,
        counters: Counter[str],
    ) -> None:
        following = self.position | {batch.topic: batch.end for batch in batches}
        commit = Commit(
            commit=secrets.token_hex(COMMIT_LENGTH // 2),
            expected=self.position,
            position=following,
            newest_ms=changes.newest_ms,
            customers=keys,
            records=changes.records,
            series=changes.increments.encode(),
            named=self._named,
            names=self._names.pack(self._named),
            ids={blob: hashes.tobytes() for blob, hashes in fresh.ids.items()},
            expired_ids=fresh.leaving,
            counters=+counters,
        )
        with COMMIT_SECONDS.time():
            answer = await self._surely("commit", lambda: self._common.store.commit(self.number, self.owner, commit))
        if answer in ("owner", "position"):
            COMMITS_REFUSED.inc()
            raise Fenced(answer)
        self.position, self.commit, self.progress_at = following, commit.commit, monotonic()
        self._named += len(commit.names)
        if changes.newest_ms is not None:
            self._newest_ms = max(changes.newest_ms, self._newest_ms or changes.newest_ms)
        BATCH_EVENTS.observe(sum(len(batch.records) for batch in batches))
        for batch in batches:
            self._reader.acknowledge(batch.topic, self.number, batch.end)

    async def _compact(self) -> None:
        self._commits += 1
        if self._commits % _COMPACT_EVERY_COMMITS or self._newest_ms is None:
            return
        newest = minute_of(self._newest_ms)
        await self._surely(
            "compact the series",
            lambda: self._common.store.compact(
                self.number, self.owner, SERIES, newest, self._common.calendar.day(newest), self._keep_days
            ),
        )

    async def _surely(self, what: str, attempt: Callable[[], Awaitable[Result]]) -> Result:
        return await retrying(f"shard {self.number}: {what}", attempt, self._closed)
