"""Looks: every other second, shard after shard, at the customers whose churn risk crosses a level in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from stream.worker.commits import Fenced
from stream.worker.retrying import GivenUp
from stream.worker.shard import Shard

EVERY_SECONDS = 2.0


async def look_on(owned: Mapping[int, Shard]) -> None:
    """For ever, at the shards that are owned, a little of each in turn, so that events are folded in between."""
    while True:
        due = list(owned.values())
        while due:
            due = [shard for shard in due if await _look(shard)]
        await asyncio.sleep(EVERY_SECONDS)


async def _look(shard: Shard) -> bool:
    try:
        return await shard.look()
    except Fenced as fence:
        shard.fence(fence.args[0])
    except GivenUp:
        pass
    return False
