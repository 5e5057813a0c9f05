"""Long work in small steps, so that whoever else waits for the event loop gets a turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from time import monotonic
from typing import TypeVar

Step = TypeVar("Step")

TURN_SECONDS = 0.005


async def taking_turns(steps: Iterable[Step]) -> AsyncIterator[Step]:
    """The steps' results; others are let in when a turn is over, so a turn is as long as this and one step."""
    began = monotonic()
    for step in steps:
        yield step
        if monotonic() - began > TURN_SECONDS:
            await asyncio.sleep(0)
            began = monotonic()
