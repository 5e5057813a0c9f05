"""Buckets grow in number with their shard, and whoever looks finds every customer at any time."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from uuid import uuid4
from zlib import crc32

import pytest
from redis.asyncio import Redis

from stream.demo.embedded import EmbeddedRedis
from stream.store.keys import Keys
from stream.store.packing import PORTIONS
from stream.store.shard import Commit, ShardStore, WriteSet

SHARD, OWNER = 3, "the owner"
MOST_PACKED = 256
"""As deploy/redis.conf has it."""


@pytest.fixture(scope="module")
def own_redis() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis({"appendonly": "no"}) as server:
        yield server


class Growing:
    """A shard that gets customers, and what is to be found of them."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.namespace = uuid4().hex
        self.of_shard = Keys(self.namespace).shard(SHARD)
        self.store = ShardStore(redis, self.namespace)
        self.expected: dict[bytes, bytes] = {}
        self.commits = 0
        self.last = ""

    async def claim(self) -> None:
        await self.store.claim(SHARD, OWNER, {"clicks": 0})

    async def commit(self, records: dict[bytes, bytes]) -> None:
        name, position = f"{self.commits:016x}", {"clicks": 0}
        write_set = WriteSet(customers=list(records), records=list(records.values()))
        commit = Commit(name, self.last, position, position, 0, [])
        assert await self.store.commit(SHARD, OWNER, commit, write_set) == "committed"
        self.commits, self.last = self.commits + 1, name
        self.expected |= records

    async def found(self) -> dict[bytes, bytes]:
        """By whoever goes through all of them; nobody twice."""
        found: dict[bytes, bytes] = {}
        for portion in PORTIONS:
            some = await self.store.in_buckets(SHARD, portion)
            assert not some.keys() & found.keys()
            assert all(crc32(key) in portion for key in some)
            found |= some
        return found

    async def asked(self) -> dict[bytes, bytes | None]:
        """By whoever asks for each."""
        keys = random.Random(1).sample(list(self.expected), len(self.expected))
        return dict(zip(keys, await self.store.records(SHARD, keys), strict=True))

    async def sizes(self) -> dict[int, int]:
        """First hash of a bucket -> how many are in it."""
        found = {}
        async for bucket in self.redis.scan_iter(f"{self.of_shard.customers}:*", count=1000):
            found[int(bucket.rpartition(b":")[2])] = await self.redis.hlen(bucket)
        return found

    async def field(self, name: str) -> int:
        return int(await self.redis.hget(self.of_shard.state, name) or 0)


@pytest.fixture
async def growing(own_redis: EmbeddedRedis) -> AsyncIterator[Growing]:
    async with Redis.from_url(own_redis.url) as redis:
        shard = Growing(redis)
        await shard.claim()
        yield shard


def customers(first: int, end: int, said: str = "first") -> dict[bytes, bytes]:
    return {f"u:customer {number}".encode(): f"{said} {number}".encode() for number in range(first, end)}


@pytest.mark.parametrize("most_new", [1, 30, 1_000, 6_000])
async def test_everybody_is_found_after_each_commit(growing: Growing, most_new: int) -> None:
    chance = random.Random(most_new)
    for number in range(30):
        seen = len(growing.expected)
        some = customers(seen, seen + chance.randint(1, most_new))
        known = chance.sample(sorted(growing.expected), min(seen, chance.randint(0, 500)))
        await growing.commit(some | {key: f"again {number}".encode() for key in known})
        assert await growing.asked() == growing.expected
    assert await growing.found() == growing.expected
    assert sum((await growing.sizes()).values()) == await growing.field("customers") == len(growing.expected)


async def test_buckets_stay_small_and_packed(growing: Growing) -> None:
    for first in range(0, 100_000, 1_000):
        await growing.commit(customers(first, first + 1_000))
    sizes = await growing.sizes()
    assert len(sizes) == await growing.field("buckets")
    assert 40 < len(growing.expected) / len(sizes) < 55
    assert max(sizes.values()) <= MOST_PACKED
    for bucket in sizes:
        encoding = await growing.redis.object("encoding", f"{growing.of_shard.customers}:{bucket}")
        assert encoding in (b"listpack", b"ziplist")


async def test_each_bucket_holds_a_stretch_of_hashes(growing: Growing) -> None:
    await growing.commit(customers(0, 5_000))
    await growing.commit({})
    starts = sorted(await growing.sizes())
    for first, stop in pairwise([*starts, 1 << 32]):
        bucket = await growing.redis.hkeys(f"{growing.of_shard.customers}:{first}")
        assert all(first <= crc32(key) < stop for key in bucket)


async def test_what_one_commit_left_unsplit_later_ones_split(growing: Growing) -> None:
    await growing.commit(customers(0, 40_000))
    assert max((await growing.sizes()).values()) > MOST_PACKED
    before = await growing.field("buckets")
    while before < len(growing.expected) / 48:
        await growing.commit(customers(0, 1, "again"))
        now = await growing.field("buckets")
        assert now > before
        before = now
    assert await growing.asked() == growing.expected
    for bucket, size in (await growing.sizes()).items():
        assert size <= MOST_PACKED
        encoding = await growing.redis.object("encoding", f"{growing.of_shard.customers}:{bucket}")
        assert encoding in (b"listpack", b"ziplist")


async def test_whoever_goes_through_all_while_buckets_are_split_misses_nobody(growing: Growing) -> None:
    await growing.commit(customers(0, 20_000))
    expected, found, seen = dict(growing.expected), dict[bytes, bytes](), 20_000
    for portion in PORTIONS:
        found |= await growing.store.in_buckets(SHARD, portion)
        await growing.commit(customers(seen, seen + 500))
        seen += 500
    assert found.items() >= expected.items()


async def test_customers_who_all_fall_into_one_bucket_are_kept_there(growing: Growing) -> None:
    """Somebody may choose ids whose hashes are near each other: the buckets then stay as they are."""
    chance, chosen = random.Random(1), list[bytes]()
    while len(chosen) < 3_000:
        key = f"a:{chance.getrandbits(64):x}".encode()
        if crc32(key) < 1 << 26:
            chosen.append(key)
    await growing.commit(dict.fromkeys(chosen, b"a record"))
    for _ in range(3):
        await growing.commit(customers(0, 1))
    assert await growing.field("buckets") == 64
    assert await growing.asked() == growing.expected == await growing.found()
