"""What one would write without Assidu: a stock Faust agent that counts one event at a time in Redis.

It answers part of what Assidu answers (active customers in any window, in all and by channel; events by type and
minute), neither exactly once nor without repeats. Run as `python -m bench.ordinary_agent worker`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import faust
import mode.loop
from faust.types import StreamT
from redis.asyncio import Redis

from bench.load import FAMILIES
from stream.settings import Settings, read_settings

NAME = "ordinary-agent"
DONE = f"{NAME}:done"


def ordinary_app(settings: Settings) -> faust.App:
    app = faust.App(
        NAME,
        broker=f"kafka://{settings.kafka}",
        value_serializer="json",
        autodiscover=False,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        broker_session_timeout=settings.kafka_session_timeout,
        broker_heartbeat_interval=settings.kafka_heartbeat_interval,
        broker_rebalance_timeout=settings.kafka_rebalance_timeout,
    )
    redis = Redis.from_url(settings.redis)

    async def count(stream: StreamT[Any]) -> None:
        async for event in stream:
            moment = datetime.fromisoformat(event["timestamp"]).timestamp()
            last_active = {event["user_id"]: moment}
            async with redis.pipeline(transaction=False) as pipe:
                pipe.zadd(f"{NAME}:last", last_active, gt=True)
                pipe.zadd(f"{NAME}:last:{event['channel']}", last_active, gt=True)
                pipe.hincrby(f"{NAME}:events:{event['type']}", str(int(moment // 60)))
                pipe.incr(DONE)
                await pipe.execute()

    app.agent(app.topic(*(settings.topic_prefix + family for family in FAMILIES)))(count)
    return app


if __name__ == "__main__":
    mode.loop.use("uvloop")
    ordinary_app(read_settings()).main()
