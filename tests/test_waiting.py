"""What waits for a shard is gathered, given out at once, bounded and counted."""

from __future__ import annotations

import asyncio

from stream.worker.batch import Batch
from stream.worker.waiting import Waiting
from tests.test_intake import Record


def batch(start: int, events: int) -> Batch:
    records = [Record(b"{}", offset) for offset in range(start, start + events)]
    return Batch("clicks", 0, start, start + events, 0, records)


async def test_all_that_came_is_given_out_together_and_in_order() -> None:
    counted: list[int] = []
    waiting = Waiting(100, counted.append)
    waiting.put(batch(0, 2))
    waiting.put(batch(2, 3))
    assert await waiting.gathered()
    assert [each.start for each in waiting.take()] == [0, 2]
    assert counted == [2, 3, -5]
    assert waiting.take() == []


async def test_no_more_than_the_most_events_are_given_out_one_batch_more_or_less() -> None:
    waiting = Waiting(4, lambda _: None)
    for start in (0, 3, 6):
        waiting.put(batch(start, 3))
    assert [each.start for each in waiting.take()] == [0, 3]
    assert [each.start for each in waiting.take()] == [6]


async def test_with_enough_there_is_no_waiting_for_more() -> None:
    waiting = Waiting(4, lambda _: None)
    waiting.put(batch(0, 4))
    gathered = asyncio.ensure_future(waiting.gathered())
    for _ in range(5):  # turns of the loop, which has nothing else to wait for
        await asyncio.sleep(0)
    assert gathered.done() and await gathered


async def test_closing_lets_go_of_everything_and_wakes_whoever_waits() -> None:
    counted: list[int] = []
    waiting = Waiting(4, counted.append)
    nothing = asyncio.ensure_future(waiting.gathered())
    await asyncio.sleep(0)
    waiting.close()
    assert not await nothing
    waiting.put(batch(0, 2))
    assert waiting.take() == []
    assert sum(counted) == 0
