"""What the simulated customers did and do, sent to Kafka: first their past at full speed, then live."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

import msgspec

from schemas import FAMILY_OF_TYPE
from stream.emit import Emitter
from stream.simulate import PAST_DAYS, Event, live, simulate

_PAUSE_EVERY = 200  # events of the past: sending does not pause by itself, and others want to run
_TICK_SECONDS = 0.02


class Plan(NamedTuple):
    """What the user asked for; `seconds` of live traffic, None: until interrupted."""

    seconds: float | None
    customers: int
    seed: int
    rate: float


class Traffic:
    """`past_share` (0 to 1) tells how much of the past is on its way; `past_events` how many events that made."""

    def __init__(self, emitter: Emitter, plan: Plan) -> None:
        self.past_share = 0.0
        self.past_events = 0
        self._emitter = emitter
        self._plan = plan

    async def send_past(self) -> None:
        """Returns when Kafka has acknowledged all of it."""
        now = datetime.now(UTC)
        start = now - timedelta(days=PAST_DAYS)
        for event in simulate(self._plan.seed, self._plan.customers, now):
            await self._send(event)
            self.past_events += 1
            if self.past_events % _PAUSE_EVERY == 0:
                self.past_share = (datetime.fromisoformat(event["timestamp"]) - start) / (now - start)
                await asyncio.sleep(0)
        await self._emitter.flush()
        self.past_share = 1.0

    async def send_live(self) -> None:
        """Goes on until cancelled."""
        events = live(self._plan.seed, self._plan.customers, lambda: datetime.now(UTC))
        start, sent = monotonic(), 0
        while True:
            due = int((monotonic() - start) * self._plan.rate)
            for _ in range(due - sent):
                await self._send(next(events))
            sent = due
            await asyncio.sleep(_TICK_SECONDS)

    async def _send(self, event: Event) -> None:
        await self._emitter.send(FAMILY_OF_TYPE[event["type"]], event["user_id"], msgspec.json.encode(event))
