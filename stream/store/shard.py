"""The write side: claim a shard, read what a fold needs, commit what it made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from redis.asyncio import Redis

from stream.core.series import NO_INCREMENTS, Series, Table
from stream.store.blobs import PART_BYTES, read_blobs
from stream.store.connect import script
from stream.store.ids import remembered, windows
from stream.store.journal import Journal, staying
from stream.store.keys import Keys
from stream.store.labels import drop_released
from stream.store.packing import pack_customers, pack_keys, pack_records, portions, unpack_keys

Position = dict[str, int]
"""Topic -> offset of the next record to fold."""

Claim = tuple[Position, str | None]
"""The position of a shard, and the name of its last commit."""

Answer = Literal["committed", "already", "owner", "position"]

SCORING, REVIEW, DUE_FROM = "scoring", "review", "due_from"
"""Fields of a shard's state: by what its customers are scored in the series; whether all of them are still to be
looked at by that; the first hour of the timer index whose customers may not all have been looked at."""

COMMIT_LENGTH = 16
"""Characters of a commit's name: hexadecimal, chosen at random by the worker."""


class NotTheOwner(Exception):
    """Somebody else writes the shard by now."""


class Work(NamedTuple):
    """What is to be committed together.

    customers, records  customer keys, and the record of each
    ids, ids_since      (topic, hour) -> packed hashes of event ids; topic -> hour: older ones are forgotten
    timers, past_hours  hour -> keys of the customers to look at then; hours at which nobody is left to look at
    messages            for the topic churn-risk
    at_risk             customer key -> entry (see at_risk.py)
    fields              of the shard's state
    """

    customers: Sequence[bytes] = ()
    records: Sequence[bytes] = ()
    series: bytes = NO_INCREMENTS
    newest_ms: int | None = None
    ids: Mapping[tuple[str, int], bytes] = {}
    ids_since: Mapping[str, int] = {}
    counters: Mapping[str, int] = {}
    timers: Mapping[int, Sequence[bytes]] = {}
    past_hours: Sequence[int] = ()
    messages: Sequence[bytes] = ()
    at_risk: Mapping[bytes, str] = {}
    fields: Mapping[str, str] = {}


