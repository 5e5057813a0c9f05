"""Once a second: a sign of life for all owned shards, and a look whether Redis went back in time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from itertools import count
from time import monotonic, time

import structlog
from aiokafka.errors import KafkaError

from stream.store.connect import AWAY, passes
from stream.store.heartbeats import Heartbeats, Said
from stream.store.shard import ShardStore, Sign
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
        self._beats = count(1)
        self._looked_at = -1
        self._behind_since: dict[int, float] = {}
        self._missed = False
        """Whether the last sign of life failed: whoever did not answer may have lost something."""
        self.beat_at = 0.0

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(10 * PERIOD_SECONDS):
                    await self._beat()
            except (*AWAY, KafkaError) as error:
                if isinstance(error, AWAY) and not passes(error):
                    raise
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
        shards = dict(self._shards.owned)
        lag = self._lag(shards, await self._shards.ends())
        for number, shard in shards.items():
            if number in lag:
                self._behind_since.setdefault(number, monotonic())
            else:
                self._behind_since.pop(number, None)
            shard.left_ms = self._oldest_ms(shard) if number in lag else 0
        waiting = {number: shard.left_ms for number, shard in shards.items() if shard.left_ms}
        doubtful = not await self._heartbeats.beat(self._worker, Said(sorted(shards), lag, waiting))
        await self._look(list(shards.values()) if doubtful or self._missed else self._next(shards))
        if next(self._beats) % _FORGET_EVERY == 0:
            await self._heartbeats.forget_superseded()
        for follow in self._following:
            await follow()
        self._missed, self.beat_at = False, monotonic()

    def _lag(self, shards: dict[int, Shard], ends: dict[tuple[str, int], int]) -> dict[int, dict[str, int]]:
        """Shard -> topic -> records that are not committed, where there are any."""
        found: dict[int, dict[str, int]] = {}
        for number, shard in shards.items():
            for topic, at in shard.commits.position.items():
                if (waiting := ends.get((topic, number), at) - at) > 0:
                    found.setdefault(number, {})[topic] = waiting
        return found

    def _next(self, shards: dict[int, Shard]) -> list[Shard]:
        """The shards to look at this time."""
        later = [number for number in sorted(shards) if number > self._looked_at]
        chosen = (later + sorted(shards))[: min(_LOOK_AT, len(shards))]
        self._looked_at = chosen[-1] if chosen else -1
        return [shards[number] for number in chosen]

    async def _look(self, shards: Sequence[Shard]) -> None:
        """Whether Redis has of these shards what was committed to them last."""
        async with AsyncExitStack() as at_rest:
            resting = [shard for shard in shards if not shard.at_rest.locked()]
            for shard in resting:  # of all others a commit is on its way, which finds out by itself
                await at_rest.enter_async_context(shard.at_rest)
            signs = await self._store.signs([shard.number for shard in resting]) if resting else {}
            for shard in resting:
                if why := _why_fenced(shard, signs[shard.number]):
                    shard.fence(why)

    def _oldest_ms(self, shard: Shard) -> int:
        """Record time of the oldest uncommitted record; while it is not fetched yet, since when it can be waiting."""
        fetched = shard.oldest_ms
        if fetched is not None:
            return fetched
        behind_since = max(self._behind_since[shard.number], shard.commits.progress_at)
        return int((time() - (monotonic() - behind_since)) * 1000)


def _why_fenced(shard: Shard, sign: Sign) -> str | None:
    if sign.owner != shard.commits.owner:
        return "owner" if sign.owner else "position"
    if sign.commit != shard.commits.last or sign.position != shard.commits.position:
        return "position"
    return None
