"""The settings that shape stored state, kept in Redis so that nobody writes with others."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

import structlog
from redis.asyncio import Redis

from stream.core.definitions import DECLARED, Definitions, HowChanged, as_stored
from stream.runtime.errors import UserError
from stream.settings import Settings
from stream.store.connect import connect, now_ms
from stream.store.heartbeats import Heartbeats
from stream.store.keys import Keys

log = structlog.get_logger()

FORMAT = "7"
_SECTION = "definitions."

_AT_WORK_SECONDS = 10.0
"""So long nobody may have given a sign of life for there to be no worker at work."""
_LOOK_AGAIN_SECONDS = 0.25


def _for_good(settings: Settings) -> dict[str, str]:
    """What cannot change without counting all anew: what is stored was cut, dated or dropped by it."""
    return {
        "format": FORMAT,
        "ASSIDU_PARTITIONS": str(settings.partitions),
        "ASSIDU_TIMEZONE": settings.timezone,
        "ASSIDU_CLOCK": settings.clock,
        "ASSIDU_TOPIC_PREFIX": settings.topic_prefix,
        "ASSIDU_HORIZON_DAYS": str(settings.horizon_days),
        **_defined(settings.indicators.definitions, "anew"),
    }


def _of_readers(settings: Settings) -> dict[str, str]:
    """What may change, for all workers at once, and is read by, too: first weeks are stored by their number of active
    days, and a shard whose churn risk is scored by another threshold is scored anew."""
    return _defined(settings.indicators.definitions, "together")


def _of_workers(settings: Settings) -> dict[str, str]:
    """What may change, for all workers at once. Of two workers with different ones each would decide for its shards
    otherwise what is a repeat, or which label values are kept apart. A wider window of repeats fills up in time; the
    limits hold for values that come from now on."""
    return {
        "ASSIDU_REPEAT_HOURS": str(settings.repeat_hours),
        "ASSIDU_LABEL_LIMIT": str(settings.label_limit),
        "ASSIDU_PRODUCT_LIMIT": str(settings.product_limit),
    }


# Free to differ, for nothing that is stored follows from them: definitions that a restart changes (scores are stored
# as they are, the formula asks), alerts and targets, ports, time-outs, sizes of caches.


def _defined(definitions: Definitions, change: HowChanged) -> dict[str, str]:
    """Those that are changed in this way, by their keys in the indicators file."""
    return {
        f"{_SECTION}{name}": as_stored(getattr(definitions, name))
        for name, declared in DECLARED.items()
        if declared.change == change
    }


async def begin(redis: Redis, settings: Settings) -> None:
    """As a worker that starts: write the settings that shape stored state, or compare with those already there. What
    may change becomes what it is here, unless there are workers at work with another value.

    Raises UserError naming every setting that differs, and how to change it.
    """
    await agree(redis, settings, _for_good(settings))
    differing = _different(await _stored(redis, settings), _changeable(settings))
    if not differing:
        return
    if await _somebody_works(redis, settings):
        raise UserError(_others_work_with(differing, settings))
    for name, (theirs, ours) in differing.items():
        log.warning("a setting has changed for the whole deployment", setting=name, before=theirs, now=ours)
        await redis.hset(Keys(settings.namespace).meta, name, ours)


async def agree(redis: Redis, settings: Settings, mine: Mapping[str, str] | None = None) -> int:
    """Write the settings that shape stored state where there are none, or compare with those already there (`mine`;
    all by default). Returns the key of the event-id hashes. Raises UserError naming every setting that differs."""
    meta = Keys(settings.namespace).meta
    initial = {**_for_good(settings), **_changeable(settings), "id_key": str(secrets.randbits(63))}
    initial |= await _stored(redis, settings)
    async with redis.pipeline(transaction=True) as pipe:
        for name, value in initial.items():
            pipe.hsetnx(meta, name, value)
        await pipe.execute()
    stored = await _stored(redis, settings)
    if mine is None:
        mine = _for_good(settings) | _changeable(settings)
    _refuse(stored, mine, settings)
    return int(stored["id_key"])


async def check(redis: Redis, settings: Settings) -> None:
    """For readers: nothing is written; an empty Redis is in order. Raises UserError as `agree` does."""
    _refuse(await _stored(redis, settings), _for_good(settings) | _of_readers(settings), settings)


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Redis]:
    """A connection for a reader, for the length of a `with` block. Raises UserError as `check` does."""
    redis = connect(settings)
    try:
        await check(redis, settings)
        yield redis
    finally:
        await redis.aclose()


async def repeat_hours(redis: Redis, settings: Settings) -> int:
    """For how long the workers remember event ids; as this process has it, before there were any."""
    return int((await _stored(redis, settings)).get("ASSIDU_REPEAT_HOURS", settings.repeat_hours))


def _changeable(settings: Settings) -> dict[str, str]:
    return _of_readers(settings) | _of_workers(settings)


async def _stored(redis: Redis, settings: Settings) -> dict[str, str]:
    """Nothing before anything was counted. What was begun before a definition could be chosen has its default."""
    stored = await redis.hgetall(Keys(settings.namespace).meta)
    defaults = _defined(Definitions(), "anew") | _defined(Definitions(), "together") if stored else {}
    return defaults | {name.decode(): value.decode() for name, value in stored.items()}


def _different(stored: Mapping[str, str], mine: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Setting -> (what Redis has, what this process has), where they differ."""
    return {name: (stored[name], ours) for name, ours in mine.items() if stored.get(name, ours) != ours}


def _refuse(stored: Mapping[str, str], mine: Mapping[str, str], settings: Settings) -> None:
    differing = _different(stored, mine)
    if not differing:
        return
    if differing.keys() <= _changeable(settings).keys():
        raise UserError(_others_work_with(differing, settings))
    way_on = "Set them back, or choose another ASSIDU_NAMESPACE to count anew."
    if "format" in differing:
        way_on = (
            "Another release wrote it. Run that release again, or choose another ASSIDU_NAMESPACE: the workers then"
            " count anew all that Kafka has, and the keys of the old namespace can be deleted."
        )
    raise UserError(
        f"the state in Redis (namespace {settings.namespace!r}) was made with other settings:\n"
        f"{_lines(differing)}\n{way_on}"
    )


def _others_work_with(differing: Mapping[str, tuple[str, str]], settings: Settings) -> str:
    return (
        f"the workers of namespace {settings.namespace!r} count by other settings:\n{_lines(differing)}\n"
        "Set them as they are there. To change them for the whole deployment stop all its workers, and start them"
        " with the new ones (then exporters, too)."
    )


def _lines(differing: Mapping[str, tuple[str, str]]) -> str:
    return "\n".join(
        f"  {_spoken(name)}: Redis has {theirs!r}, this process {ours!r}"
        for name, (theirs, ours) in differing.items()
    )


def _spoken(name: str) -> str:
    return f"{name} (of the indicators file)" if name.startswith(_SECTION) else name


async def _somebody_works(redis: Redis, settings: Settings) -> bool:
    """Whether a worker gives a sign of life while we look."""
    heartbeats = Heartbeats(redis, settings.namespace)
    before = await heartbeats.last_ms()
    until = monotonic() + before / 1000 + _AT_WORK_SECONDS - await now_ms(redis) / 1000
    while monotonic() < until:
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        if await heartbeats.last_ms() != before:
            return True
    return False
