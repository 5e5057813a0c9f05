"""Long work lets others have a turn, and is done in full all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic

from stream.runtime.cooperative import TURN_SECONDS, taking_turns


async def test_others_have_their_turns_while_long_work_is_done() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def long_work() -> Iterator[int]:
        """Until others have had three turns; they never would if it were done in one go."""
        given_up = monotonic() + 1000 * TURN_SECONDS
        step = 0
        while turns < 3 and monotonic() < given_up:
            yield step
            step += 1

    waiting = asyncio.create_task(other())
    done = [step async for step in taking_turns(long_work())]
    waiting.cancel()
    assert turns >= 3
    assert done == [*range(len(done))]
