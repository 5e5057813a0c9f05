"""The agenda: what goes on by itself, each step at its moment, whether or not the customer comes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from stream.simulate.sitting import Event

NEVER_MS = 1 << 62


class Step(NamedTuple):
    """One act, so many seconds after the one before; it takes its moment, in milliseconds since the epoch.

    `then` goes on by itself from that moment.
    """

    pause_seconds: float
    act: Callable[[int], Event]
    then: Iterator[Step] | None = None


class Agenda:
    """`next_ms` is the moment of the next step. Of several at the same, the one comes first that was known first."""

    def __init__(self) -> None:
        self.next_ms = NEVER_MS
        self._waiting: list[tuple[int, int, Step, Iterator[Step]]] = []
        self._taken = 0

    def take(self, steps: Iterator[Step], since_ms: int) -> None:
        """The steps begin at that moment."""
        if step := next(steps, None):
            self._taken += 1
            heappush(self._waiting, (since_ms + int(step.pause_seconds * 1000), self._taken, step, steps))
        self.next_ms = self._waiting[0][0] if self._waiting else NEVER_MS

    def do_next(self, at_ms: int) -> Event:
        """The next step, done now."""
        _, _, step, steps = heappop(self._waiting)
        event = step.act(at_ms)
        self.take(steps, at_ms)
        return event
