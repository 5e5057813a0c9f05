"""Which shards were committed to lately, as workers tell on a channel: who follows them need not ask all the time.

What is told while nobody listens is lost, so all shards may have changed after each subscription; and one shard after
the other is looked at anyway, for Redis may have gone back.
"""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from stream.store.connect import AWAY
from stream.store.keys import Keys

_QUIET_SECONDS = 5.0
_AGAIN_SECONDS = 1.0


class Committed:
    """`listen` runs beside whoever asks."""

    def __init__(self, redis: Redis, namespace: str, partitions: int) -> None:
        self._redis = redis
        self._channel = Keys(namespace).committed
        self._all = range(partitions)
        self._shards: set[int] = set()
        self._looked_at = 0
        self._told = asyncio.Event()
        self.lost()

    def lost(self) -> None:
        """All shards may have changed."""
        self._shards.update(self._all)
        self._told.set()

    async def wait(self, seconds: float) -> None:
        """Until something is told, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            pass

    def take(self) -> set[int]:
        """The shards to look at: what was told of since the last time, and another one in turn."""
        self._looked_at = (self._looked_at + 1) % len(self._all)
        taken, self._shards = self._shards | {self._looked_at}, set()
        self._told.clear()
        return taken

    async def listen(self) -> None:
        """For ever; while Redis is away, again and again."""
        while True:
            try:
                await self._listen()
            except AWAY:
                self.lost()
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(self._channel)
            self.lost()
            while True:
                message = await channel.get_message(timeout=_QUIET_SECONDS)
                if message is None:
                    await channel.ping()  # or a connection that died would never be noticed
                elif message["type"] == "message":
                    self._shards.update(map(int, message["data"].split()))
                    self._told.set()
