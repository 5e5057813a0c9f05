"""The read side: the series of all shards added up, followed as the owners commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from redis.asyncio import Redis

from stream.core.series import Series, Table
from stream.runtime.cooperative import taking_turns
from stream.store.connect import Call, now_ms, run_all, script
from stream.store.heartbeats import Heartbeat, Heartbeats
from stream.store.keys import Keys
from stream.store.labels import drop_released
from stream.store.shard import Position, decode_entry


@dataclass(frozen=True)
class ShardState:
    """What a shard's owner left in Redis; times in milliseconds since the epoch, None where there never was any."""

    position: Position | None = None
    commit: str | None = None
    committed_ms: int | None = None
    newest_ms: int | None = None
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
        self._heartbeats = Heartbeats(redis, namespace)
        self._follow_script = script(redis, "follow")
        self.heartbeats: dict[int, Heartbeat] = {}
        self._begin()

    def _begin(self) -> None:
        self.table = Table(self._series)
        self.states: dict[int, ShardState] = {}
        self._cursors = {shard: _Cursor() for shard in range(self._partitions)}

    async def refresh(self, shards: Iterable[int] | None = None) -> None:
        """Take in what was committed since, to these shards (None: all); after a discontinuity, everything anew."""
        try:
            await self._follow(range(self._partitions) if shards is None else shards)
        except _Discontinued:
            self._begin()
            await self._follow(range(self._partitions))
        self.heartbeats = await self._heartbeats.read()

    async def compact(self, newest: int, today: int, keep_days: int | None) -> None:
        """Forget what no reading at or after minute `newest` (of local day `today`) can see, released labels too."""
        async for _ in taking_turns(self.table.compaction(newest, today, keep_days)):
            pass
        await drop_released(self._redis, self._namespace, self.table)

    async def now_ms(self) -> int:
        """Redis's clock, the same for every exporter."""
        return await now_ms(self._redis)

    @property
    def newest_ms(self) -> int | None:
        """The newest event over all shards: the event clock."""
        return max((s.newest_ms for s in self.states.values() if s.newest_ms is not None), default=None)

    def clock_ms(self, clock: str, now_ms: int) -> int | None:
        """The present moment, by the clock of the settings: Redis's, or the newest event (None before the first)."""
        return self.newest_ms if clock == "event" else now_ms

    async def _follow(self, shards: Iterable[int]) -> None:
        """One round trip for all shards that were loaded before."""
        known: list[int] = []
        for shard in shards:
            if self._cursors[shard].entries:
                known.append(shard)
            else:
                await self._load(shard)
        blobs: list[bytes] = []
        for shard, (fields, entries) in zip(known, await self._new(known), strict=True):
            # One entry of overlap proves that the journal continues what was read.
            if not entries or decode_entry(entries[0])[0] != self._cursors[shard].commit:
                raise _Discontinued
            pairs = dict(zip(fields[::2], fields[1::2], strict=True))
            blobs += self._taken(shard, _state(pairs), entries[1:])
        self.table.merge(*blobs)

    async def _new(self, shards: Sequence[int]) -> list[tuple[list[bytes], list[bytes]]]:
        calls = []
        for shard in shards:
            keys = self._keys.shard(shard)
            calls.append(Call([keys.state, keys.journal], [str(self._cursors[shard].entries)]))
        answers = await run_all(self._redis, self._follow_script, calls)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _load(self, shard: int) -> None:
        keys = self._keys.shard(shard)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(keys.state).get(keys.series).lrange(keys.journal, 0, -1)
            fields, packed, entries = await pipe.execute()
        state = _state(fields)
        self._cursors[shard] = _Cursor(state.head, state.base)
        self.table.merge(*([packed] if packed else []), *self._taken(shard, state, entries))

    def _taken(self, shard: int, state: ShardState, entries: Sequence[bytes]) -> list[bytes]:
        """The increments of these entries of the journal, with which the shard is in this state."""
        cursor, blobs = self._cursors[shard], []
        for entry in entries:
            cursor.commit, blob = decode_entry(entry)
            cursor.entries += 1
            blobs.append(blob)
        self.states[shard] = state
        return blobs


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
        counters={name.removeprefix(_COUNTER): int(n) for name, n in text.items() if name.startswith(_COUNTER)},
        head=integer("head") or 0,
        base=text.get("base"),
    )
