"""Dropped events: counted by reason, told to whoever asked, and logged now and then."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

log = logging.getLogger(__name__)

QUEUE_FULL = "queue_full"
"""Kafka is away or slow, and there is no more room in memory nor in the spool, if there is one."""
CLOSED = "closed"
"""Emitted after the emitter was closed, or not sent by then."""
REFUSED = "refused"
"""Kafka does not take a record of that size."""

_AGAIN_SECONDS = 60.0


class Dropped(NamedTuple):
    """Events that are lost. `reason` is one of the contract's, or one of this module's."""

    reason: str
    detail: str
    number: int = 1


OnDrop = Callable[[Dropped], object]


class Drops:
    """May be used by any thread."""

    def __init__(self, on_drop: OnDrop | None) -> None:
        self._on_drop = on_drop
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._told: dict[str, float] = {}

    def add(self, dropped: Dropped) -> None:
        """Raises what `on_drop` raises."""
        with self._lock:
            self._counts[dropped.reason] += dropped.number
            total, now = self._counts[dropped.reason], monotonic()
            is_due = now - self._told.get(dropped.reason, -_AGAIN_SECONDS) >= _AGAIN_SECONDS
            if is_due:
                self._told[dropped.reason] = now
        if is_due:
            log.warning("events are dropped: %s: %s (%d so far)", dropped.reason, dropped.detail, total)
        if self._on_drop is not None:
            self._on_drop(dropped)

    def add_quietly(self, dropped: Dropped) -> None:
        """`add`, where nobody is there to hear what `on_drop` raises."""
        try:
            self.add(dropped)
        except Exception:
            log.exception("on_drop failed")

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)
