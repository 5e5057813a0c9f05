"""The repeat window against a plain dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.store.keys import customer_key
from stream.worker.repeats import RepeatWindow, id_hashes

HOURS = 3
Batches = list[list[tuple[int, int]]]

# Few hours and few ids, so that repeats, late hours and hours that leave the window all happen.
batches = st.lists(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 30)), min_size=1), max_size=12)


def hashes_of(ids: list[int]) -> np.ndarray:
    return id_hashes([b"u:ada"] * len(ids), map(str, ids), 7)


def take(window: RepeatWindow, batch: list[tuple[int, int]]) -> list[bool]:
    """What the shard does with a batch: ask, and remember what is new under the hour that is kept."""
    hashes = hashes_of([id_ for _, id_ in batch])
    new = window.fresh(hashes)
    came = np.array([hour for hour, _ in batch])
    hours = np.maximum(came, window.since(int(came[new].max(initial=-1))))
    window.add({hour: hashes[new & (hours == hour)] for hour in set(hours[new].tolist())})
    return [bool(each) for each in new]


class Plain:
    """id -> hour in which it was kept."""

    def __init__(self) -> None:
        self.hour_of: dict[int, int] = {}
        self.newest = -1

    def take(self, batch: list[tuple[int, int]]) -> list[bool]:
        answers = []
        kept: dict[int, int] = {}
        for hour, id_ in batch:
            new = id_ not in self.hour_of and id_ not in kept
            if new:
                kept[id_] = hour
            answers.append(new)
        self.newest = max([self.newest, *kept.values()])
        self.hour_of |= {id_: max(hour, self.newest - HOURS) for id_, hour in kept.items()}
        self.hour_of = {id_: hour for id_, hour in self.hour_of.items() if hour >= self.newest - HOURS}
        return answers


@settings(max_examples=200, derandomize=True, deadline=None)
@given(batches)
def test_finds_exactly_the_ids_that_came_within_the_window(some: Batches) -> None:
    window, plain = RepeatWindow(HOURS), Plain()
    for batch in some:
        assert take(window, batch) == plain.take(batch)


def test_says_the_same_after_loading_what_was_stored() -> None:
    window, loaded = RepeatWindow(24), RepeatWindow(24)
    ids = hashes_of(list(range(5000)))
    window.add({100: ids[:3000], 101: ids[3000:]})
    loaded.load({100: ids[:3000].tobytes(), 101: ids[3000:].tobytes()})
    asked = hashes_of([0, 4999, 5000, 6000])
    assert window.fresh(asked).tolist() == loaded.fresh(asked).tolist() == [False, False, True, True]


def test_remembers_from_the_window_before_the_newest_hour_that_ever_came() -> None:
    window = RepeatWindow(HOURS)
    window.add({10: hashes_of([1])})
    assert (window.since(10), window.since(12), window.since(4)) == (7, 9, 7)


def test_the_same_event_id_of_two_customers_or_in_two_products_is_no_repeat() -> None:
    customers = [
        ("default", "u:ada"),
        ("default", "u:bob"),
        ("default", "u:ad"),
        ("shop", "u:ada"),
        ("forum", "u:ada"),
    ]
    keys = [customer_key(product, customer) for product, customer in customers]
    hashes = id_hashes(keys, ["1", "1", "a1", "1", "1"], 7)
    [other_seed] = id_hashes(keys[:1], ["1"], 8)
    assert len({*hashes.tolist(), other_seed}) == 6
