"""The batches of one shard that are fetched and not yet folded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic

from stream.kafka.batch import Batch


class Waiting:
    """A queue that gives out everything at once, `most_events` at most (one batch more or less). `counted` is told
    how many events came (+) or left (−).

    events  how many wait
    since   when the first of them came (monotonic seconds)
    """

    def __init__(self, most_events: int, counted: Callable[[int], None]) -> None:
        self.events = 0
        self.since = 0.0
        self._most_events = most_events
        self._counted = counted
        self._batches: deque[Batch] = deque()
        self._closed = False

    def __bool__(self) -> bool:
        """Whether a batch waits, though it may hold no Kafka record."""
        return bool(self._batches)

    def put(self, batch: Batch) -> None:
        """Queue the batch; once closed it is dropped, to be fetched again by whoever owns the shard next."""
        if not self._closed:
            if not self._batches:
                self.since = monotonic()
            self._batches.append(batch)
            self._count(len(batch.records))

    def take(self) -> list[Batch]:
        """All batches, up to the most events."""
        batches: list[Batch] = []
        events = 0
        while self._batches and events < self._most_events:
            batches.append(self._batches.popleft())
            events += len(batches[-1].records)
        self._count(-events)
        self.since = monotonic()
        return batches

    def put_back(self, batches: Iterable[Batch]) -> None:
        """Before all others, in their order."""
        if not self._closed:
            some = list(batches)
            self._batches.extendleft(reversed(some))
            self._count(sum(len(batch.records) for batch in some))

    def close(self) -> None:
        """Let go of everything."""
        self._closed = True
        self._batches.clear()
        self._count(-self.events)

    def _count(self, events: int) -> None:
        self.events += events
        self._counted(events)
