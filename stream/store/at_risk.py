"""The customers at risk, as their shards' owners have told: key -> level and since when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from redis.asyncio import Redis

from stream.store.keys import Keys

_CHUNK = 1000
_IF_NEW = "?"
"""Before an entry that counts only where there is none: see commit.lua."""


class Entry(NamedTuple):
    """Since when (milliseconds since the epoch) a customer has been at a level (its place in LEVELS)."""

    level: int
    since_ms: int


def entry(level: int, since_ms: int, *, known: bool) -> str:
    """As it is stored; `known`: it was told before, so that what is there already stays."""
    return f"{_IF_NEW if known else ''}{level}:{since_ms}"


async def entries(redis: Redis, namespace: str, shard: int) -> AsyncIterator[dict[bytes, Entry]]:
    """Customer key -> entry, some at a time; a customer may come twice."""
    key = Keys(namespace).shard(shard).at_risk
    cursor = 0
    while True:
        cursor, found = await redis.hscan(key, cursor, count=_CHUNK)
        yield {customer: Entry(*map(int, value.split(b":"))) for customer, value in found.items()}
        if not cursor:
            return
