"""Once a second: a sign of life for every owned shard, and a look whether Redis went back in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic, time

import structlog
from aiokafka.errors import KafkaError

from stream.store.connect import AWAY, passes
from stream.store.shard import ShardStore
from stream.worker.shard import Shard
from stream.worker.shards import Shards

log = structlog.get_logger()

PERIOD_SECONDS = 1.0


class Pulse:
    """`following` learn what others have written. `beat_at` is when every owned shard was last seen well (monotonic
    seconds); `lag` is of that moment."""

    def __init__(self, shards: Shards, store: ShardStore, following: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._shards = shards
        self._following = following
        self._store = store
        self._behind_since: dict[int, float] = {}
        self.beat_at = 0.0

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(10 * PERIOD_SECONDS):
                    await self._beat()
            except (*AWAY, KafkaError) as error:
                if isinstance(error, AWAY) and not passes(error):
                    raise
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
        ends = await self._shards.ends()
        for number, shard in list(self._shards.owned.items()):
            lag = {topic: max(0, ends.get((topic, number), at) - at) for topic, at in shard.commits.position.items()}
            if any(lag.values()):
                self._behind_since.setdefault(number, monotonic())
            else:
                self._behind_since.pop(number, None)
            await self._sign(shard, lag)
        for follow in self._following:
            await follow()
        self.beat_at = monotonic()

    async def _sign(self, shard: Shard, lag: dict[str, int]) -> None:
        oldest_ms = shard.left_ms = self._oldest_ms(shard) if any(lag.values()) else 0
        if shard.at_rest.locked():
            # A commit is on its way: it finds out by itself whether the shard is still ours.
            await self._store.tick(shard.number, shard.commits.owner, lag, oldest_ms)
            return
        async with shard.at_rest:
            sign = await self._store.tick(shard.number, shard.commits.owner, lag, oldest_ms)
            if sign.owner != shard.commits.owner:
                shard.fence("owner" if sign.owner else "position")
            elif sign.commit != shard.commits.last or sign.position != shard.commits.position:
                shard.fence("position")

    def _oldest_ms(self, shard: Shard) -> int:
        """Record time of the oldest uncommitted record; while it is not fetched yet, since when it can be waiting."""
        fetched = shard.oldest_ms
        if fetched is not None:
            return fetched
        behind_since = max(self._behind_since[shard.number], shard.commits.progress_at)
        return int((time() - (monotonic() - behind_since)) * 1000)
