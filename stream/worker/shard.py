"""One owned shard: take what waits, decode, drop repeats, fold, commit; one commit in flight at most."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from time import monotonic, time

from stream.core.ragged import Ints
from stream.core.time import Calendar, minute_of
from stream.metrics import SERIES
from stream.metrics.evidence import Scoring
from stream.settings import Settings
from stream.stopping import until_ended
from stream.store.labels import LabelBook
from stream.store.shard import ShardStore, Work
from stream.worker.aside import Aside
from stream.worker.batch import Batch
from stream.worker.clock import Clock
from stream.worker.commits import Commits, Fenced
from stream.worker.fold import Changes, counted, facts_of, fold
from stream.worker.hot import Fresh, HotState
from stream.worker.intake import Gate, take_in
from stream.worker.measures import BATCH_EVENTS
from stream.worker.outbox import Outbox
from stream.worker.retrying import GivenUp
from stream.worker.vigil import Vigil
from stream.worker.waiting import Waiting

MOST_EVENTS = 20_000
"""Events of one fold and commit, one fetched batch more or less."""

_AT_WORK = 2
"""Shards that fold or commit at the same time: one folds while Redis works for the other."""

_COMPACT_EVERY_COMMITS = 64

_LOOK_EVERY_SECONDS = 1.0
"""At customers whose churn risk crosses a level."""
_BEHIND_SECONDS = 5.0


@dataclass(frozen=True)
class Common:
    """What all shards of a worker share."""

    settings: Settings
    store: ShardStore
    labels: LabelBook
    aside: Aside
    calendar: Calendar
    clock: Clock
    scoring: Callable[[], Scoring]
    """The one that ought to be in force."""
    shards_of: Callable[[Sequence[str]], Ints]
    id_key: Callable[[], Awaitable[int]]
    """The key of the event-id hashes, as Redis has it at the moment."""
    check_topics: Callable[[], Awaitable[None]]
    """Raises UserError where Kafka's topics are not those that are counted."""
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

    def __init__(self, commits: Commits, waiting: Waiting, common: Common, id_key: int, reader: Reader) -> None:
        settings = common.settings
        self.number = commits.number
        self.commits = commits
        self.waiting = waiting
        self.at_rest = asyncio.Lock()
        """Held while a batch is worked on: whoever holds it sees no commit in flight."""
        self._fenced: str | None = None
        self._folded = 0
        self._newest_ms: int | None = None
        self._looked_at = -inf
        self._waiting_since: float | None = None
        self._common = common
        self._reader = reader
        self._hot = HotState(
            self.number,
            common.store,
            id_key,
            settings.repeat_hours,
            max(1, settings.cache_customers // settings.partitions),
        )
        self._vigil = Vigil(commits, self._hot, common.store, common.scoring)
        self._outbox = Outbox(commits, common.store, common.aside)
        self._keep_days = settings.keep_days
        self._gate = Gate(
            families=settings.topics,
            shard=self.number,
            shards_of=common.shards_of,
            unknown=self._hot.cache.missing,
            oldest_days=settings.oldest_days,
        )

    async def run(self) -> None:
        """Fold and commit whatever arrives, look at whose time has come, tell what there is to tell, until closed.

        Raises Fenced; what was not committed is not lost.
        """
        with suppress(GivenUp):  # closed, perhaps before it began
            await self._vigil.begin()
            await until_ended(self._fold_on(), self._look_on(), self._outbox.run())
        if self._fenced:
            raise Fenced(self._fenced)

    def fence(self, why: str) -> None:
        """Somebody saw that Redis no longer has this shard as it is here."""
        self._fenced = why
        self.close()

    def looked(self, waiting_since: float | None) -> None:
        """Somebody looked at the logs: a record waits since then (monotonic seconds), or none does."""
        self._looked_at, self._waiting_since = monotonic(), waiting_since

    def close(self) -> None:
        """Finish the commit in flight, begin no other."""
        self.commits.closed.set()
        self.waiting.close()

    async def _fold_on(self) -> None:
        while await self.waiting.gathered():
            async with self.at_rest, self._common.turns:
                if self._fenced:
                    break
                if accepted := await self._accept(self.waiting.take()):
                    await self._work(accepted)

    async def _look_on(self) -> None:
        """A little at a time, so that events are folded in between; not while the shard is behind, for what waits may
        be just what was missed of a customer."""
        closed, clock, more = self.commits.closed, self._common.clock, False
        with suppress(GivenUp):
            while not closed.is_set():
                if not more:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(closed.wait(), _LOOK_EVERY_SECONDS)
                more = False
                if self._vigil.is_due(clock.now_ms()) and not self.is_behind:
                    async with self.at_rest, self._common.turns:
                        if not closed.is_set():
                            more = await self._vigil.look(clock.now_ms())
                            self._outbox.filled()

    @property
    def is_behind(self) -> bool:
        """Whether a record waits for longer than a moment, for all that is known: Kafka may be away."""
        oldest = self._looked_at if self._waiting_since is None else self._waiting_since
        return monotonic() - oldest > _BEHIND_SECONDS

    async def _accept(self, batches: list[Batch]) -> list[Batch]:
        """The batches that continue the position; the rest is stale, or must be read again."""
        following = dict(self.commits.position)
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
        common, surely = self._common, self.commits.surely
        intake = take_in(batches, self._gate, now_ms=int(time() * 1000))
        await surely("set aside dead letters and strays", common.aside.setting(intake).attempt)
        await surely("load event ids", lambda: self._hot.windows(intake.arrived))
        fresh = self._hot.drop_repeats(intake.arrived)
        arrived = counted(fresh.arrived, intake.counters)
        facts, keys = facts_of(arrived, self.commits.names, common.labels.place, common.calendar)
        wanted = list(facts.wanted())
        await surely("admit labels", lambda: common.labels.learn(wanted, today=int(time() // 86_400)))
        known = await surely("load records", lambda: self._hot.known(keys, self.commits.named))
        now_ms = common.clock.now_ms(facts.newest_ms)
        changes = fold(facts, keys, known, self._keep_days, self._vigil.scoring, now_ms)
        intake.counters["repeats"] += fresh.repeats
        intake.counters.update({f"label_overflow:{label}": events for label, events in facts.homeless()})
        await self._commit(batches, keys, changes, fresh, intake.counters, now_ms)
        self._hot.remember(keys, changes.records, fresh.ids)
        await self._compact()

    async def _commit(
        self,
        batches: list[Batch],
        keys: list[bytes],
        changes: Changes,
        fresh: Fresh,
        counters: Counter[str],
        now_ms: int,
    ) -> None:
        work = Work(
            customers=keys,
            records=changes.records,
            series=changes.increments.encode(),
            newest_ms=changes.newest_ms,
            ids={blob: hashes.tobytes() for blob, hashes in fresh.ids.items()},
            expired_ids=fresh.leaving,
            counters=+counters,
            timers=changes.schedule.timers,
            fields=self._vigil.fields(now_ms),
        )
        await self.commits.commit(work, {batch.topic: batch.end for batch in batches})
        self._vigil.committed(changes.schedule)
        if changes.newest_ms is not None:
            self._newest_ms = max(changes.newest_ms, self._newest_ms or changes.newest_ms)
            self._common.clock.note(changes.newest_ms)
        BATCH_EVENTS.observe(sum(len(batch.records) for batch in batches))
        for batch in batches:
            self._reader.acknowledge(batch.topic, self.number, batch.end)

    async def _compact(self) -> None:
        self._folded += 1
        if self._folded % _COMPACT_EVERY_COMMITS or self._newest_ms is None:
            return
        newest, store = minute_of(self._newest_ms), self._common.store
        await self.commits.surely(
            "compact the series",
            lambda: store.compact(
                self.number, self.commits.owner, SERIES, newest, self._common.calendar.day(newest), self._keep_days
            ),
        )
