"""The write side: claim a shard, read what a fold needs, commit what it made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from redis.asyncio import Redis

from stream.core.packed_cells import NO_INCREMENTS
from stream.core.series import Series, Table
from stream.store.blobs import PART_BYTES, read_blobs
from stream.store.connect import Call, run_all, script
from stream.store.ids import windows
from stream.store.journal import Journal, staying
from stream.store.keys import Keys
from stream.store.labels import drop_released
from stream.store.packing import hashed, pack_keys, pack_records, portions, unpack_keys

Position = dict[str, int]
"""Topic -> offset of the next Kafka record to fold."""

Claim = tuple[Position, str | None]
"""The position of a shard, and the name of its last commit."""

Answer = Literal["committed", "already", "owner", "position"]
Dropped = Literal["sent", "already", "owner", "position"]

REPLAYED = "replayed"
"""A field of a shard's state: how many events after the position are written already, for the rest of their batch was
not; they come again, as repeats."""

SCORING, REVIEW, DUE_FROM = "scoring", "review", "due_from"
"""Fields of a shard's state: by what its customers are scored in the series; whether all of them are still to be
evaluated by that; the first hour of the timer index whose customers may not all have been evaluated."""

LATEST, SET_BACKS = "latest_ms", "set_backs"
"""Two more: the latest moment as of which customers were evaluated (milliseconds since the epoch), and how often it
was taken back, for the clock had been ahead."""

COMMIT_LENGTH = 16
"""Characters of a commit's name: hexadecimal, chosen at random by the worker."""

_RECORDS_AT_ONCE = 500
"""Records read by one call of a script: it takes one or two milliseconds, in which Redis answers nobody else."""


class NotTheOwner(Exception):
    """Somebody else writes the shard by now."""


class WriteSet(NamedTuple):
    """What is to be committed together.

    customers, records  customer keys, and the record of each
    ids, ids_since      (topic, hour) -> packed hashes of event ids; topic -> hour: older ones are forgotten
    timers, past_hours  hour -> keys of the customers to evaluate then; hours at which nobody is left
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
    are stored, and those that follow; the names of the commits that are sent with it, to come later."""

    name: str
    after: str
    expected: Position
    position: Position
    named: int
    names: Sequence[bytes]
    later: Sequence[str] = ()


class ShardCommit(NamedTuple):
    """What is to be written to a shard, by its owner."""

    shard: int
    owner: str
    commit: Commit
    write_set: WriteSet


class Unsent(NamedTuple):
    """The oldest messages that Kafka has not acknowledged; how many it had before them, and how many wait in all."""

    messages: list[bytes]
    sent: int
    waiting: int


