"""Re-scoring: a shard's series are as though its customers had always been scored so, all at once or not at all."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from redis.asyncio import Redis

from stream.demo.embedded import EmbeddedRedis
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.model import Coefficients
from stream.indicators.families.churn_risk import SERIES
from stream.store.connect import connect_to
from stream.store.replica import Replica
from tests.shard_owner import DAY, SCORING, TEN, Risks, ShardOwner, event
from tests.stack.proxy import RedisProxy

OTHER = Scoring(Coefficients(constant=1.0, overdue=0.5), SCORING.first_week_days, SCORING.calendar)


def logins() -> list[dict[str, Any]]:
    """Of so many customers that they lie in many buckets."""
    chance = random.Random(7)
    return [
        event("login", f"user-{number}", TEN - chance.randrange(60 * DAY))
        for number in range(200)
        for _ in range(chance.randrange(1, 9))
    ]


LOGINS = logins()
Readings = dict[tuple[str, ...], dict[int, int]]


async def readings(risks: Risks) -> Readings:
    """Key -> time -> count, of the series of churn risk."""
    replica = Replica(risks.redis, risks.namespace, 1, SERIES)
    await replica.refresh()
    table = replica.table
    keys = [key for series in SERIES for product in table.products for key in table.keys(series.name, product)]
    cells = {key: table.cells_of(key).cells() for key in keys}
    found = {
        key: {time: count for time, count in zip(times.tolist(), counts.tolist(), strict=True) if count}
        for key, (times, counts) in cells.items()
    }
    return {key: counts for key, counts in found.items() if counts}


async def stored(risks: Risks) -> dict[bytes, bytes]:
    return {key: await risks.redis.dump(key) async for key in risks.redis.scan_iter(f"{risks.namespace}:*")}


async def folded(risks: Risks, scoring: Scoring = SCORING) -> ShardOwner:
    owner = await ShardOwner.of(risks, scoring=scoring)
    await owner.fold(LOGINS, TEN)
    await owner.evaluate(TEN)
    return owner


@pytest.fixture
async def expected(redis: Redis) -> Readings:
    """Where everybody was scored by OTHER from the beginning."""
    always = Risks(redis)
    await folded(always, OTHER)
    return await readings(always)


async def test_the_series_are_as_though_everybody_had_always_been_scored_so(redis: Redis, expected: Readings) -> None:
    risks = Risks(redis)
    owner = await folded(risks)
    assert await readings(risks) != expected
    owner.scoring = OTHER
    await owner.evaluate(TEN)
    assert await readings(risks) == expected


async def test_whoever_is_killed_on_the_way_leaves_all_as_it_was(redis: Redis, expected: Readings) -> None:
    risks = Risks(redis)
    owner = await folded(risks)
    before, worked_at = await stored(risks), owner.commits.progress_at
    owner.scoring = OTHER
    scoring = asyncio.create_task(owner.evaluate(TEN))
    async with asyncio.timeout(20):
        while owner.commits.progress_at == worked_at:  # until some were read
            await asyncio.sleep(0)
        while not scoring.done():  # again: redis-py waits by Python 3.11's wait_for, which may swallow one
            scoring.cancel()
            await asyncio.sleep(0)
    assert scoring.cancelled()
    assert await stored(risks) == before

    successor = await ShardOwner.of(risks, scoring=OTHER)
    await successor.evaluate(TEN)
    assert await readings(risks) == expected


async def test_it_is_in_once_though_the_answer_is_lost(redis_server: EmbeddedRedis, expected: Readings) -> None:
    with RedisProxy(redis_server) as proxy:
        async with connect_to(proxy.url) as redis:
            risks = Risks(redis)
            owner = await folded(risks)
            proxy.lose_answers(1)
            owner.scoring = OTHER
            await owner.evaluate(TEN)
            assert proxy.lost == 1
            assert await readings(risks) == expected
