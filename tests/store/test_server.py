"""A Redis that may lose what is stored is told of, in the log and to Prometheus; what is not known is not guessed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from stream.core.definitions import Definitions
from stream.core.time import Calendar
from stream.demo.embedded import EmbeddedRedis
from stream.exporter.deployment import Deployment
from stream.exporter.exposition import exposition
from stream.indicators.churn.model import Coefficients
from stream.indicators.config import Config
from stream.runtime.errors import UserError
from stream.settings import Settings
from stream.store import meta
from stream.store.coefficients import publish_coefficients, read_coefficients
from stream.store.keys import Keys
from stream.store.server import dangers, warn_of_dangers
from stream.worker.following import Following


@pytest.fixture
async def redis(own_redis: EmbeddedRedis) -> AsyncIterator[Redis]:
    """As safe as deploy/redis.conf makes it."""
    async with Redis.from_url(own_redis.url) as redis:
        for setting in ("appendonly yes", "save ", "maxmemory-policy noeviction"):
            await redis.config_set(*setting.split(" "))
        yield redis


@pytest.fixture
def settings(own_redis: EmbeddedRedis) -> Settings:
    return Settings(_env_file=None, redis=own_redis.url, namespace=uuid4().hex)


@pytest.mark.parametrize(
    ("set_", "found"),
    [
        pytest.param([], {"eviction": False, "no_persistence": False}, id="safe"),
        pytest.param(["maxmemory-policy allkeys-lru"], {"eviction": True, "no_persistence": False}, id="evicting"),
        pytest.param(["appendonly no"], {"eviction": False, "no_persistence": True}, id="in memory only"),
        pytest.param(
            ["appendonly no", "save 900 1"], {"eviction": False, "no_persistence": False}, id="with snapshots"
        ),
    ],
)
async def test_what_is_unsafe_is_said_and_shown(
    redis: Redis, settings: Settings, set_: list[str], found: dict[str, bool]
) -> None:
    for setting in set_:
        await redis.config_set(*setting.split(" ", 1))
    assert await dangers(redis) == found

    with capture_logs() as logs:
        await warn_of_dangers(redis)
    assert [line["why"] for line in logs] == [why for why, there in found.items() if there]
    assert all("set" in line["what_to_do"] for line in logs)

    deployment = Deployment(redis, settings)
    assert list(deployment.families()) == []
    await deployment.look()
    shown = exposition(deployment.families())
    for why, there in found.items():
        assert f'assidu_redis_unsafe{{why="{why}"}} {there:.1f}' in shown


async def test_what_redis_does_not_tell_is_not_guessed(redis: Redis, own_redis: EmbeddedRedis) -> None:
    """INFO does not know of snapshots, and CONFIG is often forbidden."""
    await redis.config_set("appendonly", "no")
    await redis.execute_command("ACL", "SETUSER", "managed", "on", ">x", "~*", "+@all", "-config")
    async with Redis.from_url(own_redis.url.replace("//", "//managed:x@")) as managed:
        assert await dangers(managed) == {"eviction": False}
        await redis.config_set("appendonly", "yes")
        assert await dangers(managed) == {"eviction": False, "no_persistence": False}


async def test_by_which_coefficients_churn_risk_is_scored(redis: Redis, settings: Settings) -> None:
    deployment, namespace = Deployment(redis, settings), settings.namespace

    async def shown() -> str:
        await deployment.look()
        return exposition(deployment.families())

    assert 'assidu_churn_coefficients_info{source="default"} 1.0' in await shown()
    mine = replace(Coefficients(), decay=0.9)
    await publish_coefficients(redis, namespace, mine)
    coefficients, set_ms = await read_coefficients(redis, namespace)
    assert coefficients == mine
    assert set_ms is not None
    text = await shown()
    assert 'source="set"} 1.0' in text
    assert "default" not in text.replace("the defaults", "")
    await publish_coefficients(redis, namespace, None)
    assert await read_coefficients(redis, namespace) == (Coefficients(), None)


async def test_a_worker_says_by_which_coefficients_it_scores(redis: Redis, settings: Settings) -> None:
    """At its start, and whenever others come into force."""
    with capture_logs() as logs:
        following = Following(redis, settings, Calendar(settings.zone))
        await following.follow()
        await following.follow()
        await publish_coefficients(redis, settings.namespace, replace(Coefficients(), decay=0.9))
        await following.follow()
        await redis.delete(Keys(settings.namespace).meta)  # with all of Redis
        await following.follow()
    _, set_ms = await read_coefficients(redis, settings.namespace)
    assert set_ms is None
    said = [line["source"] for line in logs]
    assert (said[0], said[2]) == ("the defaults", "the defaults")
    assert said[1].startswith("set at 20")
    assert following.scoring().coefficients == Coefficients()


async def test_how_long_ids_are_remembered_is_what_the_workers_say(redis: Redis, settings: Settings) -> None:
    deployment = Deployment(redis, settings)
    for stored in (24, 3):
        await deployment.look()
        assert f"assidu_repeat_window_seconds {stored * 3600:.1f}" in exposition(deployment.families())
        await meta.begin(redis, settings.model_copy(update={"repeat_hours": 3}))


async def test_an_exporter_ends_when_the_deployment_has_other_settings_by_now(
    redis: Redis, settings: Settings
) -> None:
    await meta.begin(redis, settings.model_copy(update={"indicators": Config(Definitions(first_week_days=5))}))
    with pytest.raises(UserError, match=r"definitions\.first_week_days .*: Redis has '5', this process '3'"):
        await Deployment(redis, settings).look()
