"""Silence: gauges move while nobody works, and the age of the data says that nobody does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from time import time

from stream.core.time import minute_of
from stream.demo.embedded import EmbeddedRedis
from stream.indicators.families.activity import ACTIVE
from stream.settings import Settings
from tests.stack.command import Assidu
from tests.stack.owner import Owner
from tests.stack.service import Service
from tests.stack.story import NEWEST, Story
from tests.stack.waiting import eventually, eventually_async


def test_gauges_move_on_while_every_worker_is_dead(assidu: Assidu) -> None:
    story = Story(assidu, stale_seconds=3)
    worker = story.worker()
    exporter = story.exporter()
    story.emit(story.history(3_000))
    story.settle()
    eventually(exporter.is_ready, 30, "the exporter to be ready")
    assert age(exporter) < 3
    worker.child.kill()

    for days in (1, 8, 31):
        story.assert_equals_the_recount(NEWEST + timedelta(days=days))
    eventually(lambda: age(exporter) > 4, 30, "the data to grow old")
    status, why = exporter.get("/readyz")
    assert status == 503
    assert "ASSIDU_STALE_SECONDS=3" in why


async def test_while_redis_is_away_the_page_stays_and_its_age_grows(tmp_path: Path) -> None:
    with EmbeddedRedis() as redis:
        settings = Settings(
            _env_file=None, redis=redis.url, partitions=1, exporter_port=0, stale_seconds=3, canary_seconds=0
        )
        assidu = Assidu(settings, tmp_path)
        try:
            async with Owner(settings) as owner:
                await owner.add({(ACTIVE.key("app"), minute_of(int(time() * 1000))): 7})
                exporter = Service(assidu.start("exporter"))
                await asyncio.to_thread(exporter.wait_until_serving)
                await becomes(exporter, ready=True)
                with redis.stopped():
                    await becomes(exporter, ready=False)
                    assert age(exporter) < age(exporter)
                    assert exporter.metric("engagement_active_customers", window="24h") == 7
                    assert exporter.get("/readyz") == (503, "Redis does not answer\n")
                await becomes(exporter, ready=True)
        finally:
            assidu.close()


async def becomes(exporter: Service, ready: bool) -> None:
    """Ready when the data are young, not ready when they are old; the owner goes on beating meanwhile."""

    async def seen() -> bool:
        return exporter.is_ready() == ready and (age(exporter) < 3) == ready

    await eventually_async(seen, 30, f"the exporter to be {'' if ready else 'not '}ready")


def age(exporter: Service) -> float:
    return exporter.metric("assidu_data_age_seconds")
