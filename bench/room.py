"""Room in Redis that is told apart from the customers' records: event ids, and the visits within the records."""

from __future__ import annotations

from itertools import product
from time import time

from redis.asyncio import Redis

from bench.state import State
from stream.core.record import sections
from stream.metrics import KINDS
from stream.metrics.closed_visits import Visits
from stream.settings import Settings
from stream.store.keys import Keys

_VISITS = next(number for number, kind in enumerate(KINDS) if kind.memory is Visits)
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


def _visit_bytes(records: list[bytes]) -> int:
    return _WORD * int(sections(records, len(KINDS))[1][_VISITS].lengths.sum())
