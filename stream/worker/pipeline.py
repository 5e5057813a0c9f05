"""The pipeline: what waits is decoded, admitted, freed of repeats, loaded, folded, committed and remembered.

A pass takes many shards together where little waits for each, for a fold costs the same for one event as for some
hundreds, and a shard by itself where much does. Each shard is committed by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from time import monotonic, time

import numpy as np

from stream.core.names import names_of
from stream.core.ragged import Ints
from stream.stopping import until_ended
from stream.store.shard import Work
from stream.worker.batch import Batch
from stream.worker.commits import Fenced, Planned, commit_together, load_together
from stream.worker.fold import ShardChanges, by_shard, counted, facts_of, fold
from stream.worker.hot import Ids, drop_repeats
from stream.worker.intake import Gate, Intake, take_in
from stream.worker.measures import BATCH_EVENTS
from stream.worker.products import placed, products_of
from stream.worker.retrying import AllSet, GivenUp, retrying
from stream.worker.shard import Common, Shard

MOST_EVENTS = 20_000
"""Events of one pass, one fetched batch more or less."""

_MANY = 2_000
"""A shard for which so many events wait is folded by itself."""

GATHER_SECONDS = 0.1
"""So long a shard waits for more after a first batch, unless it has many: a trickle does not become a commit an
event, and what is fetched together is folded together (a fold keeps the event loop from delivering)."""

_AT_ONCE = 2
"""Passes under way: one is folded while Redis works for the other."""


Batches = Mapping[Shard, Sequence[Batch]]
"""The shards of a pass, each with what is folded of it."""


class Pipeline:
    """Of one worker; `owned` are its shards, by number, as they come and go."""

    def __init__(self, common: Common, owned: Mapping[int, Shard]) -> None:
        self._common = common
        self._owned = owned
        self._keep_days = common.settings.keep_days
        self._stirred = asyncio.Event()
        self._gate = Gate(common.settings.topics, common.shards_of, common.settings.oldest_days)

    def stir(self) -> None:
        """Something came, or a shard is at rest again."""
        self._stirred.set()

    async def run(self) -> None:
        """For ever. Raises what is neither bad input nor broken infrastructure."""
        await until_ended(*(self._run() for _ in range(_AT_ONCE)))

    async def _run(self) -> None:
        while True:
            if not any(shard.waiting for shard in self._owned.values()):
                await self._stirred.wait()
            self._stirred.clear()
            async with self._common.turns:
                if chosen := self._ready():
                    await self._pass(chosen)
                    self.stir()
                    continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), GATHER_SECONDS / 2)

    def _ready(self) -> list[Shard]:
        """The shards of the next pass: that which has waited longest, and others if it is a small one."""
        free = [shard for shard in self._owned.values() if shard.waiting and shard.is_free]
        free.sort(key=lambda shard: shard.waiting.since)
        if not free or (
            free[0].waiting.since + GATHER_SECONDS > monotonic()
            and max(shard.waiting.events for shard in free) < MOST_EVENTS
        ):
            return []
        first = free[0]
        if first.waiting.events >= _MANY:
            return [first]
        chosen, events = [], 0
        for shard in free:
            if shard.waiting.events < _MANY and shard.folds_with(first) and events < MOST_EVENTS:
                chosen.append(shard)
                events += shard.waiting.events
        return chosen

    async def _pass(self, shards: Sequence[Shard]) -> None:
        """Whatever fails before the commit has left no trace: the batches wait again."""
        batches: dict[Shard, list[Batch]] = {}
        async with AsyncExitStack() as at_rest:
            for shard in shards:
                await at_rest.enter_async_context(shard.at_rest)
            try:
                for shard in shards:
                    # Whoever had the shard until now may have scored it anew.
                    if shard.folds_with(shards[0]) and (taken := await shard.take()):
                        batches[shard] = taken
                if batches:
                    await self._work(batches)
            except Aborted as aborted:
                for shard, taken in batches.items():
                    if shard in aborted.fenced:
                        shard.fence(aborted.fenced[shard])
                    else:
                        shard.waiting.put_back(taken)
            except GivenUp:
                pass  # before the commit, and all of them are closed

    async def _work(self, batches: Batches) -> None:
        """The whole way of some batches. Everything before the commit can be repeated without a trace."""
        common, shards = self._common, list(batches)
        closed = AllSet([shard.commits.closed for shard in shards])
        hot = {shard.number: shard.hot for shard in shards}
        caches = {number: state.cache for number, state in hot.items()}
        intake = take_in(
            [batch for some in batches.values() for batch in some], self._gate, caches, now_ms=int(time() * 1000)
        )
        await self._load_windows(batches)
        await retrying("send dead letters and forwarded events", common.aside.setting(intake).attempt, closed)
        fresh, ids = drop_repeats(intake.arrived, hot)
        arrived, today = counted(fresh, intake.counters), int(time() // 86_400)
        await retrying("admit products", lambda: common.products.learn(products_of(arrived), today), closed)
        arrived = placed(arrived, common.products.place, intake.counters)
        names = names_of({shard.number: shard.commits.names for shard in shards})
        facts, keys = facts_of(
            arrived, names, common.labels.place, common.calendar, common.settings.indicators.definitions
        )
        wanted = list(facts.wanted())
        await retrying("admit labels", lambda: common.labels.learn(wanted, today), closed)
        known = await self._load(shards, keys, facts.customers.shard)
        clock_ms = common.clock.now_ms(facts.newest_ms)
        present = {shard.number: shard.vigil.present(clock_ms) for shard in shards}
        as_of = _by_row(present, facts.customers.shard)
        changes = fold(facts, keys, known, self._keep_days, shards[0].vigil.scoring, as_of)
        for number, label, events in facts.overflowed():
            intake.counters[number][f"label_overflow:{label}"] += events
        await self._commit(batches, intake, by_shard(facts, keys, changes, hot), ids, present)

    async def _load_windows(self, batches: Batches) -> None:
        """Raises Aborted."""
        lacking = {
            shard: topics
            for shard, some in batches.items()
            if shard.hot.lacks_windows(topics := {batch.topic for batch in some})
        }
        loads = [
            shard.commits.surely("load event ids", partial(shard.hot.load_windows, topics))
            for shard, topics in lacking.items()
        ]
        _abort_if(dict(zip(lacking, await asyncio.gather(*loads, return_exceptions=True), strict=True)))

    async def _load(self, shards: Sequence[Shard], keys: Sequence[bytes], shard_of: Ints) -> list[bytes]:
        """The records of the customers with these keys; empty for who was never seen before. Raises Aborted."""
        found: list[bytes | None] = [None] * len(keys)
        places: dict[Shard, list[int]] = {}
        for shard in shards:
            here = np.flatnonzero(shard_of == shard.number).tolist()
            cached = shard.hot.cache.find([keys[place] for place in here])
            for place, record in zip(here, cached, strict=True):
                found[place] = record
            if missing := [place for place in here if found[place] is None]:
                places[shard] = missing
        wanted = {shard.commits: [keys[place] for place in missing] for shard, missing in places.items()}
        loaded = await load_together(self._common.store, wanted)
        _abort_if({shard: loaded[shard.commits] for shard in places})
        for shard, missing in places.items():
            for place, record in zip(missing, loaded[shard.commits], strict=True):  # type: ignore[arg-type]
                found[place] = record
        return [record or b"" for record in found]

    async def _commit(
        self,
        batches: Batches,
        intake: Intake,
        changes: Mapping[int, ShardChanges],
        ids: Mapping[int, Ids],
        present: Mapping[int, int],
    ) -> None:
        planned = []
        for shard, some in batches.items():
            change, of_ids, counters = changes[shard.number], ids[shard.number], intake.counters[shard.number]
            counters["repeats"] += of_ids.repeats
            work = Work(
                customers=change.keys,
                records=change.records,
                series=change.series,
                newest_ms=change.newest_ms,
                ids={blob: hashes.tobytes() for blob, hashes in of_ids.new.items()},
                ids_since=of_ids.since,
                counters=+counters,
                timers=change.schedule.timers,
                fields=shard.vigil.fields(change.schedule, present[shard.number]),
            )
            planned.append(Planned(shard.commits, work, {batch.topic: batch.end for batch in some}))
        results = await commit_together(self._common.store, planned)
        committed = []
        for (shard, some), result in zip(batches.items(), results, strict=True):
            if isinstance(result, Fenced):
                shard.fence(result.args[0])
            elif result is None:
                BATCH_EVENTS.observe(sum(len(batch.records) for batch in some))
                shard.remember(some, changes[shard.number], ids[shard.number])
                committed.append(shard)
        # Only now: to wait, or to give one up, may not keep another from remembering what Redis has of it.
        for shard in committed:
            with suppress(GivenUp):
                await shard.compact()


def _by_row(of_shard: Mapping[int, int], shard: Ints) -> Ints:
    """For each row, what the shard in it has."""
    found = np.zeros(len(shard), np.int64)
    for number, value in of_shard.items():
        found[shard == number] = value
    return found


class Aborted(Exception):
    """A pass cannot go on for some of its shards: those that are `fenced` (-> why), or closed."""

    def __init__(self, fenced: Mapping[Shard, str]) -> None:
        super().__init__(fenced)
        self.fenced = fenced


def _abort_if(results: Mapping[Shard, object]) -> None:
    """Raises Aborted where there are shards that are fenced or closed, and any other error as it is."""
    errors = {shard: result for shard, result in results.items() if isinstance(result, BaseException)}
    for error in errors.values():
        if not isinstance(error, Fenced | GivenUp):
            raise error
    if errors:
        raise Aborted({shard: error.args[0] for shard, error in errors.items() if isinstance(error, Fenced)})
