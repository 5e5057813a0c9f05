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

from stream.core.ragged import Ints
from stream.kafka.batch import Batch
from stream.runtime.lifecycle import until_ended
from stream.worker.commits import Fenced, Planned, commit_together, load_together
from stream.worker.crossings import Present
from stream.worker.fold import SliceChanges, by_shard, counted, facts_of, fold, ids_by_slice
from stream.worker.hot import drop_repeats
from stream.worker.intake import Gate, take_in
from stream.worker.measures import BATCH_EVENTS
from stream.worker.products import placed, products_of
from stream.worker.retrying import AllSet, GivenUp, retrying
from stream.worker.shard import Common, Shard
from stream.worker.write_sets import Read, write_sets

MOST_EVENTS = 20_000
"""Events of one pass, one fetched batch more or less."""

_MANY = 2_000
"""A shard for which so many events wait is folded by itself."""

GATHER_SECONDS = 0.1
"""So long a shard waits for more after a first batch, unless it has many: a trickle does not become a commit an
event, and what is fetched together is folded together (a fold keeps the event loop from delivering)."""

_MOST_LOOKS = 4_000
"""Customers looked at in one pass because their time has come."""

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
            if all(shard.waits_since is None for shard in self._owned.values()):
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
        waits = {shard: shard.waits_since for shard in self._owned.values() if shard.is_free}
        since = {shard: moment for shard, moment in waits.items() if moment is not None}
        if not since or (
            min(since.values()) + GATHER_SECONDS > monotonic()
            and max(shard.waiting.events for shard in since) < MOST_EVENTS
        ):
            return []
        first, *others = sorted(since, key=since.__getitem__)
        chosen, events = [first], first.waiting.events
        if events >= _MANY:
            return chosen
        for shard in others:
            if shard.waiting.events < _MANY and shard.folds_with(first) and events < MOST_EVENTS:
                chosen.append(shard)
                events += shard.waiting.events
        return chosen

    async def _pass(self, shards: Sequence[Shard]) -> None:
        """Whatever fails before the commit has left no trace: the batches wait again."""
        batches: dict[Shard, list[Batch]] = {}
        due: dict[Shard, list[bytes]] = {}
        async with AsyncExitStack() as at_rest:
            for shard in shards:
                await at_rest.enter_async_context(shard.at_rest)
            try:
                for shard in shards:
                    # Whoever had the shard until now may have scored it anew.
                    if shard.folds_with(shards[0]):
                        batches[shard] = await shard.take()
                        due[shard] = await self._due(shard, _MOST_LOOKS - sum(map(len, due.values())))
                if any(batches.values()) or any(due.values()):
                    await self._work(batches, due)
            except Aborted as aborted:
                for shard, taken in batches.items():
                    if shard in aborted.fenced:
                        shard.fence(aborted.fenced[shard])
                    else:
                        shard.put_back(taken, due.get(shard, ()))
            except GivenUp:
                pass  # before the commit, and all of them are closed

    async def _due(self, shard: Shard, most: int) -> list[bytes]:
        """Raises Aborted."""
        [keys] = await asyncio.gather(shard.due(most), return_exceptions=True)
        _abort_if({shard: keys})
        return keys  # type: ignore[return-value]

    async def _work(self, batches: Batches, due: Mapping[Shard, Sequence[bytes]]) -> None:
        """The whole way of some batches, and of customers whose time has come. Everything before the commit can be
        repeated without a trace."""
        common = self._common
        shards = [shard for shard in batches if batches[shard] or due[shard]]
        closed = AllSet([shard.commits.closed for shard in shards])
        hot = {shard.number: shard.hot for shard in shards}
        caches = {number: state.cache for number, state in hot.items()}
        intake = take_in(
            [batch for some in batches.values() for batch in some], self._gate, caches, now_ms=int(time() * 1000)
        )
        await self._load_windows(batches)
        await retrying("send dead letters and forwarded events", common.aside.setting(intake).attempt, closed)
        fresh, repeats = drop_repeats(intake.arrived, hot)
        (arrived, left_out), today = counted(fresh, intake.counters), int(time() // 86_400)
        await retrying("admit products", lambda: common.products.learn(products_of(arrived), today), closed)
        arrived = placed(arrived, common.products.place, intake.counters)
        names = {shard.number: shard.commits.names for shard in shards}
        looked_at = {key: shard.number for shard in shards for key in due[shard]}
        definitions = common.settings.indicators.definitions
        touched = facts_of(arrived, names, common.labels.place, common.calendar, definitions, looked_at)
        facts, keys = touched.facts, touched.keys
        wanted = list(facts.wanted())
        await retrying("admit labels", lambda: common.labels.learn(wanted, today), closed)
        known = await self._load(shards, keys, touched.shard)
        clock_ms = common.clock.now_ms(facts.newest_ms)
        present = {shard.number: shard.vigil.present(clock_ms) for shard in shards}
        as_of = Present(
            _by_row(present, touched.shard),
            np.fromiter(map(looked_at.__contains__, keys), np.bool_, len(keys)),
            _by_row({shard.number: shard.vigil.set_backs for shard in shards}, touched.shard),
        )
        changes = fold(facts, keys, known, self._keep_days, shards[0].vigil.scoring, as_of)
        for slice_, label, events in facts.overflowed():
            intake.counters[touched.slices[slice_]][f"label_overflow:{label}"] += events
        ids = ids_by_slice(left_out, left_out.shard)
        read = {
            shard.number: Read(
                ids.get(shard.number, {}), intake.counters[shard.number], repeats[shard.number], shard.replayed
            )
            for shard in shards
            if batches[shard]
        }
        await self._commit(batches, by_shard(touched, changes), read, present)

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
        changes: Mapping[int, Sequence[SliceChanges]],
        read: Mapping[int, Read],
        present: Mapping[int, int],
    ) -> None:
        shards = [shard for shard in batches if shard.number in changes]
        planned = []
        for shard in shards:
            slices = changes[shard.number]
            fields = shard.vigil.fields([each.schedule for each in slices if each], present[shard.number])
            works = write_sets(slices, read.get(shard.number), fields)
            planned.append(Planned(shard.commits, works, {batch.topic: batch.end for batch in batches[shard]}))
        results = await commit_together(self._common.store, planned)
        committed = []
        for shard, result in zip(shards, results, strict=True):
            if isinstance(result, Fenced):
                shard.fence(result.args[0])
            elif result is None:
                if batches[shard]:
                    BATCH_EVENTS.observe(sum(len(batch.records) for batch in batches[shard]))
                shard.remember(batches[shard], changes[shard.number], read.get(shard.number))
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
