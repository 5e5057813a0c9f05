"""The write side: claim a shard, read what a fold needs, commit what it made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from redis.asyncio import Redis

from stream.core.series import Series, Table
from stream.store.connect import script
from stream.store.keys import Keys
from stream.store.labels import drop_released
from stream.store.packing import pack_customers, pack_records

Position = dict[str, int]
"""Topic -> offset of the next record to fold."""

Claim = tuple[Position, str | None]
"""The position of a shard, and the name of its last commit."""

Answer = Literal["committed", "already", "owner", "position"]

COMMIT_LENGTH = 16
"""Characters of a commit's name: hexadecimal, chosen at random by the worker."""

_COMPACT_FROM = 1024
_STAY_BEHIND = 128  # journal entries that remain, so that exporters find where they left off


class Commit(NamedTuple):
    """One folded batch.

    customers, records  customer keys, and the record of each
    named, names        how many names are stored already, and those that follow
    ids                 (topic, hour) -> packed hashes
    """

    commit: str
    expected: Position
    position: Position
    newest_ms: int | None
    customers: Sequence[bytes]
    records: Sequence[bytes]
    series: bytes
    named: int
    names: Sequence[bytes]
    ids: Mapping[tuple[str, int], bytes]
    expired_ids: Sequence[tuple[str, int]]
    counters: Mapping[str, int]


class Sign(NamedTuple):
    """What the owner's tick found in Redis."""

    owner: str | None
    commit: str | None
    position: Position | None


class ShardStore:
    """All of one deployment's shards, as their owners use them. Raises redis.exceptions when Redis is away."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self._redis = redis
        self._namespace = namespace
        self._keys = Keys(namespace)
        self._claim = script(redis, "claim")
        self._commit = script(redis, "commit")
        self._records = script(redis, "records")
        self._tick = script(redis, "tick")
        self._compact = script(redis, "compact")

    async def claim(self, shard: int, owner: str, beginning: Position | None) -> Claim | None:
        """Become the owner: (position, last commit); None when there is no position and no `beginning`."""
        start = _pack_position(beginning) if beginning else ""
        position, commit = await self._claim(keys=[self._keys.shard(shard).state], args=[owner, start])
        if position is None:
            return None
        return _unpack_position(position), _text(commit)

    async def commit(self, shard: int, owner: str, batch: Commit) -> Answer:
        """Write the batch, its series and its position atomically; see commit.lua for the answers."""
        keys = self._keys.shard(shard)
        header = {
            "owner": owner,
            "commit": batch.commit,
            "expected": _pack_position(batch.expected),
            "position": _pack_position(batch.position),
            "newest_ms": "" if batch.newest_ms is None else str(batch.newest_ms),
            "named": batch.named,
            "names": len(batch.names),
            "ids": len(batch.ids),
            "hours": [part for topic, hour in batch.ids for part in (f"hour:{topic}", str(hour))],
            "counters": [part for name, n in batch.counters.items() for part in (f"c:{name}", str(n))],
        }
        ids = [self._keys.ids(shard, *blob) for blob in (*batch.ids, *batch.expired_ids)]
        answer = await self._commit(
            keys=[keys.state, keys.customers, keys.names, keys.journal, *ids],
            args=[
                msgspec.json.encode(header),
                batch.commit.encode() + batch.series,
                *pack_records(batch.customers, batch.records),
                *batch.names,
                *batch.ids.values(),
            ],
        )
        return answer.decode()  # type: ignore[no-any-return]

    async def tick(self, shard: int, owner: str, lag: Mapping[str, int], oldest_ms: int) -> Sign:
        """Write the heartbeat if still the owner; in any case tell what Redis has."""
        state = self._keys.shard(shard).state
        packed = msgspec.json.encode(lag)
        have, commit, position = await self._tick(keys=[state], args=[owner, packed, oldest_ms])
        return Sign(_text(have), _text(commit), _unpack_position(position) if position else None)

    async def records(self, shard: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """The record of each customer key; None for who was never seen."""
        if not keys:
            return []
        customers = self._keys.shard(shard).customers
        return await self._records(keys=[customers], args=pack_customers(keys))  # type: ignore[no-any-return]

    async def names(self, shard: int) -> list[bytes]:
        """The series keys that the shard's records refer to by number."""
        return await self._redis.lrange(self._keys.shard(shard).names, 0, -1)  # type: ignore[no-any-return]

    async def newest_hour(self, shard: int, topic: str) -> int | None:
        """The newest hour under which ids of the topic were kept."""
        hour = await self._redis.hget(self._keys.shard(shard).state, f"hour:{topic}")
        return int(hour) if hour is not None else None

    async def ids(self, shard: int, topic: str, hours: Iterable[int]) -> dict[int, bytes]:
        """Hour -> packed id hashes, for the hours that have any."""
        hours = list(hours)
        blobs = await self._redis.mget([self._keys.ids(shard, topic, hour) for hour in hours])
        return {hour: blob for hour, blob in zip(hours, blobs, strict=True) if blob}

    async def compact(
        self, shard: int, owner: str, series: Iterable[Series], newest: int, today: int, keep_days: int | None
    ) -> bool:
        """When the journal has grown long, merge its older part into the packed series, forgetting what is past.

        `newest` is a minute, `today` its local day. Returns whether it compacted.
        """
        keys = self._keys.shard(shard)
        if await self._redis.llen(keys.journal) < _COMPACT_FROM:
            return False
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hget(keys.state, "head").get(keys.series).lrange(keys.journal, 0, -1 - _STAY_BEHIND)
            head, packed, entries = await pipe.execute()
        table = Table(series)
        if packed:
            table.merge(packed)
        for entry in entries:
            commit, blob = decode_entry(entry)
            table.merge(blob)
        table.compact(newest, today, keep_days)
        await drop_released(self._redis, self._namespace, table)
        args = [owner, head or "0", len(entries), table.encode(), commit]
        answer = await self._compact(keys=[keys.state, keys.series, keys.journal], args=args)
        return bool(answer == b"compacted")


def decode_entry(entry: bytes) -> tuple[str, bytes]:
    """(commit, packed increments) of a journal entry."""
    return entry[:COMMIT_LENGTH].decode(), entry[COMMIT_LENGTH:]


def _pack_position(position: Position) -> str:
    return msgspec.json.encode(position, order="sorted").decode()


def _unpack_position(packed: bytes) -> Position:
    return msgspec.json.decode(packed, type=dict[str, int])


def _text(value: bytes | None) -> str | None:
    return value.decode() if value is not None else None
