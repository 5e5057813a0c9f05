"""The scheduler: workflows that go on by themselves, each step at its moment, whether or not the customer comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from stream.demo.simulate.session import Event

_NOTHING_DUE_MS = 1 << 62
"""As the moment of the next step, where there is none: later than all."""


class Step(NamedTuple):
    """One act, so many seconds after the step before; it takes its moment, in milliseconds since the epoch.

    `workflow` starts at that moment and goes on by itself.
    """

    delay_seconds: float
    act: Callable[[int], Event]
    workflow: Iterator[Step] | None = None


class Scheduler:
    """`next_ms` is the moment of the next step. Steps of the same moment run as they were scheduled."""

    def __init__(self) -> None:
        self.next_ms = _NOTHING_DUE_MS
        self._queue: list[tuple[int, int, Step, Iterator[Step]]] = []
        self._scheduled = 0

    def start(self, workflow: Iterator[Step], at_ms: int) -> None:
        """Its first step is due that step's delay later."""
        if step := next(workflow, None):
            self._scheduled += 1
            heappush(self._queue, (at_ms + int(step.delay_seconds * 1000), self._scheduled, step, workflow))
        self.next_ms = self._queue[0][0] if self._queue else _NOTHING_DUE_MS

    def run_next(self, at_ms: int) -> Event:
        """Run the next step now."""
        _, _, step, workflow = heappop(self._queue)
        event = step.act(at_ms)
        self.start(workflow, at_ms)
        return event