class Sign(NamedTuple):
    """What Redis has of a shard."""

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
        self._commit = script(redis, "buckets", "commit")
        self._records = script(redis, "buckets", "records")
        self._everybody = script(redis, "buckets", "everybody")
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

    async def commit(self, shard: int, owner: str, commit: Commit, write_set: WriteSet) -> Answer:
        """As `commit_all`, one commit. Raises what is wrong with Redis."""
        [answer] = await self.commit_all([ShardCommit(shard, owner, commit, write_set)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def commit_all(self, commits: Sequence[ShardCommit]) -> list[Answer | Exception]:
        """Write each write set and its position atomically, one after the other in one round trip; tell exporters.

        The answer to each (see commit.lua), or what is wrong with Redis for this one.
        """
        if not commits:
            return []
        shards = dict.fromkeys(each.shard for each in commits)
        calls = [self._commit_call(*each) for each in commits]
        answers = await run_all(self._redis, self._commit, calls, (self._keys.committed, " ".join(map(str, shards))))
        return [self._answer(each.shard, answer) for each, answer in zip(commits, answers, strict=True)]

    def _answer(self, shard: int, answer: Exception | list[Any]) -> Answer | Exception:
        if isinstance(answer, Exception):
            return answer
        outcome, *journal = answer
        if journal:
            packed = self._journals[shard].packed if shard in self._journals else 0
            self._journals[shard] = Journal(journal[0], journal[1], packed)
        return outcome.decode()  # type: ignore[no-any-return]

    def _commit_call(self, shard: int, owner: str, commit: Commit, write_set: WriteSet) -> Call:
        keys = self._keys.shard(shard)
        if len(write_set.records) != len(write_set.customers):
            raise ValueError(f"{len(write_set.records)} records of {len(write_set.customers)} customers")
        order, hashes = hashed(write_set.customers)
        customers = [write_set.customers[place] for place in order]
        records = [write_set.records[place] for place in order]
        cuts = list(portions(customers, records))
        appended = [self._keys.ids(shard, *blob) for blob in write_set.ids]
        appended += [self._keys.timers(shard, hour) for hour in write_set.timers]
        deleted = [self._keys.timers(shard, hour) for hour in write_set.past_hours]
        header = {
            "owner": owner,
            "commit": commit.name,
            "after": commit.after,
            "later": commit.later,
            "expected": _pack_position(commit.expected),
            "position": _pack_position(commit.position),
            "newest_ms": "" if write_set.newest_ms is None else str(write_set.newest_ms),
            "customers": len(customers),
            "portions": len(cuts),
            "named": commit.named,
            "names": len(commit.names),
            "part_bytes": PART_BYTES,
            "blobs": len(appended),
            "ids": self._keys.all_ids(shard),
            "windows": windows(write_set.ids, write_set.ids_since),
            "counters": [part for name, n in write_set.counters.items() for part in (f"c:{name}", str(n))],
            "messages": len(write_set.messages),
            "at_risk": len(write_set.at_risk),
            "fields": [part for field in write_set.fields.items() for part in field],
        }
        args = [
            msgspec.json.encode(header),
            commit.name.encode() + write_set.series,
            *(part for cut in cuts for part in (hashes[cut].tobytes(), pack_records(customers[cut], records[cut]))),
            *commit.names,
            *write_set.ids.values(),
            *map(pack_keys, write_set.timers.values()),
            *write_set.messages,
            *(part for entry in write_set.at_risk.items() for part in entry),
        ]
        return Call(
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

    async def signs(self, shards: Sequence[int]) -> dict[int, Sign]:
        """What Redis has of these shards, for their owner to see whether it is still what it wrote."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for shard in shards:
                pipe.hmget(self._keys.shard(shard).state, "owner", "commit", "position")
            found = await pipe.execute()
        return {
            shard: Sign(_text(owner), _text(commit), _unpack_position(position) if position else None)
            for shard, (owner, commit, position) in zip(shards, found, strict=True)
        }

    async def records(self, shard: int, keys: Sequence[bytes], most_names: int | None = None) -> list[bytes | None]:
        """As `records_of`, of one shard. Raises NotTheOwner, and what is wrong with Redis."""
        [found] = (await self.records_of({shard: (keys, most_names)})).values()
        if isinstance(found, Exception):
            raise found
        return found

    async def records_of(
        self, wanted: Mapping[int, tuple[Sequence[bytes], int | None]]
    ) -> dict[int, list[bytes | None] | Exception]:
        """Of each shard (-> customer keys, how many names its owner has stored; None: whoever reads) the records of
        the customers, None for who was never seen; all in one round trip.

        In the place of a shard's records: NotTheOwner when there are more names, for another has written, or what is
        wrong with Redis.
        """
        calls, parts = [], []
        for shard, (keys, _) in wanted.items():
            of_shard = self._keys.shard(shard)
            order, hashes = hashed(keys)
            for start in range(0, len(keys), _RECORDS_AT_ONCE):
                some = order[start : start + _RECORDS_AT_ONCE]
                packed = (
                    hashes[start : start + _RECORDS_AT_ONCE].tobytes(),
                    pack_keys([keys[place] for place in some]),
                )
                calls.append(Call([of_shard.state, of_shard.customers, of_shard.names], packed))
                parts.append((shard, some))
        found: dict[int, list[bytes | None] | Exception] = {
            shard: [None] * len(keys) for shard, (keys, _) in wanted.items()
        }
        for (shard, some), answer in zip(parts, await run_all(self._redis, self._records, calls), strict=True):
            most_names, so_far = wanted[shard][1], found[shard]
            if isinstance(answer, Exception):
                found[shard] = answer
            elif most_names is not None and answer[0] > most_names:
                found[shard] = NotTheOwner()
            elif isinstance(so_far, list):
                for place, record in zip(some, answer[1:], strict=True):
                    so_far[place] = record
        return found

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
        """Hour -> the customers to evaluate then, each once, for the hours that have any."""
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

    async def in_buckets(self, shard: int, portion: range, most_names: int | None = None) -> dict[bytes, bytes]:
        """Customer key -> record, of all customers in these buckets (of PORTIONS). Raises as `records` does."""
        of_shard = self._keys.shard(shard)
        found: dict[bytes, bytes] = {}
        first = portion.start
        while first < portion.stop:
            named, first, *rows = await self._everybody(
                keys=[of_shard.state, of_shard.customers, of_shard.names],
                args=[first, portion.stop, _RECORDS_AT_ONCE],
            )
            if most_names is not None and named > most_names:
                raise NotTheOwner
            found.update(zip(rows[::2], rows[1::2], strict=True))
        return found

    async def outbox(self, shard: int, most: int) -> Unsent:
        """What there is to send, `most` messages of it."""
        keys = self._keys.shard(shard)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.lrange(keys.outbox, 0, most - 1).hget(keys.state, "c:risk_messages").llen(keys.outbox)
            messages, sent, waiting = await pipe.execute()
        return Unsent(messages, int(sent or 0), waiting)

    async def sent(self, shard: int, owner: str, some: Unsent) -> Dropped:
        """Drop and count these messages, once however often it is said; see sent.lua for the answers.

        What is refused stays: the new owner sends it again.
        """
        keys = self._keys.shard(shard)
        answer = await self._sent(keys=[keys.state, keys.outbox], args=[owner, some.sent, len(some.messages)])
        await self._redis.publish(self._keys.committed, str(shard))
        return answer.decode()  # type: ignore[no-any-return]

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
        commits, blobs = zip(*map(decode_entry, merged), strict=True)
        table.merge(*([packed] if packed else []), *blobs)
        table.compact(newest, today, keep_days)
        await drop_released(self._redis, self._namespace, table)
        packed = table.encode()
        args = [owner, head or "0", len(merged), sum(map(len, merged)), packed, commits[-1]]
        answer = await self._compact(keys=[keys.state, keys.series, keys.journal], args=args)
        self._journals[shard] = Journal(len(left), sum(map(len, left)), len(packed))
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
