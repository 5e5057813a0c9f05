"""Blobs: strings that only grow, cut into parts, so that none comes near what Redis lets a string be.

The parts of the blob `key` are `key`, `key:1`, `key:2`, …; the field `parts:key` of the shard's state says how many
there are beside the first, and is missing when there are none. Commits append to the last part, or begin another one.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

PART_BYTES = 1_000_000
"""What a part may grow to. Redis's own bound (proto-max-bulk-len, 512 MB) can be set to 1 MiB, not lower; a longer
piece that still came through is a part by itself."""

_PARTS_AT_ONCE = 32


async def read_blobs(redis: Redis, state: str, keys: Sequence[str]) -> list[bytes]:
    """Each blob, whole; an empty one for each that is not there. `state`: key of the shard's state."""
    if not keys:
        return []
    more = await redis.hmget(state, [f"parts:{key}" for key in keys])
    parts = [part for key, n in zip(keys, more, strict=True) for part in _parts(key, int(n or 0))]
    found: dict[str, bytes] = {}
    for at in range(0, len(parts), _PARTS_AT_ONCE):
        some = parts[at : at + _PARTS_AT_ONCE]
        found.update(zip(some, (blob or b"" for blob in await redis.mget(some)), strict=True))
    return [b"".join(found[part] for part in _parts(key, int(n or 0))) for key, n in zip(keys, more, strict=True)]


def _parts(key: str, more: int) -> list[str]:
    return [key, *(f"{key}:{number}" for number in range(1, more + 1))]
