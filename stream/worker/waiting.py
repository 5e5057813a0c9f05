"""The batches of one shard that are fetched and not yet folded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from stream.worker.batch import Batch

LINGER_SECONDS = 0.1
"""A shard commits at most so often, so that a trickle does not become a commit an event."""

GATHER_SECONDS = 0.01
"""At least so long after a first batch, so that what was fetched together is folded together: a fold keeps the event
loop from delivering, and so from fetching ahead."""


class Waiting:
    """A queue that gives out everything at once. `counted` is told how many events came (+) or left (−)."""

    def __init__(self, counted: Callable[[int], None]) -> None:
        self._batches: deque[Batch] = deque()
        self._arrived = asyncio.Event()
        self._closed = asyncio.Event()
        self._counted = counted
        self._last_take = 0.0

    def put(self, batch: Batch) -> None:
        """Queue the batch; once closed it is dropped, to be fetched again by whoever owns the shard next."""
        if not self._closed.is_set():
            self._batches.append(batch)
            self._counted(len(batch.records))
            self._arrived.set()

    @property
    def oldest_ms(self) -> int | None:
        """Timestamp of the oldest waiting record (the topics may differ, so this is the least of the heads)."""
        return min((batch.records[0].timestamp for batch in self._batches), default=None)

    async def take(self, most_events: int) -> list[Batch]:
        """All batches, up to `most_events` (one batch more or less); empty once closed."""
        await self._arrived.wait()
        await self._linger()
        batches: list[Batch] = []
        events = 0
        while self._batches and events < most_events and not self._closed.is_set():
            batches.append(self._batches.popleft())
            events += len(batches[-1].records)
        if not self._batches and not self._closed.is_set():
            self._arrived.clear()
        self._counted(-events)
        return batches

    def close(self) -> None:
        """Let go of everything."""
        self._closed.set()
        self._arrived.set()
        self._counted(-sum(len(batch.records) for batch in self._batches))
        self._batches.clear()

    async def _linger(self) -> None:
        loop = asyncio.get_running_loop()
        pause = max(self._last_take + LINGER_SECONDS - loop.time(), GATHER_SECONDS)
        if not self._closed.is_set():
            await asyncio.wait([closed := asyncio.ensure_future(self._closed.wait())], timeout=pause)
            closed.cancel()
        self._last_take = loop.time()
