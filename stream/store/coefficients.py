"""The coefficients of churn risk that are in force, for all workers of a deployment to follow.

They live in Redis and nowhere else: a Redis that lost everything is back at the defaults.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from redis.asyncio import Redis

from stream.indicators.churn.model import Coefficients
from stream.store.connect import now_ms
from stream.store.keys import Keys

_FIELD, _SET_MS = "churn_risk", "churn_risk_set_ms"


class Published(NamedTuple):
    """`set_ms`: when they were set (milliseconds since the epoch); None: they are the defaults, for nobody did."""

    coefficients: Coefficients
    set_ms: int | None


async def read_coefficients(redis: Redis, namespace: str) -> Published:
    """Those that were published last; the defaults, if none ever were."""
    packed, set_ms = await redis.hmget(Keys(namespace).meta, [_FIELD, _SET_MS])
    if not packed:
        return Published(Coefficients(), None)
    return Published(Coefficients(**msgspec.json.decode(packed, type=dict[str, float])), int(set_ms or 0))


async def publish_coefficients(redis: Redis, namespace: str, coefficients: Coefficients | None) -> None:
    """Let all workers score by these from now on; None: by the defaults."""
    meta = Keys(namespace).meta
    if coefficients is None:
        await redis.hdel(meta, _FIELD, _SET_MS)
        return
    set_ms = str(await now_ms(redis))
    await redis.hset(meta, mapping={_FIELD: msgspec.json.encode(coefficients), _SET_MS: set_ms})
