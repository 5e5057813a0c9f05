"""The settings that shape stored state, kept in Redis so that nobody writes with others."""

from __future__ import annotations

import secrets

from redis.asyncio import Redis

from stream.errors import UserError
from stream.settings import Settings
from stream.store.keys import Keys

FORMAT = "4"


async def agree(redis: Redis, settings: Settings) -> int:
    """Write the settings that shape stored state, or compare with those already there.

    Returns the key of the event-id hashes. Raises UserError naming every setting that differs.
    """
    mine = _shaping(settings)
    meta = Keys(settings.namespace).meta
    async with redis.pipeline(transaction=True) as pipe:
        for name, value in {**mine, "id_key": str(secrets.randbits(63))}.items():
            pipe.hsetnx(meta, name, value)
        pipe.hgetall(meta)
        stored = {name.decode(): value.decode() for name, value in (await pipe.execute())[-1].items()}
    refuse_other_settings(stored, mine, settings)
    return int(stored["id_key"])


async def check(redis: Redis, settings: Settings) -> None:
    """Like `agree`, for readers: nothing is written; an empty Redis is in order."""
    stored = await redis.hgetall(Keys(settings.namespace).meta)
    refuse_other_settings(
        {name.decode(): value.decode() for name, value in stored.items()}, _shaping(settings), settings
    )


def refuse_other_settings(stored: dict[str, str], mine: dict[str, str], settings: Settings) -> None:
    different = [
        f"  {name}: Redis has {stored[name]!r}, this process {value!r}"
        for name, value in mine.items()
        if stored.get(name, value) != value
    ]
    if different:
        raise UserError(
            f"the state in Redis (namespace {settings.namespace!r}) was made with other settings:\n"
            + "\n".join(different)
            + "\nSet them back, or choose another ASSIDU_NAMESPACE to begin anew."
        )


def _shaping(settings: Settings) -> dict[str, str]:
    return {
        "format": FORMAT,
        "ASSIDU_PARTITIONS": str(settings.partitions),
        "ASSIDU_TIMEZONE": settings.timezone,
        "ASSIDU_CLOCK": settings.clock,
        "ASSIDU_TOPIC_PREFIX": settings.topic_prefix,
        "ASSIDU_HORIZON_DAYS": str(settings.horizon_days),
    }
