"""Which coefficients of churn risk ought to be in force: those that were published last."""

from __future__ import annotations

from redis.asyncio import Redis

from stream.core.risk import Coefficients
from stream.core.time import Calendar
from stream.metrics.evidence import Scoring
from stream.settings import Settings
from stream.store.coefficients import read_coefficients


class Following:
    def __init__(self, redis: Redis, settings: Settings, calendar: Calendar) -> None:
        self._redis = redis
        self._settings = settings
        self._scoring = Scoring(Coefficients(), settings.first_week_days, calendar)

    def scoring(self) -> Scoring:
        """By the coefficients that were seen last."""
        return self._scoring

    async def follow(self) -> None:
        """Look for other ones."""
        found = await read_coefficients(self._redis, self._settings.namespace)
        if found != self._scoring.coefficients:
            self._scoring = Scoring(found, self._scoring.first_week_days, self._scoring.calendar)
