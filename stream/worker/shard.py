"""One owned shard: what waits for it, what is kept of it in memory, and the messages that leave it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from time import monotonic

from stream.core.ragged import Ints
from stream.core.time import Calendar, minute_of
from stream.indicators.catalogue import SERIES
from stream.indicators.churn.evidence import Scoring
from stream.kafka.batch import Batch
from stream.runtime.lifecycle import until_ended
from stream.settings import Settings
from stream.store.labels import LabelBook, ProductBook
from stream.store.shard import REPLAYED, ShardStore
from stream.worker.clock import Clock
from stream.worker.commits import Commits, Fenced
from stream.worker.fold import SliceChanges
from stream.worker.held_back import HeldBack
from stream.worker.hot import HotState
from stream.worker.measures import forget_shard
from stream.worker.outbox import Outbox
from stream.worker.retrying import GivenUp
from stream.worker.risk_timers import RiskTimers
from stream.worker.side_outputs import SideOutputs
from stream.worker.waiting import Waiting
from stream.worker.write_sets import LogsRead

PASSES = 2
"""At the same time: one is folded while Redis works for the other."""

_BEHIND_SECONDS = 5.0

_DUE_WAIT_SECONDS = 1.0
"""For batches, which come about as often as that where any do: what is committed together costs less."""


@dataclass(frozen=True)
class Common:
    """What all shards of a worker share."""

    settings: Settings
    store: ShardStore
    labels: LabelBook
    products: ProductBook
    side_outputs: SideOutputs
    calendar: Calendar
    clock: Clock
    scoring: Callable[[], Scoring]
    """The one that ought to be in force."""
    shards_of: Callable[[Sequence[str]], Ints]
    id_key: Callable[[], Awaitable[int]]
    """The key of the event-id hashes, as Redis has it at the moment."""
    check_topics: Callable[[], Awaitable[None]]
    """Raises UserError where Kafka's topics are not those that are counted."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PASSES))
    """Whoever waits for a turn gathers more; and no more than a few batches are in memory as events and columns."""


