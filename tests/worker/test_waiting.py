"""What waits for a shard is given out at once, bounded and counted."""

from __future__ import annotations

from stream.kafka.batch import Batch
from stream.worker.waiting import Waiting
from tests.fetched import KafkaRecord


def batch(start: int, events: int) -> Batch:
    records = [KafkaRecord(b"{}", offset) for offset in range(start, start + events)]
    return Batch("clicks", 0, start, start + events, 0, records)


def test_all_that_came_is_given_out_together_and_in_order() -> None:
    counted: list[int] = []
    waiting = Waiting(100, counted.append)
    waiting.put(batch(0, 2))
    waiting.put(batch(2, 3))
    assert [each.start for each in waiting.take()] == [0, 2]
    assert counted == [2, 3, -5]
    assert waiting.take() == []


def test_no_more_than_the_most_events_are_given_out_one_batch_more_or_less() -> None:
    waiting = Waiting(4, lambda _: None)
    for start in (0, 3, 6):
        waiting.put(batch(start, 3))
    assert [each.start for each in waiting.take()] == [0, 3]
    assert [each.start for each in waiting.take()] == [6]


def test_what_is_put_back_comes_first_again() -> None:
    counted: list[int] = []
    waiting = Waiting(100, counted.append)
    waiting.put(batch(0, 1))
    waiting.put(batch(1, 2))
    taken = waiting.take()
    waiting.put(batch(3, 1))
    waiting.put_back(taken)
    assert [each.start for each in waiting.take()] == [0, 1, 3]
    assert sum(counted) == 0


def test_closing_lets_go_of_everything() -> None:
    counted: list[int] = []
    waiting = Waiting(4, counted.append)
    waiting.put(batch(0, 2))
    waiting.close()
    waiting.put(batch(2, 2))
    waiting.put_back([batch(0, 2)])
    assert waiting.take() == []
    assert sum(counted) == 0
