"""Latest values: what was named last holds, in whatever order it came and however batches were cut."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas import Event
from stream.core.definitions import Definitions
from stream.core.event_columns import EventColumns
from stream.core.key_ids import KeyIds
from stream.core.ragged import Ragged, side_by_side
from stream.core.time import Calendar, rfc3339
from stream.indicators.state.segments import Segment
from stream.worker.fold import columns_of
from tests.histories import arrived, as_it_is, decoded, laws

CUSTOMERS, SEGMENTS = ("ann", "bob", "cyd"), ("pro", "free", "trial")
NAMED = st.tuples(st.sampled_from(CUSTOMERS), st.integers(0, 3), st.sampled_from([*SEGMENTS, None]))
CALENDAR = Calendar(ZoneInfo("UTC"))

Named = tuple[str, int, str | None]
"""(customer, second, segment: None names none)"""


def event(named: Named) -> Event:
    customer, second, segment = named
    traits: dict[str, Any] = {"segment": segment} if segment else {"plan": "pro"}
    common = {"event_id": "1", "type": "identify", "timestamp": rfc3339(1000 * second)}
    return decoded({**common, "user_id": customer, "traits": traits})


# In every batch each customer stands in the same row: a first identity that names nothing, for each of them.
FIRST = [event((customer, 0, None)) for customer in CUSTOMERS]


def columns(batch: list[Named], names: KeyIds) -> EventColumns:
    events = arrived([*FIRST, *map(event, batch)])
    return columns_of(events, {0: names}, as_it_is, CALENDAR, Definitions()).columns


def said(memory: Segment) -> list[tuple[int, str] | None]:
    """(millisecond, segment) row by row."""
    return [
        (ms, memory.key_ids[number][-1]) if number >= 0 else None
        for ms, number in zip(memory.ms.tolist(), memory.numbers.tolist(), strict=True)
    ]


def stored_and_read(memory: Segment, some: EventColumns) -> Segment:
    return Segment.unpack(side_by_side(memory.pack(some.customers)), some.customers)


def nothing(some: EventColumns) -> Segment:
    return Segment.unpack(Ragged(np.empty(0, np.uint32), np.zeros(len(CUSTOMERS), np.int64)), some.customers)


@laws
@given(st.lists(NAMED, max_size=12), st.lists(st.integers(0, 12), max_size=3), st.randoms())
def test_what_was_named_last_holds(named: list[Named], cuts: list[int], chance: Any) -> None:
    told = {
        customer: [(1000 * s, name) for who, s, name in named if who == customer and name] for customer in CUSTOMERS
    }
    expected = [max(told[customer], default=None) for customer in CUSTOMERS]
    chance.shuffle(named)
    edges = sorted({0, len(named), *(min(cut, len(named)) for cut in cuts)})
    names = KeyIds()
    memory = nothing(columns([], names))
    for start, end in pairwise(edges):
        batch = columns(named[start:end], names)
        memory = stored_and_read(memory.merge(batch, None), batch)
        assert said(memory.merge(batch, None)) == said(memory), "a batch that comes twice changes nothing"
    assert said(memory) == expected
