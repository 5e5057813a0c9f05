"""Which shards were committed to lately, as workers tell on a channel: who follows them need not ask all the time.

What is told while nobody listens is lost, so all shards may have changed after each subscription; and one shard after
the other is looked at anyway, for Redis may have gone back.
"""

from __future__ import annotations

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError

from stream.store.connect import REDIS_ERRORS, advice
from stream.store.keys import Keys

log = structlog.get_logger()

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
        told = False
        while True:
            try:
                await self._listen()
            except REDIS_ERRORS as error:
                if not told and (what := advice(error)):
                    log.warning("nobody tells what is committed: everything is read every second", why=what)
                    told = True
                self.lost()
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(self._channel)
            is_asked = False
            while True:
                message = await channel.get_message(timeout=_QUIET_SECONDS)
                if message is None:
                    if is_asked:
                        raise ConnectionError("the connection that tells what is committed died")
                    await channel.ping()
                is_asked = message is None
                if message and message["type"] == "subscribe":  # what was committed before was told to nobody
                    self.lost()
                elif message and message["type"] == "message":
                    self._told_of(message["data"])

    def _told_of(self, shards: bytes) -> None:
        numbers = [int(number) if number.isdigit() else -1 for number in shards.split()]
        if all(number in self._all for number in numbers):
            self._shards.update(numbers)
            self._told.set()
        else:  # somebody else's words
            self.lost()
