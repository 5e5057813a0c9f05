"""No script holds Redis up: whatever arrives, a call asks little, and takes less than ten milliseconds."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from stream.demo.embedded import EmbeddedRedis
from stream.store.connect import connect_to
from stream.store.labels import LabelBook, ProductBook
from stream.store.places import AT_ONCE
from stream.store.shard import Commit, ShardStore, WriteSet

SLOW_MICROSECONDS = 10_000
TRIES = 10
"""A busy machine can make a fast call slow now and then; nothing makes a slow one fast."""
FLOOD = 100_000


@pytest.fixture(scope="module")
def own_redis() -> Any:
    with EmbeddedRedis({"slowlog-log-slower-than": str(SLOW_MICROSECONDS), "appendonly": "no"}) as server:
        yield server


@pytest.fixture
async def redis(own_redis: EmbeddedRedis) -> AsyncIterator[Redis]:
    client = connect_to(own_redis.url)
    yield client
    await client.aclose()


async def calls_of_scripts(redis: Redis) -> int:
    stats: dict[str, Any] = await redis.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha"))


async def slow_scripts(redis: Redis) -> list[dict[str, Any]]:
    return [entry for entry in await redis.slowlog_get(100) if entry["command"].startswith(b"EVAL")]


async def never_slow(redis: Redis, attempt: Callable[[], Awaitable[None]]) -> None:
    for _ in range(TRIES):
        await redis.slowlog_reset()
        await attempt()
        if not (slow := await slow_scripts(redis)):
            return
    raise AssertionError(f"slow in each of {TRIES} tries: {[entry['duration'] for entry in slow]} microseconds")


@pytest.mark.parametrize("limit", [200, 2000])
async def test_a_flood_of_label_values(redis: Redis, limit: int) -> None:
    flood = [("app", "campaign", f"{number:032x}") for number in range(FLOOD)]

    async def attempt() -> None:
        book = LabelBook(redis, uuid4().hex, limit)
        before = await calls_of_scripts(redis)
        for today in (100, 101):
            await book.learn(flood, today)
            assert sum(book.place(*each) != "other" for each in flood) == limit
        # Once it is known that there is no room, nobody asks.
        assert await calls_of_scripts(redis) - before <= 2 * (limit // AT_ONCE + 2)

    await never_slow(redis, attempt)


async def test_a_flood_into_a_label_whose_values_all_give_up_their_places(redis: Redis) -> None:
    async def attempt() -> None:
        namespace = uuid4().hex
        for today in (100, 200):
            book = LabelBook(redis, namespace, 2000)
            flood = [("app", "campaign", f"{today}-{number}") for number in range(10_000)]
            await book.learn(flood, today)
            assert sum(book.place(*each) != "other" for each in flood) == 2000

    await never_slow(redis, attempt)


async def test_a_flood_of_products(redis: Redis) -> None:
    flood = [f"{number:032x}" for number in range(FLOOD)]

    async def attempt() -> None:
        book = ProductBook(redis, uuid4().hex, 50)
        await book.learn(flood, 100)
        assert sum(book.place(product) != "other" for product in flood) == 50

    await never_slow(redis, attempt)


async def test_the_records_of_a_full_batch(redis: Redis) -> None:
    store, keys = ShardStore(redis, uuid4().hex), [f"u:customer-{number}".encode() for number in range(20_000)]
    records = [f"record {number}".encode() * 10 for number in range(20_000)]
    await store.claim(0, "me", {"clicks": 0})
    name, write_set = "f" * 16, WriteSet(customers=keys, records=records)
    assert (
        await store.commit(0, "me", Commit(name, "", {"clicks": 0}, {"clicks": 1}, 0, []), write_set) == "committed"
    )

    async def attempt() -> None:
        assert await store.records(0, [*keys, b"u:nobody"]) == [*records, None]

    await never_slow(redis, attempt)


async def test_of_refused_values_nothing_is_remembered(redis: Redis) -> None:
    book = LabelBook(redis, uuid4().hex, 20)
    await book.learn([("app", "campaign", "first")], 100)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for start in range(0, FLOOD, 10_000):
            await book.learn([("app", "campaign", f"{number:032x}") for number in range(start, start + 10_000)], 100)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000
