"""One simulated world, its past, and a clock for its future."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from stream.demo.simulate import World

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
DAY_MS = 86_400_000


def world(seed: int = 1, customers: int = 150) -> World:
    return World(seed, customers, NOW)


def ticking(every_ms: int) -> Callable[[], int]:
    """A clock that moves on whenever somebody looks."""
    moments = count(NOW_MS, every_ms)
    return lambda: next(moments)


PAST = list(world().past())
