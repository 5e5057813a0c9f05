"""Which coefficients of churn risk ought to be in force: those that were published last."""

from __future__ import annotations

import structlog
from redis.asyncio import Redis

from stream.core.time import Calendar, rfc3339
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.model import Coefficients
from stream.settings import Settings
from stream.store.coefficients import Published, read_coefficients

log = structlog.get_logger()


class Following:
    def __init__(self, redis: Redis, settings: Settings, calendar: Calendar) -> None:
        self._redis = redis
        self._settings = settings
        self._scoring = Scoring(Coefficients(), settings.indicators.definitions.first_week_days, calendar)
        self._published: Published | None = None

    def scoring(self) -> Scoring:
        """By the coefficients that were seen last."""
        return self._scoring

    async def follow(self) -> None:
        """Look for other ones."""
        found = await read_coefficients(self._redis, self._settings.namespace)
        if found == self._published:
            return
        self._published = found
        self._scoring = Scoring(found.coefficients, self._scoring.first_week_days, self._scoring.calendar)
        # They are lost with Redis: so that nobody takes the defaults for what was set before.
        source = "the defaults" if found.set_ms is None else f"set at {rfc3339(found.set_ms)}"
        log.info("coefficients of churn risk", source=source)
