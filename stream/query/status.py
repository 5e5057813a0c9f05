"""`assidu status`: how far each shard is, Redis's positions against Kafka's ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from time import monotonic

import msgspec
from redis.asyncio import Redis

from stream.kafka.offsets import Bounds, log_bounds
from stream.kafka.topics import check_topics
from stream.runtime.json_text import json_text
from stream.runtime.terminal import Terminal
from stream.settings import Settings
from stream.store import topic_ids
from stream.store.connect import connect
from stream.store.replica import ShardState, read_state

_LOOK_AGAIN_SECONDS = 0.25


class ShardStatus(msgspec.Struct):
    """One shard. `lag` counts Kafka records over all topics; times are RFC 3339 in UTC, null where there is none."""

    shard: int
    lag: int
    position: dict[str, int]
    end: dict[str, int]
    last_commit: str | None
    watermark: str | None


class Status(msgspec.Struct):
    """All shards of the deployment."""

    shards: list[ShardStatus]

    @property
    def lag(self) -> int:
        return sum(shard.lag for shard in self.shards)

    def to_json(self) -> str:
        return json_text(self)


async def read_status(settings: Settings, wait_seconds: float | None = None) -> tuple[Status, bool]:
    """The status, and whether it is settled: two equal readings without lag, awaited for `wait_seconds`.

    Raises UserError where the topics are not those that are counted: lag would tell of part of their records only.
    """
    redis = connect(settings)
    try:
        await redis.ping()
        await topic_ids.check(redis, settings, (await check_topics(settings)).ids(settings.topics))
        status = await _read(redis, settings)
        deadline = monotonic() + (wait_seconds or 0)
        before = None
        while status.lag or status != before:
            if monotonic() >= deadline:
                return status, False
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            before, status = status, await _read(redis, settings)
        return status, True
    finally:
        await redis.aclose()


def show(status: Status, terminal: Terminal) -> None:
    """The status as a table for a person."""
    terminal.table(("shard", "position", "end", "lag", "last commit", "watermark"), map(_row, status.shards))


def _row(shard: ShardStatus) -> tuple[object, ...]:
    position, end = sum(shard.position.values()), sum(shard.end.values())
    return shard.shard, position, end, shard.lag, shard.last_commit or "–", shard.watermark or "–"


async def _read(redis: Redis, settings: Settings) -> Status:
    # Positions first: a lag of zero then means that everything that was there is committed.
    states = [await read_state(redis, settings.namespace, shard) for shard in range(settings.partitions)]
    everywhere = [(topic, shard) for topic in settings.topics for shard in range(settings.partitions)]
    bounds = await log_bounds(settings, everywhere)
    return Status([_status(shard, state, settings, bounds) for shard, state in enumerate(states)])


def _status(shard: int, state: ShardState, settings: Settings, bounds: Bounds) -> ShardStatus:
    position = state.position or {}
    end = {topic: bounds[topic, shard][1] for topic in settings.topics}
    lag = sum(max(0, last - position.get(topic, bounds[topic, shard][0])) for topic, last in end.items())
    return ShardStatus(shard, lag, position, end, _moment(state.committed_ms), _moment(state.newest_ms))


def _moment(epoch_ms: int | None) -> str | None:
    if epoch_ms is None:
        return None
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
