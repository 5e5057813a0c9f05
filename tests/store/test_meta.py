"""Settings that shape stored state: which are equal for ever, which for all workers at once, and which may differ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from stream.core.definitions import Definitions, ScorePart, ScoreParts, Step, as_stored
from stream.demo.embedded import EmbeddedRedis
from stream.indicators.config import Config, parsed
from stream.runtime.errors import UserError
from stream.settings import Settings
from stream.store import meta
from stream.store.heartbeats import Heartbeats, Said
from stream.store.keys import Keys

MINE = Settings(_env_file=None, partitions=2, namespace="overwritten")


class Namespace:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.name = f"test-{uuid4().hex[:8]}"

    def settings(self, **changed: Any) -> Settings:
        return MINE.model_copy(update={"namespace": self.name, **changed})

    async def begin(self, **changed: Any) -> None:
        await meta.begin(self.redis, self.settings(**changed))

    async def agree(self, **changed: Any) -> None:
        await meta.agree(self.redis, self.settings(**changed))

    async def check(self, **changed: Any) -> None:
        await meta.check(self.redis, self.settings(**changed))


@pytest.fixture
async def namespace(redis_server: EmbeddedRedis) -> AsyncIterator[Namespace]:
    async with Redis.from_url(redis_server.url) as redis:
        yield Namespace(redis)


FOR_GOOD = {
    "partitions": 3,
    "timezone": "Europe/Paris",
    "clock": "event",
    "topic_prefix": "other.",
    "horizon_days": 100,
}
CHANGEABLE = {"repeat_hours": 3, "label_limit": 50, "product_limit": 7}
FREE = {"cache_customers": 7, "stale_seconds": 9.0}


def defined(**chosen: Any) -> dict[str, Config]:
    """The setting under which the definitions are these."""
    return {"indicators": Config(Definitions(**chosen))}


COUNTED_BY = {
    "retention_days": (1, 8),
    "visit_gap_minutes": 20,
    "segment": "plan",
    "journey": (Step("signup"), Step("interaction", (("action", "play"),))),
    "score": ScoreParts(activity=ScorePart(40, 20)),
}
"""Definitions, and other values than the defaults."""


@pytest.mark.parametrize("name", FOR_GOOD)
async def test_what_is_stored_by_a_setting_is_refused_by_another(namespace: Namespace, name: str) -> None:
    await namespace.begin()
    for attempt in (namespace.begin, namespace.agree, namespace.check):
        with pytest.raises(UserError) as refused:
            await attempt(**{name: FOR_GOOD[name]})
        assert f"ASSIDU_{name.upper()}: Redis has" in str(refused.value)
        assert "choose another ASSIDU_NAMESPACE" in str(refused.value)


@pytest.mark.parametrize("name", COUNTED_BY)
async def test_what_is_counted_by_a_definition_is_refused_by_another(namespace: Namespace, name: str) -> None:
    await namespace.begin()
    for attempt in (namespace.begin, namespace.agree, namespace.check):
        with pytest.raises(UserError) as refused:
            await attempt(**defined(**{name: COUNTED_BY[name]}))
        theirs, ours = (as_stored(each) for each in (getattr(Definitions(), name), COUNTED_BY[name]))
        assert f"definitions.{name} (of the indicators file): Redis has {theirs!r}, this process {ours!r}" in str(
            refused.value
        )
        assert "choose another ASSIDU_NAMESPACE" in str(refused.value)


async def test_what_was_begun_before_a_definition_could_be_chosen_was_counted_by_its_default(
    namespace: Namespace,
) -> None:
    await namespace.begin()
    await namespace.redis.hdel(Keys(namespace.name).meta, "definitions.segment")
    for attempt in (namespace.check, namespace.begin, namespace.agree):
        with pytest.raises(UserError, match=r"definitions\.segment .*: Redis has 'segment', this process 'plan'"):
            await attempt(**defined(segment="plan"))
    await namespace.begin()


@pytest.mark.parametrize(
    ("name", "other"),
    [(f"ASSIDU_{name.upper()}", {name: value}) for name, value in CHANGEABLE.items()]
    + [("definitions.first_week_days (of the indicators file)", defined(first_week_days=1))],
)
async def test_two_workers_at_work_have_the_same(namespace: Namespace, name: str, other: dict[str, Any]) -> None:
    """The way on is to stop them all, and to start them with the new one."""
    await namespace.begin()
    async with worker_at_work(namespace):
        with pytest.raises(UserError) as refused:
            await namespace.begin(**other)
    assert f"{name}: Redis has" in str(refused.value)
    assert "stop all its workers" in str(refused.value)


async def test_what_may_change_does_when_no_worker_is_at_work(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meta, "_AT_WORK_SECONDS", 0.5)
    await namespace.begin()
    async with worker_at_work(namespace):
        pass
    changed = {**CHANGEABLE, **defined(first_week_days=1)}
    await namespace.begin(**changed)  # the last sign of life is followed by no other

    await namespace.begin(**changed)
    await namespace.agree(**changed)
    with pytest.raises(UserError, match="ASSIDU_LABEL_LIMIT: Redis has '50', this process '200'"):
        await namespace.agree()  # a worker that slept through the change finds out when it claims a shard


async def test_all_that_differ_are_named_in_one_error(namespace: Namespace) -> None:
    await namespace.begin()
    with pytest.raises(UserError) as refused:
        await namespace.agree(**FOR_GOOD, **CHANGEABLE, **defined(first_week_days=1, **COUNTED_BY))
    for name in (*FOR_GOOD, *CHANGEABLE):
        assert f"ASSIDU_{name.upper()}: Redis has" in str(refused.value)
    for name in ("first_week_days", *COUNTED_BY):
        assert f"definitions.{name} (of the indicators file): Redis has" in str(refused.value)


async def test_readers_need_only_what_they_read_by(namespace: Namespace) -> None:
    await namespace.check(partitions=7)  # nothing is stored yet
    await namespace.begin()
    await namespace.check(repeat_hours=3, label_limit=50)
    with pytest.raises(UserError, match=r"definitions\.first_week_days .*: Redis has '3', this process '1'"):
        await namespace.check(**defined(first_week_days=1))


async def test_what_nothing_stored_follows_from_may_differ(namespace: Namespace) -> None:
    other = parsed(
        "definitions.csat_7_from = 6\nalerts.EngagementHighRisk.threshold = 0.3\n"
        "targets.engagement_stickiness_ratio = 0.2",
        "indicators.toml",
        "/indicators.toml",
    )
    await namespace.begin()
    for attempt in (namespace.begin, namespace.agree, namespace.check):
        await attempt(**FREE, indicators=other)


async def test_another_format_names_the_way_on(namespace: Namespace) -> None:
    await namespace.redis.hset(Keys(namespace.name).meta, "format", "4")
    for attempt in (namespace.begin, namespace.check):
        with pytest.raises(UserError) as refused:
            await attempt()
        assert f"format: Redis has '4', this process '{meta.FORMAT}'" in str(refused.value)
        assert "Another release wrote it" in str(refused.value)
        assert "ASSIDU_NAMESPACE" in str(refused.value)


async def test_the_key_of_ids_is_the_same_for_all(namespace: Namespace) -> None:
    keys = {await meta.agree(namespace.redis, namespace.settings()) for _ in range(3)}
    assert len(keys) == 1


class worker_at_work:
    """`async with`: a worker, which gives signs of life."""

    def __init__(self, namespace: Namespace) -> None:
        self._heartbeats = Heartbeats(namespace.redis, namespace.name)

    async def __aenter__(self) -> None:
        await self._heartbeats.beat("somebody", Said([1]))
        self._beating = asyncio.create_task(self._beat())

    async def __aexit__(self, *_: object) -> None:
        self._beating.cancel()
        with suppress(asyncio.CancelledError):
            await self._beating

    async def _beat(self) -> None:
        while True:
            await self._heartbeats.beat("somebody", Said([1]))
            await asyncio.sleep(0.1)
