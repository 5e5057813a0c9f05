"""Once a second: a sign of life for every owned shard, and a look whether Redis went back in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from time import monotonic, time

import structlog
from aiokafka.errors import KafkaError

from stream import kafka_errors
from stream.store.connect import AWAY
from stream.store.shard import ShardStore
from stream.worker.backlog import Backlog
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
        self._backlogs: dict[str, Backlog[str]] = {}
        self.beat_at = 0.0

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(10 * PERIOD_SECONDS):
                    await self._beat()
            except (*AWAY, KafkaError) as error:
                if isinstance(error, KafkaError) and not kafka_errors.passes(error):
                    raise kafka_errors.refusal(error, "let this worker read") from None
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
        looked_at = monotonic()
        ends = await self._shards.ends()
        owned = list(self._shards.owned.items())
        for number, shard in owned:
            here = {topic: ends[topic, number] for topic in shard.commits.position if (topic, number) in ends}
            backlog = await self._backlog(shard)
            backlog.note(looked_at, here)
            lag = {topic: max(0, here.get(topic, at) - at) for topic, at in shard.commits.position.items()}
            if any(lag.values()):
                self._behind_since.setdefault(number, monotonic())
            else:
                self._behind_since.pop(number, None)
            await self._sign(shard, lag, backlog)
        self._backlogs = {shard.commits.owner: self._backlogs[shard.commits.owner] for _, shard in owned}
        for follow in self._following:
            await follow()
        self.beat_at = monotonic()

    async def _backlog(self, shard: Shard) -> Backlog[str]:
        """New with each claim; what waits then, waits since whoever had the shard before last saw nothing wait."""
        owner = shard.commits.owner
        if owner not in self._backlogs:
            heartbeat, oldest = await self._store.last_sign(shard.number)
            ago_seconds = time() - (oldest or heartbeat or time() * 1000) / 1000
            self._backlogs[owner] = Backlog(monotonic() - max(0, ago_seconds))
        return self._backlogs[owner]

    async def _sign(self, shard: Shard, lag: dict[str, int], backlog: Backlog[str]) -> None:
        since = backlog.since(shard.commits.position)
        oldest_ms = 0 if since is None else int((time() - (monotonic() - since)) * 1000)
        shard.looked(since if backlog.has_caught_up(shard.commits.position) else -inf)
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
