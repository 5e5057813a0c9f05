"""The Redis server as it is: new enough, letting us write, and safe for what must last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Literal

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from stream.runtime.errors import UserError
from stream.runtime.secret import SecretUrl
from stream.store.connect import REDIS_ERRORS, advice, answers, script
from stream.store.keys import Keys

log = structlog.get_logger()

OLDEST = (6, 2)
_LOOK_AGAIN_SECONDS = 1.0

Danger = Literal["eviction", "no_persistence"]
DANGERS: dict[Danger, str] = {
    "eviction": "when its memory is full, Redis throws keys away, and the numbers are wrong from then on, without a"
    " word: set its maxmemory-policy to noeviction",
    "no_persistence": "Redis keeps nothing on disk: after its next restart all is counted anew from what Kafka still"
    " has, and refused where that is not all; set its appendonly to yes",
}
"""What may be unsafe about a server, and what to do."""


async def once_well(stop: asyncio.Event, *steps: Callable[[], Awaitable[object]]) -> bool:
    """Take the steps one after the other, each as soon as Redis can: while it answers that it cannot now (it is
    loading, full, a replica, …), it is asked again. False when `stop` is set before the last is taken.

    Raises whatever else goes wrong, ConnectionError among it.
    """
    for step in steps:
        told = False
        while not stop.is_set():
            try:
                await step()
                break
            except REDIS_ERRORS as error:
                if not answers(error):
                    raise
                if not told:
                    log.warning("waiting for Redis", error=str(error))
                told = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_AGAIN_SECONDS)
    return not stop.is_set()


async def check_version(redis: Redis, url: SecretUrl) -> None:
    """Raises UserError when the server is too old, redis.exceptions.ConnectionError when there is none."""
    version = str((await redis.info("server"))["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise UserError(f"Redis at {url} (ASSIDU_REDIS) is {version}; Assidu needs 6.2 or later")


async def check_rights(redis: Redis, namespace: str) -> None:
    """Try all commands that scripts write by, for a script that is refused one halfway could not be undone; and to
    publish, for that is refused without a word.

    Raises UserError naming those that Redis refuses for good, redis.exceptions.ResponseError where that passes.
    """
    keys = Keys(namespace)
    answer = await script(redis, "rights")(keys=[keys.trial])
    words = [word.decode() for word in answer]
    refused = {command: ResponseError(error) for command, error in zip(words[::2], words[1::2], strict=True)}
    try:
        await redis.publish(keys.committed, "")
    except ResponseError as refusal:
        refused["PUBLISH"] = refusal
    for error in refused.values():
        if not advice(error):
            raise error
    if refused:
        raise UserError(f"{', '.join(refused)}: {advice(next(iter(refused.values())))}")


async def dangers(redis: Redis) -> Mapping[Danger, bool]:
    """Of each danger whether it is there; those are missing of which Redis does not let us know."""
    found: dict[Danger, bool] = {}
    policy = (await redis.info("memory")).get("maxmemory_policy")
    if policy is not None:
        found["eviction"] = policy != "noeviction"
    if (await redis.info("persistence")).get("aof_enabled"):
        found["no_persistence"] = False
    else:
        # Whether there are snapshots, INFO does not say; and CONFIG is often forbidden or renamed.
        with suppress(ResponseError):
            save = (await redis.config_get("save")).get("save")
            if save is not None:
                found["no_persistence"] = not save
    return found


async def warn_of_dangers(redis: Redis) -> None:
    """Say in the log what is unsafe about the server, and what to do."""
    for danger, there in (await dangers(redis)).items():
        if there:
            log.warning("Redis is not safe", why=danger, what_to_do=DANGERS[danger])
