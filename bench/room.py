"""Room in Redis that is told apart from the customers' records: event ids, timers, and the visits within records."""

from __future__ import annotations

from itertools import product
from time import time

from redis.asyncio import Redis

from bench.state import State
from stream.indicators.catalogue import RECORD
from stream.indicators.state.visits import Visits
from stream.settings import Settings
from stream.store.keys import Keys

_VISITS = next(place for place, slot in enumerate(RECORD.slots) if slot.memory is Visits)
_WORD = 4  # bytes


class Room:
    """Of all shards of one deployment."""

    def __init__(self, redis: Redis, settings: Settings, state: State) -> None:
        self._redis = redis
        self._settings = settings
        self._state = state
        self._keys = Keys(settings.namespace)

    async def visit_bytes(self) -> int:
        """What the visits take in the customers' records: closed ones, but for those of the last half hour."""
        return sum([_visit_bytes(await self._redis.hvals(bucket)) async for bucket in self._state.buckets()])

    async def id_bytes(self) -> int:
        """Redis memory of the event ids that repeats are told by."""
        this_hour = int(time() // 3600)
        hours = range(this_hour - self._settings.repeat_hours, this_hour + 1)
        async with self._redis.pipeline(transaction=False) as pipe:
            for shard, topic, hour in product(range(self._settings.partitions), self._settings.topics, hours):
                pipe.memory_usage(self._keys.ids(shard, topic, hour))
            return sum(size or 0 for size in await pipe.execute())

    async def timer_bytes(self) -> int:
        """Redis memory of the index of whom to look at when, and of those that are at risk."""
        sizes = [
            await self._redis.memory_usage(key, samples=0) or 0
            for shard in range(self._settings.partitions)
            for pattern in (self._keys.timers(shard, 0)[:-1] + "*", self._keys.shard(shard).at_risk)
            async for key in self._redis.scan_iter(pattern, count=1000)
        ]
        return sum(sizes)


def _visit_bytes(records: list[bytes]) -> int:
    return _WORD * int(RECORD.sections(records).slots[_VISITS].lengths.sum())
