"""The batches of one shard that are fetched and not yet folded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from stream.worker.batch import Batch

GATHER_SECONDS = 0.1
"""So long a shard waits for more after a first batch, unless it has enough: a trickle does not become a commit an
event, and what is fetched together is folded together (a fold keeps the event loop from delivering)."""


class Waiting:
    """A queue that gives out everything at once, `most_events` at most (one batch more or less). `counted` is told
    how many events came (+) or left (−)."""

    def __init__(self, most_events: int, counted: Callable[[int], None]) -> None:
        self._most_events = most_events
        self._counted = counted
        self._batches: deque[Batch] = deque()
        self._events = 0
        self._closed = False
        self._arrived = asyncio.Event()
        self._enough = asyncio.Event()

    def put(self, batch: Batch) -> None:
        """Queue the batch; once closed it is dropped, to be fetched again by whoever owns the shard next."""
        if not self._closed:
            self._batches.append(batch)
            self._count(len(batch.records))

    async def gathered(self) -> bool:
        """Wait until something came, and a little longer for more; False once closed."""
        await self._arrived.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), GATHER_SECONDS)
        return not self._closed

    def take(self) -> list[Batch]:
        """All batches, up to the most events."""
        batches: list[Batch] = []
        events = 0
        while self._batches and events < self._most_events:
            batches.append(self._batches.popleft())
            events += len(batches[-1].records)
        self._count(-events)
        return batches

    def close(self) -> None:
        """Let go of everything."""
        self._closed = True
        self._batches.clear()
        self._count(-self._events)

    def _count(self, events: int) -> None:
        self._events += events
        self._counted(events)
        for event, is_set in (
            (self._arrived, self._batches or self._closed),
            (self._enough, self._events >= self._most_events or self._closed),
        ):
            if is_set:
                event.set()
            else:
                event.clear()
