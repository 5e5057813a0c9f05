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
    return msgspec.json.decode(packed, type=Coefficients) if packed else Coefficients()


async def publish_coefficients(redis: Redis, namespace: str, coefficients: Coefficients | None) -> None:
    """Let all workers score by these from now on; None: by the defaults."""
    meta = Keys(namespace).meta
    if coefficients is None:
        await redis.hdel(meta, _FIELD)
    else:
        await redis.hset(meta, _FIELD, msgspec.json.encode(coefficients))
