"""What holds back the messages of churn risk, said and measured, so that silence is not taken for loyal customers."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import structlog

from stream.worker.measures import RISK_HELD_BACK_SECONDS

log = structlog.get_logger()

_SAY_EVERY_SECONDS = 60.0


class HeldBack:
    """Of one shard. `clock` gives monotonic seconds."""

    def __init__(self, shard: int, clock: Callable[[], float] = monotonic) -> None:
        self._shard = shard
        self._clock = clock
        self._since: float | None = None
        self._said_at = 0.0

    def note(self, why: str | None) -> None:
        """Why nobody is evaluated now though somebody's time has come; None: nothing is held back."""
        now = self._clock()
        if why is None:
            self._since = None
        elif self._since is None:
            self._since = self._said_at = now
        seconds = 0.0 if self._since is None else now - self._since
        RISK_HELD_BACK_SECONDS.labels(str(self._shard)).set(seconds)
        if why and now - self._said_at >= _SAY_EVERY_SECONDS:
            self._said_at = now
            log.warning("churn-risk messages are held back", shard=self._shard, why=why, seconds=round(seconds))
