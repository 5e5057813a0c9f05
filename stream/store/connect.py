"""Connections to Redis, and what its errors mean: does this pass, or must somebody put it right?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from stream.runtime.errors import UserError
from stream.runtime.secret import SecretUrl
from stream.settings import Settings
from stream.store.connection import LockedOut, ours

REDIS_ERRORS = (RedisError, OSError)
"""What may be wrong with Redis."""

_PASSING = frozenset(
    "LOADING BUSY OOM READONLY MISCONF NOREPLICAS MASTERDOWN CLUSTERDOWN TRYAGAIN NOSCRIPT EXECABORT"
    " MAXCLIENTS KILLED".split()
)
"""Codes of answers by which Redis says that it cannot now: it is starting, busy, full, a replica, without disk or
replicas, or has forgotten our scripts. Nothing was written."""

_CREDENTIALS = (
    "it refuses the user or password: put ASSIDU_REDIS right (redis://user:password@host:port/0), or"
    " ASSIDU_REDIS_PASSWORD"
)
_CLUSTER = (
    "it is a node of a cluster: name a Redis that is not part of one, or a proxy for all of it, in ASSIDU_REDIS"
)
_ADVICE = {
    "NOAUTH": _CREDENTIALS,
    "WRONGPASS": _CREDENTIALS,
    "NOPERM": "its user may not do what Assidu needs: allow that in Redis's ACL, for all keys and channels that begin"
    " with ASSIDU_NAMESPACE, or name another user in ASSIDU_REDIS",
    "UNKNOWN": "it lacks a command that Assidu needs: name a complete Redis of 6.2 or later in ASSIDU_REDIS",
    "NODB": "it has no database of that number: put the end of ASSIDU_REDIS right (redis://host:port/0)",
    "DENIED": "it talks to its own machine only (protected mode): give it a password, or another `bind`",
    "MOVED": _CLUSTER,
    "ASK": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
    "WRONGTYPE": "something else has written under the names of ASSIDU_NAMESPACE: choose another one, or another"
    " database in ASSIDU_REDIS, and begin anew",
    "TOOBIG": "it takes only short strings: set its proto-max-bulk-len to 512mb, the default",
    "REPLICATION": "it replicates whole scripts: set its lua-replicate-commands to yes, the default",
}
"""Code -> what somebody must do, for it does not pass by itself."""

_CODES: dict[type[Exception], str] = {
    exceptions.OutOfMemoryError: "OOM",
    exceptions.ReadOnlyError: "READONLY",
    exceptions.BusyLoadingError: "LOADING",
    exceptions.NoScriptError: "NOSCRIPT",
    exceptions.MasterDownError: "MASTERDOWN",
    exceptions.ClusterDownError: "CLUSTERDOWN",
    exceptions.TryAgainError: "TRYAGAIN",
    exceptions.MovedError: "MOVED",
    exceptions.AskError: "ASK",
    exceptions.ClusterCrossSlotError: "CROSSSLOT",
    exceptions.NoPermissionError: "NOPERM",
    exceptions.AuthenticationError: "WRONGPASS",
    exceptions.AuthorizationError: "WRONGPASS",
    exceptions.AuthenticationWrongNumberOfArgsError: "WRONGPASS",
}
"""redis-py takes the code off the text of these; subclasses stand before their base."""

_PHRASES = (
    ("max number of clients", "MAXCLIENTS"),
    ("Script killed by user", "KILLED"),
    ("The user executing the script can't", "NOPERM"),
    ("ACL failure in script", "NOPERM"),
    ("unknown command", "UNKNOWN"),
    ("Unknown command called from", "UNKNOWN"),
    ("Unknown Redis command called from", "UNKNOWN"),
    ("DB index is out of range", "NODB"),
    ("invalid DB index", "NODB"),
    ("Protocol error: invalid bulk length", "TOOBIG"),
    ("Protocol error: invalid multibulk length", "TOOBIG"),
    ("Write commands not allowed after non deterministic commands", "REPLICATION"),
)
"""What begins an answer that has no code of its own (ERR)."""

_ARGUMENTS = re.compile(r",? with args beginning with:.*", re.DOTALL)
"""A password may be among them."""
_IN_SCRIPT = re.compile(r"(Error running script \(call to f_\w+\): @user_script:\d+: )?(@user_script: ?\d+: )?-?")
"""Redis 6.2 puts this before what went wrong in a script."""
_CODE = re.compile(r"[A-Z]{3,}\b")

_UNREACHED = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.InvalidResponse, OSError)
"""The rest of redis-py's errors, such as DataError, are faults of ours."""


