"""Long work lets others have a turn, and is done in full all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic

from stream.runtime.cooperative import TURN_SECONDS, taking_turns


def long_work(until: float) -> Iterator[int]:
    step = 0
    while monotonic() < until:
        yield step
        step += 1


async def test_others_have_their_turns_while_long_work_is_done() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    waiting = asyncio.create_task(other())
    done = [step async for step in taking_turns(long_work(monotonic() + 10 * TURN_SECONDS))]
    waiting.cancel()
    assert turns > 2
    assert done == [*range(len(done))]
