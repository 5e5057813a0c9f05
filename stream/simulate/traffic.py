"""What the simulated customers did and do, sent to Kafka: first their past at full speed, then live."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from math import inf
from time import monotonic, time
from typing import NamedTuple

from stream.emit import Emitter
from stream.simulate.customers import PAST_DAYS
from stream.simulate.ledger import Ledger
from stream.simulate.way import Message, Way
from stream.simulate.world import DAY_MS, World

_PAUSE_EVERY = 200  # events of the past: sending does not pause by itself, and others want to run
_TICK_SECONDS = 0.02


class Plan(NamedTuple):
    """What the user asked for; `rate` in events per second, `seconds` of live traffic, None: until interrupted."""

    seconds: float | None
    customers: int
    seed: int
    rate: float
    days: int = PAST_DAYS


class Traffic:
    """`past_share` (0 to 1) tells how much of the past is on its way; `sent` how many messages are, in all."""

    def __init__(self, emitter: Emitter, plan: Plan) -> None:
        now = datetime.now(UTC)
        self.past_share = 0.0
        self.sent = 0
        self._emitter = emitter
        self._plan = plan
        self._now_ms = now.timestamp() * 1000
        self._world = World(plan.seed, plan.customers, now, plan.days)
        self._way = Way(plan.seed)
        self._stopped = False

    @property
    def ledger(self) -> Ledger:
        """True of what is sent once `arrive` has returned."""
        return self._world.ledger

    def stop(self) -> None:
        """Let nothing more happen. (To cancel a sender could lose a message on its way.)"""
        self._stopped = True

    async def send_past(self) -> None:
        """Returns when Kafka has acknowledged what has arrived by now; what is very late comes later."""
        start_ms = self._now_ms - self._plan.days * DAY_MS
        for number, told in enumerate(self._world.past()):
            await self._send(self._way.carry(told))
            if number % _PAUSE_EVERY == 0:
                self.past_share = (told.at_ms - start_ms) / (self._now_ms - start_ms)
                await asyncio.sleep(0)
                if self._stopped:
                    return
        await self._emitter.flush()
        self.past_share = 1.0

    async def send_live(self) -> None:
        """Goes on until the plan's time is over or `stop` is called."""
        events = self._world.live(_clock_ms)
        start, happened = monotonic(), 0
        seconds = inf if self._plan.seconds is None else self._plan.seconds
        while (gone := monotonic() - start) < seconds and not self._stopped:
            due = int(gone * self._plan.rate)
            for _ in range(due - happened):
                await self._send(self._way.carry(next(events)))
            happened = due
            await self._send(self._way.arrived(_clock_ms()))
            await asyncio.sleep(_TICK_SECONDS)

    async def arrive(self) -> None:
        """Everything that is still under way arrives, and Kafka has acknowledged it."""
        await self._send(self._way.arrived())
        await self._emitter.flush()

    async def _send(self, messages: Iterable[Message]) -> None:
        for message in messages:
            await self._emitter.send(*message)
            self.sent += 1


def _clock_ms() -> int:
    return int(time() * 1000)
