"""Connections to Redis, and what counts as Redis being away."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from stream.errors import UserError
from stream.secret import SecretUrl

AWAY = (RedisError, OSError)
"""What may be wrong with Redis."""

_PASSING = ("MISCONF", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "NOREPLICAS")


def passes(error: Exception) -> bool:
    """Is it an error that goes away when Redis is well again (down, loading, full, read-only, disk full)?

    Such a command is tried again; any other error is a bug.
    """
    if isinstance(error, ResponseError):
        known = (BusyLoadingError, ReadOnlyError, OutOfMemoryError)
        return isinstance(error, known) or str(error).startswith(_PASSING)
    return isinstance(error, AWAY)


OLDEST = (6, 2)


def connect(url: SecretUrl | str) -> Redis:
    """A client that answers or fails within seconds; the caller decides what to try again.

    Raises UserError for a URL that cannot be one of Redis.
    """
    address = url.get_secret_value() if isinstance(url, SecretUrl) else url
    try:
        redis = Redis.from_url(
            address, socket_timeout=10, socket_connect_timeout=3, retry=Retry(NoBackoff(), 0), health_check_interval=0
        )
        redis.connection_pool.make_connection()  # not yet connected: only here are unknown options refused
    except (TypeError, ValueError, RedisError, OSError) as error:
        raise UserError(f"ASSIDU_REDIS={SecretUrl(address)}: {error}") from None
    return redis


async def check_server(redis: Redis, url: SecretUrl) -> None:
    """Raises UserError when the server is too old, redis.exceptions.ConnectionError when there is none."""
    version = str((await redis.info("server"))["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise UserError(f"Redis at {url} (ASSIDU_REDIS) is {version}; Assidu needs 6.2 or later")


def script(redis: Redis, name: str) -> Any:
    """The Lua script of that name beside this module, ready to be called with keys and args."""
    return redis.register_script(files("stream.store").joinpath(f"{name}.lua").read_text())


class Call(NamedTuple):
    """Of a script."""

    keys: Sequence[str]
    args: Sequence[bytes | str]


async def run_all(
    redis: Redis, script: Any, calls: Sequence[Call], telling: tuple[str, str] | None = None
) -> list[Any]:
    """Run the script once for each call, all in one round trip: its answers, or what is wrong with Redis.

    `telling`: (channel, what is published there after that).
    """
    while True:
        async with redis.pipeline(transaction=False) as pipe:
            for keys, args in calls:
                pipe.evalsha(script.sha, len(keys), *keys, *args)
            if telling:
                pipe.publish(*telling)
            answers = await pipe.execute(raise_on_error=False)
        # A script is unknown to all calls or to none: nothing was done yet.
        if not any(isinstance(answer, NoScriptError) for answer in answers):
            return list(answers[: len(calls)])
        await redis.script_load(script.script)
