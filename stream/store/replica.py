"""The read side: the series of all shards added up, followed as the owners commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from redis.asyncio import Redis

from stream.core.series import Series, Table
from stream.store.keys import Keys
from stream.store.labels import drop_released
from stream.store.shard import Position, decode_entry
from stream.taking_turns import taking_turns


@dataclass(frozen=True)
class ShardState:
    """What a shard's owner left in Redis; times in milliseconds since the epoch, None where there never was any."""

    position: Position | None = None
    commit: str | None = None
    committed_ms: int | None = None
    newest_ms: int | None = None
    heartbeat_ms: int | None = None
    oldest_ms: int | None = None
    lag: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    head: int = 0
    base: str | None = None


@dataclass
class _Cursor:
    """How far a shard's journal was followed: entries ever written, and the last one's commit."""

    entries: int = 0
    commit: str | None = None


class _Discontinued(Exception):
    """The journal is not a continuation of what was read before: Redis went back, or this reader slept long."""


class Replica:
    """Every exporter and report holds one. Raises redis.exceptions when Redis is away."""

    def __init__(self, redis: Redis, namespace: str, partitions: int, series: Iterable[Series]) -> None:
        self._redis = redis
        self._namespace = namespace
        self._keys = Keys(namespace)
        self._partitions = partitions
        self._series = tuple(series)
        self._begin()

    def _begin(self) -> None:
        self.table = Table(self._series)
        self.states: dict[int, ShardState] = {}
        self._cursors = {shard: _Cursor() for shard in range(self._partitions)}

    async def refresh(self) -> None:
        """Take in what was committed since; after a discontinuity, everything anew."""
        try:
            for shard in range(self._partitions):
                await self._follow(shard)
        except _Discontinued:
            self._begin()
            for shard in range(self._partitions):
                await self._follow(shard)

    async def compact(self, newest: int, today: int, keep_days: int | None) -> None:
        """Forget what no reading at or after minute `newest` (of local day `today`) can see, released labels too."""
        async for _ in taking_turns(self.table.compaction(newest, today, keep_days)):
            pass
        await drop_released(self._redis, self._namespace, self.table)

    async def now_ms(self) -> int:
        """Redis's clock, the same for every exporter."""
        seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    @property
    def newest_ms(self) -> int | None:
        """The newest event over all shards: the event clock."""
        return max((s.newest_ms for s in self.states.values() if s.newest_ms is not None), default=None)

    def clock_ms(self, clock: str, now_ms: int) -> int | None:
        """The present moment, by the clock of the settings: Redis's, or the newest event (None before the first)."""
        return self.newest_ms if clock == "event" else now_ms

    async def _follow(self, shard: int) -> None:
        keys, cursor = self._keys.shard(shard), self._cursors[shard]
        if not cursor.entries:
            await self._load(shard)
            return
        # One entry of overlap proves that the journal continues what was read.
        known = self.states[shard].head
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(keys.state).lrange(keys.journal, cursor.entries - 1 - known, -1)
            fields, entries = await pipe.execute()
        state = _state(fields)
        if state.head != known:  # compacted in between: the same entry now has another index
            first = cursor.entries - 1 - state.head
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hgetall(keys.state).lrange(keys.journal, first, -1)
                fields, entries = await pipe.execute()
            if first < 0 or _state(fields).head != state.head:
                raise _Discontinued
            state = _state(fields)
        if not entries or decode_entry(entries[0])[0] != cursor.commit:
            raise _Discontinued
        self._apply(shard, state, entries[1:])

    async def _load(self, shard: int) -> None:
        keys = self._keys.shard(shard)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(keys.state).get(keys.series).lrange(keys.journal, 0, -1)
            fields, packed, entries = await pipe.execute()
        state = _state(fields)
        if packed:
            self.table.merge(packed)
        self._cursors[shard] = _Cursor(state.head, state.base)
        self._apply(shard, state, entries)

    def _apply(self, shard: int, state: ShardState, entries: list[bytes]) -> None:
        cursor = self._cursors[shard]
        for entry in entries:
            cursor.commit, blob = decode_entry(entry)
            cursor.entries += 1
            self.table.merge(blob)
        self.states[shard] = state


async def read_state(redis: Redis, namespace: str, shard: int) -> ShardState:
    """The state of one shard, without its series."""
    return _state(await redis.hgetall(Keys(namespace).shard(shard).state))


_COUNTER = "c:"


def _state(fields: dict[bytes, bytes]) -> ShardState:
    text = {name.decode(): value.decode() for name, value in fields.items()}

    def integer(name: str) -> int | None:
        return int(text[name]) if name in text else None

    return ShardState(
        position=msgspec.json.decode(text["position"], type=dict[str, int]) if "position" in text else None,
        commit=text.get("commit"),
        committed_ms=integer("committed_ms"),
        newest_ms=integer("newest_ms"),
        heartbeat_ms=integer("heartbeat_ms"),
        oldest_ms=integer("oldest_ms"),
        lag=msgspec.json.decode(text.get("lag", "{}"), type=dict[str, int]),
        counters={name.removeprefix(_COUNTER): int(n) for name, n in text.items() if name.startswith(_COUNTER)},
        head=integer("head") or 0,
        base=text.get("base"),
    )