def is_transient(error: Exception) -> bool:
    """Is it an error that goes away when Redis is well again (down, loading, full, read-only, disk full)?

    Such a command is tried again. Any other is for somebody to put right (see `advice`), or a bug.
    """
    code = code_of(error)
    if code or isinstance(error, ResponseError):
        return code in _PASSING
    return isinstance(error, _UNREACHED)


def answers(error: Exception) -> bool:
    """Does it pass, and Redis is there and says so itself?"""
    return code_of(error) in _PASSING


def advice(error: Exception, server: str = "Redis") -> str | None:
    """What somebody must do about an error that does not pass; None when it does, or is a bug."""
    if isinstance(error, LockedOut):
        return f"{server} cannot be used so, for {error}"
    what = _ADVICE.get(code_of(error) or "")
    return f"{server} cannot be used so, for {what} ({_said(error)})" if what else None


def code_of(error: Exception) -> str | None:
    """The code of what Redis answered (OOM, BUSY, …), whether to a command, in a pipeline or to a script."""
    if not isinstance(error, RedisError):
        return None
    if isinstance(error, LockedOut):
        return "LOCKEDOUT"
    said = _said(error)
    for beginning, code in _PHRASES:
        if said.startswith(beginning):
            return code
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code
    if not isinstance(error, ResponseError):
        return None
    if isinstance(error, exceptions.ExecAbortError):
        said = said.removeprefix("Transaction discarded because of: ")
    found = _CODE.match(said.removeprefix("-"))
    if found and found[0] != "ERR":
        return found[0]
    return "EXECABORT" if isinstance(error, exceptions.ExecAbortError) else None


def _said(error: Exception) -> str:
    """What Redis itself said, without what redis-py puts before it in a pipeline, and Redis 6.2 in a script."""
    _, _, said = str(error).rpartition("of pipeline caused error: ")
    said = said.removeprefix("(").lstrip("'\"").removeprefix("ERR ")
    return _ARGUMENTS.sub("", said[_IN_SCRIPT.match(said).end() :])  # type: ignore[union-attr]


def connect(settings: Settings) -> Redis:
    """A client of the deployment's Redis. Raises as `connect_to` does."""
    options = {
        "password": settings.redis_password and settings.redis_password.get_secret_value(),
        "ssl_ca_certs": settings.redis_ca,
        "ssl_certfile": settings.redis_cert,
        "ssl_keyfile": settings.redis_key,
    }
    return connect_to(settings.redis, **{name: value for name, value in options.items() if value})


def connect_to(url: SecretUrl | str, **options: Any) -> Redis:
    """A client that answers or fails within seconds; the caller decides what to try again. `options` are redis-py's.

    Raises UserError for a URL that cannot be one of Redis.
    """
    address = url.get_secret_value() if isinstance(url, SecretUrl) else url
    try:
        redis = Redis.from_url(
            address,
            socket_timeout=10,
            socket_connect_timeout=3,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            **options,
        )
        pool = redis.connection_pool
        pool.connection_class = ours(pool.connection_class)
        pool.make_connection()  # not yet connected: only here are unknown options refused
    except (TypeError, ValueError, RedisError, OSError) as error:
        raise UserError(f"ASSIDU_REDIS={SecretUrl(address)}: {error}") from None
    return redis


def script(redis: Redis, *names: str) -> Any:
    """The Lua script of that name beside this module, ready to be called with keys and args; of several names: with
    what it shares with others before it."""
    return redis.register_script("".join(files("stream.store").joinpath(f"{name}.lua").read_text() for name in names))


async def now_ms(redis: Redis) -> int:
    """By Redis's clock, the same for everybody: milliseconds since the epoch."""
    seconds, microseconds = await redis.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


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
    answers = await _run_all(redis, script, calls, telling)
    if any(isinstance(answer, NoScriptError) for answer in answers):  # so to all calls, of which none was done
        await redis.script_load(script.script)
        answers = await _run_all(redis, script, calls, telling)
    return answers


async def _run_all(redis: Redis, script: Any, calls: Sequence[Call], telling: tuple[str, str] | None) -> list[Any]:
    async with redis.pipeline(transaction=False) as pipe:
        for keys, args in calls:
            pipe.evalsha(script.sha, len(keys), *keys, *args)
        if telling:
            pipe.publish(*telling)
        answers = await pipe.execute(raise_on_error=False)
    return list(answers[: len(calls)])
