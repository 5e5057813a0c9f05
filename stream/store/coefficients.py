"""The coefficients of churn risk that are in force, for all workers of a deployment to follow."""

from __future__ import annotations

import msgspec
from redis.asyncio import Redis

from stream.core.risk import Coefficients
from stream.store.keys import Keys

_FIELD = "churn_risk"


async def read_coefficients(redis: Redis, namespace: str) -> Coefficients:
    """Those that were published last; the defaults, if none ever were."""
    packed = await redis.hget(Keys(namespace).meta, _FIELD)
    return Coefficients(**msgspec.json.decode(packed, type=dict[str, float])) if packed else Coefficients()


async def publish_coefficients(redis: Redis, namespace: str, coefficients: Coefficients) -> None:
    """Let all workers score by these from now on."""
    await redis.hset(Keys(namespace).meta, _FIELD, msgspec.json.encode(coefficients))
