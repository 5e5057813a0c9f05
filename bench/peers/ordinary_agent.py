"""What one would write without Assidu: a stock Faust agent that counts one event at a time in Redis.

It answers part of what Assidu answers (active customers in any window, in all and by channel; events by type and
minute), neither exactly once nor without repeats. Run as `python -m bench.peers.ordinary_agent worker`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import faust
import mode.loop
from faust.types import StreamT
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from bench.load import FAMILIES
from bench.peers import DONE
from stream.settings import Settings, read_settings

Agent = Callable[[StreamT[Any], Redis], Awaitable[None]]


async def event_by_event(stream: StreamT[Any], redis: Redis) -> None:
    async for event in stream:
        async with redis.pipeline(transaction=False) as pipe:
            count(event, pipe)
            pipe.incr(DONE)
            await pipe.execute()


def count(event: dict[str, Any], pipe: Pipeline) -> None:
    moment = datetime.fromisoformat(event["timestamp"]).timestamp()
    last_active = {event["user_id"]: moment}
    pipe.zadd("ordinary:last", last_active, gt=True)
    pipe.zadd(f"ordinary:last:{event['channel']}", last_active, gt=True)
    pipe.hincrby(f"ordinary:events:{event['type']}", str(int(moment // 60)))


def ordinary_app(settings: Settings, name: str, agent: Agent) -> faust.App:
    app = faust.App(
        name,
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
    redis = Redis.from_url(settings.redis.get_secret_value())

    async def counting(stream: StreamT[Any]) -> None:
        await agent(stream, redis)

    app.agent(app.topic(*(settings.topic_prefix + family for family in FAMILIES)))(counting)
    return app


if __name__ == "__main__":
    mode.loop.use("uvloop")
    ordinary_app(read_settings(), "ordinary-agent", event_by_event).main()
