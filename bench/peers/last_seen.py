"""The two numbers that Quix Streams and Bytewax keep: customers by the minute they were last seen in, and events."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from redis import Redis

from bench.peers import DONE

_TELL_EVERY = 1_000


def minute_of(event: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(event["timestamp"]).timestamp() // 60)


class LastSeen:
    """Customers active in any window are a sum over `customers`; tells Redis now and then how far it is."""

    def __init__(self, redis_url: str) -> None:
        self.customers: Counter[int] = Counter()
        self.events = 0
        self._redis = Redis.from_url(redis_url)

    def count(self, before: int | None, now: int) -> None:
        """One event more: its customer was last seen in minute `before`, None for never, and is seen until `now`."""
        if before is not None:
            self.customers[before] -= 1
        self.customers[now] += 1
        self.events += 1
        if self.events % _TELL_EVERY == 0:
            self._redis.set(DONE, self.events)
