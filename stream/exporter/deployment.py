"""What is looked at seldom: the workers' settings, by what churn risk is scored, and whether Redis is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress

from prometheus_client import Metric
from redis.asyncio import Redis

from stream.exporter.exposition import family
from stream.runtime.pipeline_metrics import CHURN_COEFFICIENTS, REDIS_UNSAFE, REPEAT_WINDOW
from stream.settings import Settings
from stream.store import meta
from stream.store.coefficients import read_coefficients
from stream.store.connect import REDIS_ERRORS
from stream.store.server import Danger, dangers

_LOOK_EVERY_SECONDS = 60.0


class Deployment:
    """As it was when it was last looked at."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self._coefficients: str | None = None
        self._repeat_hours = settings.repeat_hours
        self._dangers: Mapping[Danger, bool] = {}

    async def look(self) -> None:
        """Raises UserError when the deployment has other settings by now, redis.exceptions when Redis is away."""
        await meta.check(self._redis, self._settings)
        self._repeat_hours = await meta.repeat_hours(self._redis, self._settings)
        published = await read_coefficients(self._redis, self._settings.namespace)
        self._coefficients = "default" if published.set_ms is None else "set"
        self._dangers = await dangers(self._redis)

    async def run(self) -> None:
        """Look for ever, now and then; raises UserError as `look` does."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            with suppress(*REDIS_ERRORS):
                await self.look()

    def families(self) -> Iterator[Metric]:
        """Nothing that is not known."""
        if self._coefficients:
            yield family(REPEAT_WINDOW, [((), self._repeat_hours * 3600)])
            yield family(CHURN_COEFFICIENTS, [((self._coefficients,), 1)])
        if self._dangers:
            yield family(REDIS_UNSAFE, [((danger,), there) for danger, there in self._dangers.items()])