class Commit(NamedTuple):
    """A commit's name, that of the one before ("" for the first), the positions before and after it, how many names
    are stored, and those that follow."""

    name: str
    after: str
    expected: Position
    position: Position
    named: int
    names: Sequence[bytes]


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
        self._sent = script(redis, "sent")
        self._journals: dict[int, Journal] = {}

    async def claim(self, shard: int, owner: str, beginning: Position | None) -> Claim | None:
        """Become the owner: (position, last commit); None when there is no position and no `beginning`."""
        start = _pack_position(beginning) if beginning else ""
        position, commit = await self._claim(keys=[self._keys.shard(shard).state], args=[owner, start])
        if position is None:
            return None
        return _unpack_position(position), _text(commit)

    async def commit(self, shard: int, owner: str, commit: Commit, work: Work) -> Answer:
        """Write the work and the position atomically; see commit.lua for the answers."""
        keys = self._keys.shard(shard)
        cuts = list(portions(work.customers, work.records))
        ids = remembered(work.ids, work.ids_since)
        appended = [self._keys.ids(shard, *blob) for blob in ids]
        appended += [self._keys.timers(shard, hour) for hour in work.timers]
        deleted = [self._keys.timers(shard, hour) for hour in work.past_hours]
        header = {
            "owner": owner,
            "commit": commit.name,
            "after": commit.after,
            "expected": _pack_position(commit.expected),
            "position": _pack_position(commit.position),
            "newest_ms": "" if work.newest_ms is None else str(work.newest_ms),
            "portions": len(cuts),
            "named": commit.named,
            "names": len(commit.names),
            "part_bytes": PART_BYTES,
            "blobs": len(appended),
            "ids": self._keys.all_ids(shard),
            "windows": windows(ids, work.ids_since),
            "counters": [part for name, n in work.counters.items() for part in (f"c:{name}", str(n))],
            "messages": len(work.messages),
            "at_risk": len(work.at_risk),
            "fields": [part for field in work.fields.items() for part in field],
        }
        args = [
            msgspec.json.encode(header),
            commit.name.encode() + work.series,
            *(part for cut in cuts for part in pack_records(work.customers[cut], work.records[cut])),
            *commit.names,
            *ids.values(),
            *map(pack_keys, work.timers.values()),
            *work.messages,
            *(part for entry in work.at_risk.items() for part in entry),
        ]
        answer, *journal = await self._commit(
            keys=[
                keys.state,
                keys.customers,
                keys.names,
                keys.journal,
                keys.outbox,
                keys.at_risk,
                *appended,
                *deleted,
            ],
            args=args,
        )
        if journal:
            packed = self._journals[shard].packed if shard in self._journals else 0
            self._journals[shard] = Journal(journal[0], journal[1], packed)
        return answer.decode()  # type: ignore[no-any-return]

    async def tick(self, shard: int, owner: str, lag: Mapping[str, int], oldest_ms: int) -> Sign:
        """Write the heartbeat if still the owner; in any case tell what Redis has."""
        state = self._keys.shard(shard).state
        packed = msgspec.json.encode(lag)
        have, commit, position = await self._tick(keys=[state], args=[owner, packed, oldest_ms])
        return Sign(_text(have), _text(commit), _unpack_position(position) if position else None)

    async def records(self, shard: int, keys: Sequence[bytes], most_names: int | None = None) -> list[bytes | None]:
        """The record of each customer key; None for who was never seen.

        Raises NotTheOwner when there are more names than the owner has stored (`most_names`): another has written.
        """
        if not keys:
            return []
        of_shard = self._keys.shard(shard)
        records: list[bytes | None] = []
        for cut in portions(keys):
            args = pack_customers(keys[cut])
            named, *found = await self._records(keys=[of_shard.customers, of_shard.names], args=args)
            _refuse_more(named, most_names)
            records += found
        return records

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
        blobs = await self._blobs(shard, [self._keys.ids(shard, topic, hour) for hour in hours])
        return {hour: blob for hour, blob in zip(hours, blobs, strict=True) if blob}

    async def timers(self, shard: int, hours: Sequence[int]) -> dict[int, list[bytes]]:
        """Hour -> the customers to look at then, each once, for the hours that have any."""
        blobs = await self._blobs(shard, [self._keys.timers(shard, hour) for hour in hours])
        return {hour: list(dict.fromkeys(unpack_keys(blob))) for hour, blob in zip(hours, blobs, strict=True) if blob}

    async def _blobs(self, shard: int, keys: Sequence[str]) -> list[bytes]:
        return await read_blobs(self._redis, self._keys.shard(shard).state, keys)

    async def field(self, shard: int, name: str) -> str | None:
        """A field of the shard's state."""
        return _text(await self._redis.hget(self._keys.shard(shard).state, name))

    async def newest_ms(self, shards: Iterable[int]) -> int | None:
        """The newest event of these shards."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for shard in shards:
                pipe.hget(self._keys.shard(shard).state, "newest_ms")
            return max((int(newest) for newest in await pipe.execute() if newest), default=None)

    async def in_buckets(
        self, shard: int, buckets: Iterable[int], most_names: int | None = None
    ) -> dict[bytes, bytes]:
        """Customer key -> record, of all customers in these buckets (of BUCKETS). Raises as `records` does."""
        of_shard = self._keys.shard(shard)
        async with self._redis.pipeline(transaction=False) as pipe:
            for bucket in buckets:
                pipe.hgetall(f"{of_shard.customers}:{bucket}")
            pipe.llen(of_shard.names)
            *read, named = await pipe.execute()
        _refuse_more(named, most_names)
        return {key: record for records in read for key, record in records.items()}

    async def outbox(self, shard: int, most: int) -> list[bytes]:
        """The oldest messages that Kafka has not acknowledged."""
        return await self._redis.lrange(self._keys.shard(shard).outbox, 0, most - 1)  # type: ignore[no-any-return]

    async def sent(self, shard: int, owner: str, number: int) -> None:
        """Drop the oldest messages; if this is not the owner any more, the new one sends them again."""
        keys = self._keys.shard(shard)
        await self._sent(keys=[keys.state, keys.outbox], args=[owner, number])

    async def compact(
        self, shard: int, owner: str, series: Iterable[Series], newest: int, today: int, keep_days: int | None
    ) -> bool:
        """When the journal has grown long, merge its older part into the packed series, forgetting what is past.

        `newest` is a minute, `today` its local day. Returns whether it compacted. The last commit told how long the
        journal is, so this may be called after every one.
        """
        keys = self._keys.shard(shard)
        if shard not in self._journals or not self._journals[shard].is_long:
            return False
        # No transaction: a Redis that is full would refuse one. What was read together the script finds out.
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(keys.state, "head").get(keys.series).lrange(keys.journal, 0, -1)
            head, packed, entries = await pipe.execute()
        stay = staying(entries)
        merged, left = entries[: len(entries) - stay], entries[len(entries) - stay :]
        if not merged:
            return False
        table = Table(series)
        if packed:
            table.merge(packed)
        for entry in merged:
            commit, blob = decode_entry(entry)
            table.merge(blob)
        table.compact(newest, today, keep_days)
        await drop_released(self._redis, self._namespace, table)
        packed = table.encode()
        args = [owner, head or "0", len(merged), sum(map(len, merged)), packed, commit]
        answer = await self._compact(keys=[keys.state, keys.series, keys.journal], args=args)
        self._journals[shard] = Journal(len(left), sum(map(len, left)), len(packed))
        return bool(answer == b"compacted")


def _refuse_more(named: int, most_names: int | None) -> None:
    if most_names is not None and named > most_names:
        raise NotTheOwner


def decode_entry(entry: bytes) -> tuple[str, bytes]:
    """(commit, packed increments) of a journal entry."""
    return entry[:COMMIT_LENGTH].decode(), entry[COMMIT_LENGTH:]


def _pack_position(position: Position) -> str:
    return msgspec.json.encode(position, order="sorted").decode()


def _unpack_position(packed: bytes) -> Position:
    return msgspec.json.decode(packed, type=dict[str, int])


def _text(value: bytes | None) -> str | None:
    return value.decode() if value is not None else None