@dataclass(frozen=True)
class Reader:
    """What a shard asks of the consumer; offsets are those of the next Kafka record."""

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
        """Held by whoever folds, evaluates customers or looks at Redis: so none of them sees a commit in flight."""
        self.begun = False
        """Whether events may be folded."""
        self.replayed = 0
        """How many events are still to come that are written already (see write_sets.py)."""
        self._fenced: str | None = None
        self._newest_ms: int | None = None
        self._backlog_noted_at = -inf
        self._waiting_since: float | None = None
        self._due_since: float | None = None
        """Since when there are customers to be evaluated."""
        self._common = common
        self._reader = reader
        self.hot = HotState(
            self.number,
            common.store,
            id_key,
            settings.repeat_hours,
            max(1, settings.cache_customers // settings.partitions),
        )
        self.risk_timers = RiskTimers(commits, common.store, common.scoring, by_wall=settings.clock == "wall")
        self._outbox = Outbox(commits, common.store, common.side_outputs)
        self._held_back = HeldBack(self.number)
        self._keep_days = settings.keep_days

    async def run(self) -> None:
        """Send what there is to send, while others fold, until closed.

        Raises Fenced; what was not committed is not lost.
        """
        try:
            with suppress(GivenUp):  # closed, perhaps before it began
                await self.begin()
                await until_ended(self.commits.closed.wait(), self._outbox.run())
        finally:
            forget_shard(self.number)
        async with self.at_rest:  # a commit in flight is finished
            pass
        if self._fenced:
            raise Fenced(self._fenced)

    async def begin(self) -> None:
        """Learn what the last owner left to do; from now on events may be folded."""
        await self.risk_timers.begin()
        self.replayed = int(await self.commits.field(REPLAYED) or 0)
        self.begun = True

    def fence(self, why: str) -> None:
        """Somebody saw that Redis no longer has this shard as it is here."""
        self._fenced = why
        self.close()

    def note_backlog(self, waiting_since: float | None) -> None:
        """The ends of the logs were seen: a Kafka record waits since then (monotonic seconds), or none does."""
        self._backlog_noted_at, self._waiting_since = monotonic(), waiting_since

    def close(self) -> None:
        """Finish the commit in flight, begin no other."""
        self.commits.closed.set()
        self.waiting.close()

    async def upkeep(self) -> None:
        """See whether customers are due in silence. Not while the shard is behind, for what waits may be just what
        was missed of a customer. Raises Fenced, and GivenUp."""
        now_ms = self._common.clock.now_ms()
        is_due = self.begun and not self.is_closed and self.risk_timers.is_due(now_ms)
        why_not = self._why_held_back() if is_due else None
        if self.is_closed:
            return
        self._held_back.note(why_not)
        if why_not or not is_due:
            return
        # In the order in which a pass takes both, or the two could wait for each other.
        async with self._common.turns, self.at_rest:
            while not self.is_closed and (write_set := await self.risk_timers.upkeep(now_ms)):
                await self.commits.commit(write_set)
        if self._due_since is None and self.risk_timers.is_due(now_ms):
            self._due_since = monotonic()

    def _why_held_back(self) -> str | None:
        if self.is_behind:
            return "Kafka records wait to be folded"
        return None if self._outbox.has_room else "Kafka does not take the messages before them"

    @property
    def is_behind(self) -> bool:
        """Whether a Kafka record waits for longer than a moment, for all that is known: Kafka may be away."""
        oldest = self._backlog_noted_at if self._waiting_since is None else self._waiting_since
        return monotonic() - oldest > _BEHIND_SECONDS

    @property
    def is_closed(self) -> bool:
        return self.commits.closed.is_set()

    @property
    def is_free(self) -> bool:
        """Whether its events may be folded at the moment."""
        return self.begun and not self.at_rest.locked() and not self.is_closed

    @property
    def waits_since(self) -> float | None:
        """Since when a batch waits, or customers are due (monotonic seconds), who rather go along with the next
        batches than by themselves."""
        since = [self.waiting.since] if self.waiting else []
        if self._due_since is not None:
            since.append(self._due_since + _DUE_WAIT_SECONDS)
        return min(since, default=None)

    def folds_with(self, other: Shard) -> bool:
        """Whether both are folded by the same rules."""
        return self.risk_timers.scoring == other.risk_timers.scoring and self.hot.id_key == other.hot.id_key

    async def take(self) -> list[Batch]:
        """The waiting batches that continue the position; the rest is stale, or must be read again.

        To be put back, or committed, by whoever holds `at_rest`.
        """
        following = dict(self.commits.position)
        accepted = []
        for batch in self.waiting.take():
            if batch.epoch != self._reader.epoch(batch.topic, self.number):
                continue
            if batch.start != following[batch.topic]:
                await self._reader.seek(batch.topic, self.number, following[batch.topic])
                continue
            following[batch.topic] = batch.end
            accepted.append(batch)
        return accepted

    async def due(self, most: int) -> list[bytes]:
        """Customers whose time has come, for whoever holds `at_rest`; they stay due until evaluated. Raises
        Fenced, and GivenUp."""
        if self._due_since is None or not most:
            return []
        if self._why_held_back():
            self._due_since = None  # until `upkeep` finds otherwise
            return []
        keys = await self.risk_timers.due(self._common.clock.now_ms(), most)
        if not keys:
            self._due_since = None
        return keys

    def remember(self, batches: Sequence[Batch], changes: Sequence[SliceChanges], read: LogsRead | None) -> None:
        """Redis has what these batches have changed, and what evaluating customers has found."""
        for change in changes:
            self._outbox.filled(len(change.messages))
            if change.newest_ms is not None:
                self._newest_ms = max(change.newest_ms, self._newest_ms or change.newest_ms)
                self._common.clock.note(change.newest_ms)
            self.hot.cache.update(change.keys, change.records)
            self.hot.remember_ids(change.ids)
        if read:
            self.hot.remember_ids(read.ids)
            self.replayed -= read.replayed_now
        if self._due_since is not None:
            self._due_since = monotonic() - _DUE_WAIT_SECONDS if self.risk_timers.has_more else None
        for batch in batches:
            self._reader.acknowledge(batch.topic, self.number, batch.end)

    async def compact(self) -> None:
        """Where the journal of the series has grown long."""
        if self._newest_ms is None:
            return
        newest, store = minute_of(self._newest_ms), self._common.store
        await self.commits.retry(
            "compact the series",
            lambda: store.compact(
                self.number, self.commits.owner, SERIES, newest, self._common.calendar.day(newest), self._keep_days
            ),
        )
