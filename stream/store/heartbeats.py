"""Heartbeats: each worker's sign of life, one a second for all of its shards together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from secrets import token_hex
from typing import NamedTuple

import msgspec
from redis.asyncio import Redis

from stream.store.connect import script
from stream.store.keys import Keys

_SUPERSEDED_MS = 60_000
"""So long after its last sign of life a worker is forgotten whose shards all have others."""

Lag = dict[str, int]
"""Topic -> Kafka records that wait, where there are any."""


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a worker says: its shards, how many Kafka records of which topics wait for them, and since when."""

    shards: list[int]
    lag: dict[int, Lag] = {}
    waiting_since_ms: dict[int, int] = {}


class Heartbeat(NamedTuple):
    """The last sign of life for a shard, in milliseconds since the epoch by Redis's clock; what waits, since when."""

    ms: int
    lag: Mapping[str, int]
    waiting_since_ms: int | None


class Heartbeats:
    """Raises redis.exceptions when Redis is away."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self._redis = redis
        self._key = Keys(namespace).heartbeats
        self._beat = script(redis, "heartbeat")
        self._words: dict[str, str] = {}

    async def beat(self, worker: str, said: Said) -> bool:
        """Give a sign of life; whether Redis still had the one before (if not, it was emptied or went back)."""
        word, before = token_hex(4), self._words.get(worker)
        had = await self._beat(keys=[self._key], args=[worker, msgspec.json.encode(said), word])
        self._words[worker] = word
        return before is None or (had is not None and had.decode() == before)

    async def read(self) -> dict[int, Heartbeat]:
        """Shard -> the last one, of whichever worker gave it."""
        found: dict[int, Heartbeat] = {}
        for ms, said in sorted((await self._all()).values(), key=lambda each: each[0]):
            for shard in said.shards:
                found[shard] = Heartbeat(ms, said.lag.get(shard, {}), said.waiting_since_ms.get(shard))
        return found

    async def last_ms(self) -> int:
        """When any worker gave one last; 0 where none ever did."""
        return max((ms for ms, _ in (await self._all()).values()), default=0)

    async def forget_superseded(self) -> None:
        """Drop workers that are gone and whose shards others have taken."""
        heard = await self._all()
        newest = max((ms for ms, _ in heard.values()), default=0)
        old = [worker for worker, (ms, _) in heard.items() if ms < newest - _SUPERSEDED_MS]
        taken = _shards(said for worker, (_, said) in heard.items() if worker not in old)
        if gone := [worker for worker in old if taken >= _shards([heard[worker][1]])]:
            await self._redis.hdel(self._key, *gone)

    async def _all(self) -> dict[bytes, tuple[int, Said]]:
        heard = {}
        for worker, text in (await self._redis.hgetall(self._key)).items():
            ms, _, said = text.split(b" ", 2)
            heard[worker] = int(ms), msgspec.json.decode(said, type=Said)
        return heard


def _shards(several: Iterable[Said]) -> set[int]:
    return {shard for said in several for shard in said.shards}
