"""Measuring processes from outside: how far they have got, how long that took, how much CPU and memory they used."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import monotonic

import msgspec

from bench.progress import Advance
from stream.demo.embedded import Child

_LOOK_AGAIN_SECONDS = 0.02
_PATIENCE_SECONDS = 90.0


class Failed(Exception):
    """What was measured did not do its work: there is nothing to report."""


class Work(msgspec.Struct, frozen=True):
    """So many events in so many seconds, of which `cpu_seconds` of a core."""

    events: int
    seconds: float
    cpu_seconds: float

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_seconds_per_million(self) -> float:
        return self.cpu_seconds / self.events * 1e6

    @property
    def core_share(self) -> float:
        """How much of a core was used; what lacks to 1 was spent waiting."""
        return self.cpu_seconds / self.seconds


class Measured(Work, frozen=True):
    """`start_seconds` is the time from start to the first that was done, `peak_bytes` the most memory that the
    largest process had."""

    start_seconds: float
    peak_bytes: int


async def measured(
    children: Sequence[Child],
    done: Callable[[], Awaitable[int]],
    total: int,
    advance: Advance,
    before: int = 0,
    after: int = 0,
    most_seconds: float = float("inf"),
) -> Measured:
    """Watch `done()`, a number of events that was `before` at the start, until it is `total` or the time is over.

    Measured is from its first change on, or from when `after` were done. Raises Failed when a child ends or nothing
    moves any more.
    """
    started = moved = monotonic()
    count = before
    moving: float | None = None
    first: tuple[float, int, float] | None = None
    while True:
        last, count, now = count, await done(), monotonic()
        if count > last:
            moved = now
            advance(count - last)
            moving = moving or now
            if first is None and count >= after:
                first = now, count, cpu_seconds(children)
        if moving and first and (count >= total or now - first[0] > most_seconds):
            since, beginning, cpu = first
            seconds, used = now - since, cpu_seconds(children) - cpu
            return Measured(count - beginning, seconds, used, moving - started, _peak_bytes(children))
        for child in children:
            if not child.running or now - moved > _PATIENCE_SECONDS:
                why = "stood still" if child.running else "ended"
                raise Failed(f"{child.log.stem} {why} after {count:,} of {total:,} events:\n{child.log_tail()}")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def cpu_seconds(children: Sequence[Child]) -> float:
    """User and system time of all threads of the processes, from Linux's /proc."""
    ticks = 0
    for child in children:
        after_name = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        user, system = after_name[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def _peak_bytes(children: Sequence[Child]) -> int:
    return max(peak_bytes(child.pid) for child in children)


def peak_bytes(pid: int) -> int:
    """The most memory that the process ever had in RAM."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
