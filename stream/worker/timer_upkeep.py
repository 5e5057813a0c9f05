"""Upkeep of risk timers: every other second, each shard sees who is due in silence; a pass evaluates them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from stream.worker.commits import Fenced
from stream.worker.retrying import GivenUp
from stream.worker.shard import Shard

EVERY_SECONDS = 2.0


async def keep_timers(owned: Mapping[int, Shard], stir: Callable[[], None]) -> None:
    """For ever, of the shards that are owned; `stir` is called when customers may be due."""
    while True:
        for shard in list(owned.values()):
            try:
                with suppress(GivenUp):
                    await shard.upkeep()
            except Fenced as fence:
                shard.fence(fence.args[0])
        stir()
        await asyncio.sleep(EVERY_SECONDS)
