"""The steps of a pass over some shards: fetched batches are decoded, admitted, freed of repeats, loaded, folded,
committed and remembered. Each shard is committed by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import time
from typing import NamedTuple

import numpy as np

from stream.core.ragged import Ints
from stream.kafka.batch import Batch
from stream.worker.commits import Fenced, Planned, commit_together, load_together
from stream.worker.fold import SliceChanges, Touched, by_shard, columns_of, counted, fold, ids_by_slice
from stream.worker.hot import Repeats, drop_repeats
from stream.worker.intake import Admission, Arrived, Decoded, Intake, admit, decode
from stream.worker.level_changes import Present
from stream.worker.measures import BATCH_EVENTS, timed
from stream.worker.products import placed, products_of
from stream.worker.retrying import AllSet, GivenUp, retrying
from stream.worker.shard import Common, Shard
from stream.worker.write_sets import LogsRead, write_sets

Batches = Mapping[Shard, Sequence[Batch]]
"""The shards of a pass, each with what is folded of it."""

Due = Mapping[Shard, Sequence[bytes]]
"""The same shards, each with the customers whose time has come."""


class Fresh(NamedTuple):
    """Events without repeats, and those that are only counted; by shard what was found of repeats."""

    arrived: Arrived
    left_out: Arrived
    repeats: Mapping[int, Repeats]


class Folded(NamedTuple):
    """By shard: the changes in slices, and what was read of its logs, where anything was."""

    changes: Mapping[int, Sequence[SliceChanges]]
    read: Mapping[int, LogsRead]


class Pass:
    """The whole way of some batches, and of customers whose time has come."""

    def __init__(self, common: Common, admission: Admission, batches: Batches, due: Due) -> None:
        self._common = common
        self._admission = admission
        self._batches = batches
        self._shards = [shard for shard in batches if batches[shard] or due[shard]]
        self._due = due
        self._due_in = {key: shard.number for shard in self._shards for key in due[shard]}
        self._closed = AllSet([shard.commits.closed for shard in self._shards])
        self._today = int(time() // 86_400)

    async def run(self) -> None:
        """Raises Aborted, or GivenUp once all shards are closed, before the commit only: nothing has left a trace by
        then, and all can be done again."""
        with timed("decode"):
            decoded = self._decode()
        with timed("admit"):
            intake = await self._admit(decoded)
        with timed("dedupe"):
            fresh = await self._dedupe(intake)
        with timed("load"):
            touched = await self._touch(fresh, intake)
            known = await self._records(touched)
        with timed("fold"):
            folded = self._fold(touched, known, fresh, intake)
        with timed("commit"):
            committed = await self._commit(folded)
        with timed("remember"):
            await self._remember(committed, folded)

    def _decode(self) -> list[Decoded]:
        return decode([batch for some in self._batches.values() for batch in some], self._common.settings.topics)

    async def _admit(self, decoded: Sequence[Decoded]) -> Intake:
        """What does not belong here is with Kafka by the end."""
        caches = {shard.number: shard.hot.cache for shard in self._shards}
        intake = admit(decoded, self._admission, caches, now_ms=int(time() * 1000))
        send = self._common.side_outputs.of_intake(intake).attempt
        await retrying("send dead letters and forwarded events", send, self._closed)
        return intake

    async def _dedupe(self, intake: Intake) -> Fresh:
        await self._load_windows()
        fresh, repeats = drop_repeats(intake.arrived, {shard.number: shard.hot for shard in self._shards})
        return Fresh(*counted(fresh, intake.counters), repeats)

    async def _load_windows(self) -> None:
        lacking = {
            shard: topics
            for shard, some in self._batches.items()
            if shard.hot.lacks_windows(topics := {batch.topic for batch in some})
        }
        loads = [
            shard.commits.retry("load event ids", partial(shard.hot.load_windows, topics))
            for shard, topics in lacking.items()
        ]
        abort_if(dict(zip(lacking, await asyncio.gather(*loads, return_exceptions=True), strict=True)))

    async def _touch(self, fresh: Fresh, intake: Intake) -> Touched:
        """The events as columns, under products and labels that have their places, and whom they touch."""
        common, today = self._common, self._today
        products = products_of(fresh.arrived)
        await retrying("admit products", lambda: common.products.learn(products, today), self._closed)
        arrived = placed(fresh.arrived, common.products.place, intake.counters)
        key_ids = {shard.number: shard.commits.key_ids for shard in self._shards}
        definitions = common.settings.indicators.definitions
        touched = columns_of(arrived, key_ids, common.labels.place, common.calendar, definitions, self._due_in)
        wanted = list(touched.columns.wanted())
        await retrying("admit labels", lambda: common.labels.learn(wanted, today), self._closed)
        return touched

    async def _records(self, touched: Touched) -> list[bytes]:
        """Of the touched customers; empty for who was never seen before."""
        keys, shard_of = touched.keys, touched.shard
        found: list[bytes | None] = [None] * len(keys)
        places: dict[Shard, list[int]] = {}
        for shard in self._shards:
            here = np.flatnonzero(shard_of == shard.number).tolist()
            cached = shard.hot.cache.find([keys[place] for place in here])
            for place, record in zip(here, cached, strict=True):
                found[place] = record
            if missing := [place for place in here if found[place] is None]:
                places[shard] = missing
        wanted = {shard.commits: [keys[place] for place in missing] for shard, missing in places.items()}
        loaded = await load_together(self._common.store, wanted)
        abort_if({shard: loaded[shard.commits] for shard in places})
        for shard, missing in places.items():
            for place, record in zip(missing, loaded[shard.commits], strict=True):  # type: ignore[arg-type]
                found[place] = record
        return [record or b"" for record in found]

    def _fold(self, touched: Touched, known: Sequence[bytes], fresh: Fresh, intake: Intake) -> Folded:
        columns, keys = touched.columns, touched.keys
        clock_ms = self._common.clock.now_ms(columns.newest_ms)
        timers = {shard.number: shard.risk_timers for shard in self._shards}
        present = Present(
            _by_row({number: each.present(clock_ms) for number, each in timers.items()}, touched.shard),
            np.fromiter(map(self._due_in.__contains__, keys), np.bool_, len(keys)),
            _by_row({number: each.set_backs for number, each in timers.items()}, touched.shard),
        )
        keep_days = self._common.settings.keep_days
        changes = fold(columns, keys, known, keep_days, self._shards[0].risk_timers.scoring, present)
        for slice_, label, events in columns.overflowed():
            intake.counters[touched.slices[slice_]][f"label_overflow:{label}"] += events
        ids = ids_by_slice(fresh.left_out, fresh.left_out.shard)
        read = {
            shard.number: LogsRead(
                ids.get(shard.number, {}),
                intake.counters[shard.number],
                fresh.repeats[shard.number],
                shard.replayed,
            )
            for shard in self._shards
            if self._batches[shard]
        }
        return Folded(by_shard(touched, changes), read)

    async def _commit(self, folded: Folded) -> list[Shard]:
        """The shards that are committed to the end."""
        planned = []
        for shard in self._shards:
            slices = folded.changes[shard.number]
            fields = shard.risk_timers.reschedule(self._due[shard], [each.schedule for each in slices])
            ends = {batch.topic: batch.end for batch in self._batches[shard]}
            planned.append(Planned(shard.commits, write_sets(slices, folded.read.get(shard.number), fields), ends))
        results = await commit_together(self._common.store, planned)
        for shard, result in zip(self._shards, results, strict=True):
            if isinstance(result, Fenced):
                shard.fence(result.args[0])
        return [shard for shard, result in zip(self._shards, results, strict=True) if result is None]

    async def _remember(self, committed: Sequence[Shard], folded: Folded) -> None:
        for shard in committed:
            batches = self._batches[shard]
            if batches:
                BATCH_EVENTS.observe(sum(len(batch.records) for batch in batches))
            shard.remember(batches, folded.changes[shard.number], folded.read.get(shard.number))
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


def abort_if(results: Mapping[Shard, object]) -> None:
    """Raises Aborted where there are shards that are fenced or closed, and any other error as it is."""
    errors = {shard: result for shard, result in results.items() if isinstance(result, BaseException)}
    for error in errors.values():
        if not isinstance(error, Fenced | GivenUp):
            raise error
    if errors:
        raise Aborted({shard: error.args[0] for shard, error in errors.items() if isinstance(error, Fenced)})
