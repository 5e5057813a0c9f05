"""What Assidu has in Redis after a benchmark: how far it is, whether that is right, how much room it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import msgspec
from redis.asyncio import Redis

from bench.load import Ends
from bench.measuring import Failed
from stream.settings import Settings
from stream.store.keys import Keys

_COUNTER = b"c:"
_ABOUT_CUSTOMERS = "risk_messages"
"""The only counter that says nothing about the events sent."""


class State:
    """All shards of one deployment."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        keys = Keys(settings.namespace)
        self._shards = [keys.shard(number) for number in range(settings.partitions)]

    async def positions(self) -> list[dict[str, int]]:
        """Of each shard, topic -> offset of the next record; empty before the shard was claimed."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for shard in self._shards:
                pipe.hget(shard.state, "position")
            return [msgspec.json.decode(position or b"{}") for position in await pipe.execute()]

    async def committed(self) -> int:
        return sum(sum(position.values()) for position in await self.positions())

    async def check(self, ends: Ends) -> None:
        """Raises Failed unless every event sent was counted once, and none refused or forwarded."""
        for number, position in enumerate(await self.positions()):
            expected = {topic: shards.get(number, 0) for topic, shards in ends.items()}
            if {topic: offset for topic, offset in position.items() if offset or topic in ends} != expected:
                raise Failed(f"shard {number} stands at {position}, and {expected} was sent")
        counters = await self._counters()
        del counters[_ABOUT_CUSTOMERS]
        expected = {f"events:{topic}": sum(shards.values()) for topic, shards in ends.items()}
        if counters != expected:
            raise Failed(f"counted {dict(counters)}, and {expected} was sent")

    async def _counters(self) -> Counter[str]:
        """Those that are not 0, over all shards."""
        counters: Counter[str] = Counter()
        for shard in self._shards:
            for name, count in (await self._redis.hgetall(shard.state)).items():
                if name.startswith(_COUNTER):
                    counters[name.removeprefix(_COUNTER).decode()] += int(count)
        return +counters

    async def cpu_seconds(self) -> float:
        """What Redis has used of a core since its start."""
        used = await self._redis.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])

    async def customers(self) -> int:
        return sum([await self._redis.hlen(bucket) async for bucket in self.buckets()])

    async def customer_bytes(self) -> int:
        """Redis memory of the customers' records, every field of every bucket measured."""
        return sum([await self._redis.memory_usage(bucket, samples=0) or 0 async for bucket in self.buckets()])

    async def buckets(self) -> AsyncIterator[bytes]:
        """The keys of the hashes that hold the customers' records."""
        for shard in self._shards:
            async for bucket in self._redis.scan_iter(f"{shard.customers}:*", count=1000):
                yield bucket
