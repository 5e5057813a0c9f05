"""The customers at risk, as their shards' owners have told: key -> since when."""

from __future__ import annotations

from collections.abc import AsyncIterator

from redis.asyncio import Redis

from stream.store.keys import Keys

_CHUNK = 1000
_IF_NEW = "?"
"""Before an entry that counts only where there is none: see commit.lua."""


def entry(since_ms: int, *, known: bool) -> str:
    """Since when (milliseconds since the epoch) the customer has been at its level, as it is stored; `known`: that
    was told before, so that what is there already stays."""
    return f"{_IF_NEW if known else ''}{since_ms}"


async def entries(redis: Redis, namespace: str, shard: int) -> AsyncIterator[dict[bytes, int]]:
    """Customer key -> since when it has been at its level, some at a time, each customer once."""
    key = Keys(namespace).shard(shard).at_risk
    cursor = 0
    seen: set[bytes] = set()
    while True:
        cursor, found = await redis.hscan(key, cursor, count=_CHUNK)
        yield {customer: int(since_ms) for customer, since_ms in found.items() if customer not in seen}
        seen.update(found)
        if not cursor:
            return
