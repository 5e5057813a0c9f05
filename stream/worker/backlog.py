"""Since when Kafka records wait, told from samples of where the logs ended, whatever they say of themselves."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Log = TypeVar("Log", bound=Hashable)

MOST_SAMPLES = 64
"""Of one log. Beyond it every second one is forgotten, and the answer may be too early by one sample."""


class Backlog(Generic[Log]):
    """What waits in the logs that one reader follows; moments are seconds of one clock that only goes forward.

    Nothing that waits came before the last sample whose end is committed: so that sample's moment is the answer,
    never too late, and too early by the time between two samples at most. `before` is the answer where no sample is
    committed yet, as whoever read the logs before has left it.
    """

    def __init__(self, before: float) -> None:
        self._before = before
        self._samples: dict[Log, list[tuple[float, int]]] = {}

    def note(self, now: float, ends: Mapping[Log, int]) -> None:
        """Take a sample: where each log ends (the next offset)."""
        for log, end in ends.items():
            samples = self._samples.setdefault(log, [])
            if samples and samples[-1][1] >= end:
                samples[-1] = (now, samples[-1][1])
            else:
                samples.append((now, end))
            if len(samples) > MOST_SAMPLES:
                del samples[1:-1:2]

    def since(self, positions: Mapping[Log, int]) -> float | None:
        """Since when a Kafka record can be waiting, with all before `positions` committed; None: none waits."""
        waiting = [self._since(log, position) for log, position in positions.items()]
        return min((moment for moment in waiting if moment is not None), default=None)

    def has_caught_up(self, positions: Mapping[Log, int]) -> bool:
        """Whether of each log everything was committed that was there at the first sample."""
        return all(samples[0][1] <= positions[log] for log, samples in self._samples.items())

    def _since(self, log: Log, position: int) -> float | None:
        samples = self._samples.get(log, [])
        while len(samples) > 1 and samples[1][1] <= position:
            del samples[0]
        if not samples or samples[-1][1] <= position:
            return None
        moment, end = samples[0]
        return moment if end <= position else self._before
