"""Once a second: a sign of life for all owned shards, and a look whether Redis went back in time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from math import inf
from time import monotonic, time

import structlog
from aiokafka.errors import KafkaError

from stream.store.connect import REDIS_ERRORS
from stream.store.heartbeats import Heartbeats, Said
from stream.store.shard import ShardStore, Sign
from stream.worker.backlog import Backlog
from stream.worker.retrying import raise_if_lasting
from stream.worker.shard import Shard
from stream.worker.shards import Shards

log = structlog.get_logger()

PERIOD_SECONDS = 1.0

_LOOK_AT = 4
"""Shards whose state in Redis is looked at each time, in turn: however many there are, it costs the same."""
_FORGET_EVERY = 60


class Pulse:
    """`following` learn what others have written. `beat_at` is when every owned shard was last seen well (monotonic
    seconds)."""

    def __init__(
        self,
        shards: Shards,
        store: ShardStore,
        heartbeats: Heartbeats,
        following: Sequence[Callable[[], Awaitable[None]]],
    ) -> None:
        self._shards = shards
        self._store = store
        self._heartbeats = heartbeats
        self._following = following
        self._worker = secrets.token_hex(4)
        self._had: set[int] = set()
        self._beats = count(1)
        self._looked_at = -1
        self._behind_since: dict[int, float] = {}
        self._backlogs: dict[str, Backlog[str]] = {}
        """By owner, and so new with each claim."""
        self._missed = False
        """Whether the last sign of life failed: whoever did not answer may have lost something."""
        self.beat_at = 0.0

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(10 * PERIOD_SECONDS):
                    await self._beat()
            except (*REDIS_ERRORS, KafkaError) as error:
                raise_if_lasting(error, "let this worker read")
                self._missed = True
                log.warning("no sign of life given", error=str(error) or type(error).__name__)
            await asyncio.sleep(PERIOD_SECONDS)

    def stalled(self, stall_seconds: float) -> list[int]:
        """Shards with a backlog and no commit for that long, though Kafka and Redis answer."""
        if monotonic() - self.beat_at > 10 * PERIOD_SECONDS:
            return []
        now = monotonic()
        return [
            number
            for number, since in self._behind_since.items()
            if (shard := self._shards.owned.get(number))
            and now - max(since, shard.commits.progress_at) > stall_seconds
        ]

    async def _beat(self) -> None:
        shards, looked_at = dict(self._shards.owned), monotonic()
        ends = await self._shards.ends()
        lag = _lag(shards, ends)
        self._note_who_is_behind(shards, lag)  # before Redis is asked: it may not answer
        await self._begin_backlogs(shards)
        waiting_since_ms: dict[int, int] = {}
        for number, shard in shards.items():
            here = {topic: ends[topic, number] for topic in shard.commits.position if (topic, number) in ends}
            since = self._look_at_backlog(shard, looked_at, here)
            if since is not None:
                waiting_since_ms[number] = int((time() - (monotonic() - since)) * 1000)
        if not shards.keys() >= self._had:
            # What was said of the shards that are gone stays the last word on them.
            self._worker = secrets.token_hex(4)
        self._had = set(shards)
        doubtful = not await self._heartbeats.beat(self._worker, Said(sorted(shards), lag, waiting_since_ms))
        await self._look(list(shards.values()) if doubtful or self._missed else self._next(shards))
        if next(self._beats) % _FORGET_EVERY == 0:
            await self._heartbeats.forget_superseded()
        for follow in self._following:
            await follow()
        self._missed, self.beat_at = False, monotonic()

    async def _begin_backlogs(self, shards: Mapping[int, Shard]) -> None:
        """What waits when a shard is claimed, waits since whoever had it before last saw nothing wait."""
        owners = {shard.commits.owner: number for number, shard in shards.items()}
        if new := owners.keys() - self._backlogs.keys():
            last = await self._heartbeats.read()
            for owner in new:
                before = last.get(owners[owner])
                ago_seconds = time() - (before.waiting_since_ms or before.ms) / 1000 if before else 0.0
                self._backlogs[owner] = Backlog(monotonic() - max(0.0, ago_seconds))
        self._backlogs = {owner: self._backlogs[owner] for owner in owners}

    def _look_at_backlog(self, shard: Shard, looked_at: float, ends: Mapping[str, int]) -> float | None:
        """Since when a Kafka record waits (monotonic seconds), where one does; the shard is told."""
        backlog, position = self._backlogs[shard.commits.owner], shard.commits.position
        backlog.note(looked_at, ends)
        since = backlog.since(position)
        shard.note_backlog(since if backlog.has_caught_up(position) else -inf)
        return since

    def _note_who_is_behind(self, shards: Mapping[int, Shard], lag: Mapping[int, object]) -> None:
        for number in shards:
            if number in lag:
                self._behind_since.setdefault(number, monotonic())
            else:
                self._behind_since.pop(number, None)

    def _next(self, shards: dict[int, Shard]) -> list[Shard]:
        """The shards to look at this time."""
        later = [number for number in sorted(shards) if number > self._looked_at]
        chosen = (later + sorted(shards))[: min(_LOOK_AT, len(shards))]
        self._looked_at = chosen[-1] if chosen else -1
        return [shards[number] for number in chosen]

    async def _look(self, shards: Sequence[Shard]) -> None:
        """Whether Redis has of these shards what was committed to them last. Asked without their locks, then again
        with the lock of each that seems to differ: mostly a commit was on its way."""
        signs = await self._store.signs([shard.number for shard in shards]) if shards else {}
        for shard in shards:
            if _why_fenced(shard, signs[shard.number]):
                async with shard.at_rest:
                    [sign] = (await self._store.signs([shard.number])).values()
                    if why := _why_fenced(shard, sign):
                        shard.fence(why)


def _lag(shards: Mapping[int, Shard], ends: Mapping[tuple[str, int], int]) -> dict[int, dict[str, int]]:
    """Shard -> topic -> Kafka records that are not committed, where there are any."""
    lag: dict[int, dict[str, int]] = {}
    for number, shard in shards.items():
        for topic, at in shard.commits.position.items():
            if (waiting := ends.get((topic, number), at) - at) > 0:
                lag.setdefault(number, {})[topic] = waiting
    return lag


def _why_fenced(shard: Shard, sign: Sign) -> str | None:
    if sign.owner != shard.commits.owner:
        return "owner" if sign.owner else "position"
    if sign.commit != shard.commits.last or sign.position != shard.commits.position:
        return "position"
    return None
