"""The ids of the cluster and the topics that were counted, kept with the positions in them: a topic that was deleted
and created anew has its old name and another id, and a position in the old one says nothing about it."""

from __future__ import annotations

from collections.abc import Mapping

from redis.asyncio import Redis

from stream.runtime.errors import UserError
from stream.settings import Settings
from stream.store.keys import Keys

_FIELD = "topic_id:"
"""Field of the meta hash: this and the topic's name; this alone for the cluster's id."""


async def agree(redis: Redis, settings: Settings, ids: Mapping[str, str]) -> None:
    """Write the ids (of topics by name, the cluster's by "") that are not stored yet.

    Raises UserError naming every one that is another one now.
    """
    meta = Keys(settings.namespace).meta
    async with redis.pipeline(transaction=True) as pipe:
        for name, id_ in ids.items():
            pipe.hsetnx(meta, _FIELD + name, id_)
        pipe.hgetall(meta)
        stored = (await pipe.execute())[-1]
    _refuse_others(settings, ids, stored)


async def check(redis: Redis, settings: Settings, ids: Mapping[str, str]) -> None:
    """Like `agree`, for readers: nothing is written."""
    _refuse_others(settings, ids, await redis.hgetall(Keys(settings.namespace).meta))


def _refuse_others(settings: Settings, ids: Mapping[str, str], stored: Mapping[bytes, bytes]) -> None:
    others = {
        name: f"counted {before.decode()}, now {id_}"
        for name, id_ in ids.items()
        if (before := stored.get((_FIELD + name).encode())) and before.decode() != id_
    }
    if not others:
        return
    anew = (
        "count what Kafka has from its beginning: start everything with a new ASSIDU_NAMESPACE (and ASSIDU_GROUP). "
        f"The numbers of before stay readable under {settings.namespace!r}."
    )
    if "" in others:
        raise UserError(
            f"Kafka at {settings.kafka} (ASSIDU_KAFKA) is another cluster than the one that was counted in namespace "
            f"{settings.namespace!r} ({others['']}). Set ASSIDU_KAFKA to that one. If this one took its place, {anew}"
        )
    changed = "".join(f"\n  {name}: {ids}" for name, ids in others.items())
    raise UserError(
        f"topics were deleted and created anew since they were counted in namespace {settings.namespace!r}:{changed}"
        "\nWhat was counted of the deleted ones is in Redis, their records are lost, and the positions in them say "
        f"nothing about the new ones: records would be left out without a word. To go on, {anew}"
    )
