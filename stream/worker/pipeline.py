"""The pipeline: passes over what waits (see steps.py), one after the other.

A pass takes many shards together where little waits for each, for a fold costs the same for one event as for some
hundreds, and a shard by itself where much does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from time import monotonic

from stream.kafka.batch import Batch
from stream.runtime.lifecycle import until_ended
from stream.worker.intake import Admission
from stream.worker.measures import spent
from stream.worker.retrying import GivenUp
from stream.worker.shard import PASSES, Common, Shard
from stream.worker.steps import Aborted, Pass, abort_if

MOST_EVENTS = 20_000
"""Events of one pass, one fetched batch more or less."""

_MANY = 2_000
"""A shard for which so many events wait is folded by itself."""

GATHER_SECONDS = 0.1
"""So long a shard waits for more after a first batch, unless it has many: a trickle does not become a commit an
event, and what is fetched together is folded together (a fold keeps the event loop from delivering)."""

_MOST_SHARDS = 256
"""Of one pass: with the slices of many customers they stay below key_ids.MOST_SLICES."""

_MOST_DUE = 4_000
"""Customers evaluated in one pass because their time has come."""


class Pipeline:
    """Of one worker; `owned` are its shards, by number, as they come and go."""

    def __init__(self, common: Common, owned: Mapping[int, Shard]) -> None:
        self._common = common
        self._owned = owned
        self._stirred = asyncio.Event()
        self._admission = Admission(common.shards_of, common.settings.oldest_days)

    def stir(self) -> None:
        """Something came, or a shard is at rest again."""
        self._stirred.set()

    async def run(self) -> None:
        """For ever. Raises what is neither bad input nor broken infrastructure."""
        await until_ended(*(self._run() for _ in range(PASSES)))

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
            if len(chosen) == _MOST_SHARDS:
                break
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
                _note_fetch(shards)
                for shard in shards:
                    # Whoever had the shard until now may have scored it anew.
                    if shard.folds_with(shards[0]):
                        batches[shard] = await shard.take()
                        due[shard] = await self._due(shard, _MOST_DUE - sum(map(len, due.values())))
                if any(batches.values()) or any(due.values()):
                    await Pass(self._common, self._admission, batches, due).run()
            except Aborted as aborted:
                for shard, taken in batches.items():
                    if shard in aborted.fenced:
                        shard.fence(aborted.fenced[shard])
                    else:
                        shard.waiting.put_back(taken)
            except GivenUp:
                pass  # before the commit, and all of them are closed

    async def _due(self, shard: Shard, most: int) -> list[bytes]:
        """Raises Aborted."""
        [keys] = await asyncio.gather(shard.due(most), return_exceptions=True)
        abort_if({shard: keys})
        return keys  # type: ignore[return-value]


def _note_fetch(shards: Sequence[Shard]) -> None:
    """How long the first of their batches has waited."""
    fetched = [shard.waiting.since for shard in shards if shard.waiting]
    if fetched:
        spent("fetch", monotonic() - min(fetched))
