"""Measuring a process from outside: how far it has got, how long that took, how much CPU it used."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

import msgspec

from stream.embedded import Child

_LOOK_AGAIN_SECONDS = 0.02
_PATIENCE_SECONDS = 90.0


class Failed(Exception):
    """What was measured did not do its work: there is nothing to report."""


class Measured(msgspec.Struct, frozen=True):
    """`events` and CPU of the `seconds` after the first were done; `start_seconds` is the time until then."""

    events: int
    seconds: float
    cpu_seconds: float
    start_seconds: float

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_seconds_per_million(self) -> float:
        return self.cpu_seconds / self.events * 1e6

    @property
    def core_share(self) -> float:
        """How much of its core it used; what lacks to 1 it spent waiting."""
        return self.cpu_seconds / self.seconds


async def measured(
    child: Child,
    done: Callable[[], Awaitable[int]],
    total: int,
    most_seconds: float,
    advance: Callable[[int], None],
) -> Measured:
    """Watch `done()`, a number of events, from when it leaves 0 until it is `total` or the time is over.

    Raises Failed when the child ends or stands still.
    """
    started = moved = monotonic()
    count = 0
    first: tuple[float, int, float] | None = None
    while True:
        before, count, now = count, await done(), monotonic()
        if count > before:
            moved = now
            advance(count - before)
            first = first or (now, count, cpu_seconds(child.pid))
        if first and (count >= total or now - first[0] > most_seconds):
            since, beginning, cpu = first
            return Measured(count - beginning, now - since, cpu_seconds(child.pid) - cpu, since - started)
        if not child.running or now - moved > _PATIENCE_SECONDS:
            why = "stood still" if child.running else "ended"
            raise Failed(f"{child.log.stem} {why} after {count:,} of {total:,} events:\n{child.log_tail()}")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of the process, from Linux's /proc."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = after_name[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
