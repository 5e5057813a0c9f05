"""Commits of a shard's owner: in once though an answer is lost, refused where it is fenced, given up when closed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from structlog.testing import capture_logs

from stream.core.key_ids import KeyIds
from stream.demo.embedded import EmbeddedRedis
from stream.runtime.errors import UserError
from stream.store.connect import connect_to
from stream.store.keys import Keys
from stream.store.replica import read_state
from stream.store.shard import ShardStore, WriteSet
from stream.worker.commits import Commits, Fenced, Planned, commit_together
from stream.worker.retrying import GivenUp, retrying
from tests.stack.proxy import RedisProxy
from tests.stack.waiting import eventually_async

ONE = WriteSet(counters={"events": 1})
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def proxy(redis_server: EmbeddedRedis) -> Iterator[RedisProxy]:
    with RedisProxy(redis_server) as proxy:
        yield proxy


async def owner_of(number: int, redis: Redis, namespace: str, by: Redis | None = None) -> Commits:
    """An owner that claims the shard now, and commits by another connection."""
    name = uuid4().hex
    claim = await ShardStore(redis, namespace).claim(number, name, {"clicks": 0})
    assert claim is not None
    return Commits(number, name, claim, KeyIds(), ShardStore(by or redis, namespace))


async def events(redis: Redis, namespace: str, number: int = 0) -> int:
    return (await read_state(redis, namespace, number)).counters.get("events", 0)


async def test_a_commit_whose_answer_was_lost_is_in_once(redis: Redis, namespace: str, proxy: RedisProxy) -> None:
    async with connect_to(proxy.url) as by:
        commits = await owner_of(0, redis, namespace, by)
        proxy.lose_answers(1)
        await commits.commit(ONE, {"clicks": 7})
        assert (proxy.lost, b"already" in proxy.answers[-1]) == (1, True)
        assert (await events(redis, namespace), commits.position) == (1, {"clicks": 7})

        await commits.commit(ONE)  # what follows is after it
        assert await events(redis, namespace) == 2


async def test_of_commits_that_are_sent_together_those_whose_answers_were_lost_are_in_once(
    redis: Redis, namespace: str, proxy: RedisProxy
) -> None:
    async with connect_to(proxy.url) as by:
        commits = await owner_of(0, redis, namespace, by)
        proxy.lose_answers(1)
        [refused] = await commit_together(commits._store, [Planned(commits, [ONE] * 5, {"clicks": 7})])
        assert (refused, proxy.lost) == (None, 1)
        assert (await events(redis, namespace), commits.position) == (5, {"clicks": 7})
        await commits.commit(ONE)  # what follows is after the last of them
        assert await events(redis, namespace) == 6


async def test_what_follows_a_commit_that_redis_could_not_write_is_tried_again_after_it(
    redis: Redis, namespace: str
) -> None:
    """Redis is full when the second of three comes."""
    commits = await owner_of(0, redis, namespace)
    large = WriteSet(counters={"events": 1}, messages=[b"m" * 50_000_000])
    used = (await redis.info("memory"))["used_memory"]
    await redis.config_set("maxmemory", used + 30_000_000)
    committing = asyncio.create_task(commit_together(commits._store, [Planned(commits, [ONE, large, ONE], {})]))
    try:

        async def first_is_in() -> bool:
            return await events(redis, namespace) == 1

        await eventually_async(first_is_in, 20, "the first commit")
        assert not committing.done()
    finally:
        await redis.config_set("maxmemory", 0)
    assert await committing == [None]
    assert await events(redis, namespace) == 3


async def test_a_shard_that_another_took_is_refused_and_the_others_of_its_round_trip_are_not(
    redis: Redis, namespace: str
) -> None:
    both = [await owner_of(number, redis, namespace) for number in (0, 1)]
    successor = await owner_of(0, redis, namespace)
    refused, written = await commit_together(both[0]._store, [Planned(each, [ONE, ONE], {}) for each in both])
    assert isinstance(refused, Fenced)
    assert (refused.args, written) == (("owner",), None)
    assert [await events(redis, namespace, number) for number in (0, 1)] == [0, 2]
    await successor.commit(ONE)
    assert await events(redis, namespace) == 1


async def test_a_redis_that_went_back_is_not_written_to(redis: Redis, namespace: str) -> None:
    commits, state = await owner_of(0, redis, namespace), Keys(namespace).shard(0).state
    await commits.commit(ONE, {"clicks": 1})
    before = await redis.dump(state)
    await commits.commit(ONE, {"clicks": 2})
    await redis.restore(state, 0, before, replace=True)
    with pytest.raises(Fenced, match="position"):
        await commits.commit(ONE, {"clicks": 3})
    assert await events(redis, namespace) == 1


async def test_whoever_is_closed_commits_nothing_more(redis: Redis, namespace: str) -> None:
    commits = await owner_of(0, redis, namespace)
    commits.closed.set()
    with pytest.raises(GivenUp):
        await commits.commit(ONE)
    assert await events(redis, namespace) == 0


async def test_a_commit_is_given_up_at_once_when_its_shard_is_closed_while_redis_is_away(
    redis: Redis, namespace: str
) -> None:
    async with connect_to(NOWHERE) as away:
        commits = await owner_of(0, redis, namespace, away)
        with capture_logs() as said:
            committing = asyncio.create_task(commits.commit(ONE))

            async def pauses_for_long() -> bool:
                return any(entry["pause_seconds"] > 1 for entry in said)

            await eventually_async(pauses_for_long, 20, "a long pause")
            commits.closed.set()
            async with asyncio.timeout(1):
                with pytest.raises(GivenUp, match="shard 0"):
                    await committing
    assert (await events(redis, namespace), commits.position) == (0, {"clicks": 0})


async def test_pauses_between_attempts_double() -> None:
    errors = [RedisConnectionError("away"), KafkaConnectionError("away"), RedisConnectionError("")]

    async def attempt() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    with capture_logs() as said:
        assert await retrying("try", attempt, asyncio.Event()) == "done"
    assert [entry["pause_seconds"] for entry in said] == [0.1, 0.2, 0.4]
    assert [entry["error"] for entry in said] == ["away", "KafkaConnectionError: away", "ConnectionError"]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (TopicAuthorizationFailedError("clicks"), UserError),
        (ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), ResponseError),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
)
async def test_what_will_never_succeed_is_not_tried_again(error: Exception, raised: type[Exception]) -> None:
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        raise error

    with pytest.raises(raised):
        await retrying("try", attempt, asyncio.Event())
    assert attempts == 1
