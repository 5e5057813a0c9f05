"""The ordinary agent, a thousand events at a time: `stream.take` and one Redis pipeline for all of them.

Run as `python -m bench.peers.taking_agent worker`.
"""

from __future__ import annotations

from typing import Any

import mode.loop
from faust.types import StreamT
from redis.asyncio import Redis

from bench.peers import DONE
from bench.peers.ordinary_agent import count, ordinary_app
from stream.settings import read_settings

MOST_EVENTS = 1_000
WITHIN_SECONDS = 1.0


async def thousand_by_thousand(stream: StreamT[Any], redis: Redis) -> None:
    async for events in stream.take(MOST_EVENTS, within=WITHIN_SECONDS):
        async with redis.pipeline(transaction=False) as pipe:
            for event in events:
                count(event, pipe)
            pipe.incrby(DONE, len(events))
            await pipe.execute()


if __name__ == "__main__":
    mode.loop.use("uvloop")
    ordinary_app(read_settings(), "taking-agent", thousand_by_thousand).main()
