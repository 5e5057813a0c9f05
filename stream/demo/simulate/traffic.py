"""Simulated traffic, sent to Kafka: the customers' past at full speed, then live events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from math import inf
from time import monotonic, time
from typing import NamedTuple

from stream.demo.simulate.activity_log import ActivityLog
from stream.demo.simulate.delivery import Message, UnreliableDelivery
from stream.demo.simulate.profiles import PAST_DAYS
from stream.demo.simulate.world import DAY_MS, TimedEvent, World
from stream.ingest.event_producer import EventProducer

_PAUSE_EVERY = 200  # events of the past: sending does not pause by itself, and other tasks want to run
_TICK_SECONDS = 0.02


class Plan(NamedTuple):
    """What the user asked for; `rate` in events per second, `seconds` of live traffic, None: until interrupted."""

    seconds: float | None
    customers: int
    seed: int
    rate: float
    days: int = PAST_DAYS


class Traffic:
    """`past_share` (0 to 1) tells how much of the past is sent; `sent` counts messages, of past and live events."""

    def __init__(self, producer: EventProducer, plan: Plan, log: ActivityLog | None = None) -> None:
        now = datetime.now(UTC)
        self.past_share = 0.0
        self.sent = 0
        self._producer = producer
        self._plan = plan
        self._log = log
        self._now_ms = now.timestamp() * 1000
        self._world = World(plan.seed, plan.customers, now, plan.days)
        self._delivery = UnreliableDelivery(plan.seed)
        self._stopped = False

    def stop(self) -> None:
        """Let nothing more happen. (Cancelling a sender could lose a message.)"""
        self._stopped = True

    async def send_past(self) -> None:
        """Returns when Kafka has acknowledged what has arrived by now; what is very late arrives later."""
        start_ms = self._now_ms - self._plan.days * DAY_MS
        for number, timed in enumerate(self._world.past()):
            await self._deliver(timed)
            if number % _PAUSE_EVERY == 0:
                self.past_share = (timed.at_ms - start_ms) / (self._now_ms - start_ms)
                await asyncio.sleep(0)
                if self._stopped:
                    return
        await self._producer.flush()
        self.past_share = 1.0

    async def send_live(self) -> None:
        """Goes on until the plan's time is over or `stop` is called."""
        events = self._world.live(_clock_ms)
        start, happened = monotonic(), 0
        seconds = inf if self._plan.seconds is None else self._plan.seconds
        while (elapsed := monotonic() - start) < seconds and not self._stopped:
            due = int(elapsed * self._plan.rate)
            for _ in range(due - happened):
                await self._deliver(next(events))
            happened = due
            await self._send(self._delivery.arrived(_clock_ms()))
            await asyncio.sleep(_TICK_SECONDS)

    async def arrive(self) -> None:
        """Everything still in flight arrives, and Kafka has acknowledged it."""
        await self._send(self._delivery.arrived())
        await self._producer.flush()

    async def _deliver(self, timed: TimedEvent) -> None:
        if self._log:
            self._log.write(timed.event)
        await self._send(self._delivery.send(timed))

    async def _send(self, messages: Iterable[Message]) -> None:
        for message in messages:
            await self._producer.send(*message)
            self.sent += 1


def _clock_ms() -> int:
    return int(time() * 1000)
