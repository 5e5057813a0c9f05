"""Latest days: the last two of each thing, in whatever order they come, however they are stored."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.core.definitions import Definitions
from stream.core.event_columns import EventColumns, customers_of
from stream.core.key_ids import KeyIds
from stream.core.latest_days import KEEP_DAYS
from stream.core.ragged import Ragged, side_by_side
from stream.core.time import FAR_PAST, Calendar, rfc3339
from stream.indicators.state.score_inputs import ScoreInputs
from stream.worker.fold import columns_of
from tests.histories import arrived, as_it_is, decoded, laws
from tests.key_ids import KEY_IDS, NUMBERS

DAY_MS = 86_400_000
CUSTOMERS, FEATURES = ("ann", "bob"), ("search", "export", "share")
USED = st.tuples(st.sampled_from(CUSTOMERS), st.integers(0, 40), st.sampled_from(FEATURES))
CALENDAR = Calendar(ZoneInfo("UTC"))
AGES = st.integers(0, KEEP_DAYS - 1)
NEWEST = 739_000

Used = tuple[str, int, str]
"""(customer, day, feature)"""


def columns(batch: list[Used], names: KeyIds) -> EventColumns:
    """In every batch each customer stands in the same row: a login first, for each of them."""
    logins = [decoded(event("login", customer, 0)) for customer in CUSTOMERS]
    uses = [decoded(event("feature_use", customer, day, feature=feature)) for customer, day, feature in batch]
    return columns_of(arrived([*logins, *uses]), {0: names}, as_it_is, CALENDAR, Definitions()).columns


def event(type_: str, customer: str, day: int, **fields: str) -> dict[str, Any]:
    return {"event_id": "1", "type": type_, "user_id": customer, "timestamp": rfc3339(day * DAY_MS), **fields}


def said(memory: ScoreInputs, some: EventColumns) -> dict[tuple[str, str], tuple[int, int | None]]:
    """(customer, feature) -> (last day, the one before)."""
    first, rows = CALENDAR.day(0), ["ann", "bob"] if some.events[0].user_id == "ann" else ["bob", "ann"]
    return {
        (rows[row], some.customers.key_ids[number][-1]): (
            last - first,
            None if before == FAR_PAST else before - first,
        )
        for row, number, last, before in zip(
            *map(np.ndarray.tolist, (memory.row, memory.number, memory.last, memory.before)), strict=True
        )
    }


def expected(used: list[Used]) -> dict[tuple[str, str], tuple[int, int | None]]:
    found: dict[tuple[str, str], tuple[int, int | None]] = {}
    for customer in CUSTOMERS:
        newest = max((day for who, day, _ in used if who == customer), default=0)
        for feature in FEATURES:
            days = sorted({day for who, day, what in used if (who, what) == (customer, feature)}, reverse=True)
            seen: list[int | None] = [day for day in days if day > newest - KEEP_DAYS]
            if seen and seen[0] is not None:
                found[customer, feature] = seen[0], [*seen, None][1]
    return found


@laws
@given(st.lists(USED, max_size=12), st.lists(st.integers(0, 12), max_size=3), st.randoms())
def test_the_last_two_days_hold(used: list[Used], cuts: list[int], chance: Any) -> None:
    chance.shuffle(used)
    edges = sorted({0, len(used), *(min(cut, len(used)) for cut in cuts)})
    names = KeyIds()
    some = columns([], names)
    memory = ScoreInputs.unpack(Ragged(np.empty(0, np.uint32), np.zeros(len(CUSTOMERS), np.int64)), some.customers)
    for start, end in pairwise(edges):
        some = columns(used[start:end], names)
        merged = memory.merge(some, None)
        memory = ScoreInputs.unpack(side_by_side(merged.pack(some.customers)), some.customers)
        assert not len(memory.differing(merged)), "what is stored is read again"
        again = memory.merge(some, None)
        assert not len(again.differing(memory)), "a batch that comes twice changes nothing"
    assert said(memory, some) == expected(used)


@laws
@given(
    st.lists(st.dictionaries(NUMBERS, st.tuples(AGES, st.none() | AGES), min_size=1, max_size=5), max_size=5),
)
def test_days_survive_being_stored_whatever_the_number_of_their_key(customers: list[dict[int, Any]]) -> None:
    told = sorted(
        (row << 32 | number, NEWEST - min(age, 30), FAR_PAST if before is None else NEWEST - before)
        for row, ages in enumerate(customers)
        for number, (age, before) in {**ages, min(ages): (0, None)}.items()
    )
    key, last, earlier = np.array(told, np.int64).reshape(-1, 3).T
    memory = ScoreInputs(len(customers), key, last, earlier)
    rows = customers_of([b""] * len(customers), ["app"] * len(customers), KEY_IDS)
    stored = side_by_side(memory.pack(rows))
    assert not len(ScoreInputs.unpack(stored, rows).differing(memory))
    assert stored.lengths.tolist() == [1 + len(ages) for ages in customers]
