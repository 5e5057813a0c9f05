"""What exporters are told of commits, and that they look at everything whenever something may not have been told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from stream.demo.embedded import EmbeddedRedis
from stream.store import committed
from stream.store.committed import Committed
from stream.store.connect import connect_to
from stream.store.keys import Keys
from tests.stack.waiting import eventually_async

PARTITIONS = 5
ALL = set(range(PARTITIONS))


@pytest.fixture
async def told(redis_server: EmbeddedRedis) -> AsyncIterator[tuple[Committed, str]]:
    """Subscribed, and all of the past taken; and the channel."""
    redis, namespace = connect_to(redis_server.url), uuid4().hex
    listener = Committed(redis, namespace, PARTITIONS)
    listener.take()
    listening = asyncio.create_task(listener.listen())
    await listener.wait(10)
    assert listener.take() == ALL
    yield listener, Keys(namespace).committed
    listening.cancel()
    await redis.aclose()


async def test_what_was_committed_to_is_looked_at_and_one_shard_more_in_turn(
    told: tuple[Committed, str], redis_server: EmbeddedRedis
) -> None:
    listener, channel = told
    redis = connect_to(redis_server.url)
    in_turn = [listener.take() for _ in range(PARTITIONS)]
    assert sorted(shard for taken in in_turn for shard in taken) == sorted(ALL)

    await redis.publish(channel, "1 3")
    await listener.wait(10)
    assert {1, 3} <= listener.take() < ALL
    for words in ("x", "-1", "5", "1 99"):
        await redis.publish(channel, words)
        await listener.wait(10)
        assert listener.take() == ALL, words
    await redis.aclose()


async def test_a_connection_that_died_without_a_word_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committed, "_QUIET_SECONDS", 0.1)
    with EmbeddedRedis({"appendonly": "no"}) as own:
        redis = connect_to(own.url)
        listener = Committed(redis, "died", PARTITIONS)
        listening = asyncio.create_task(listener.listen())
        await listener.wait(10)

        async def answers() -> bool:
            return bool(await redis.pubsub_numsub("died:committed") == [(b"died:committed", 1)])

        await eventually_async(answers, 10, "the subscription")
        await asyncio.sleep(0)
        listener.take()
        with own.paused():
            await listener.wait(10)
            assert listener.take() == ALL
        listening.cancel()
        await redis.aclose()
