"""Earliest: when each thing was done first, however it is stored, and whatever comes later."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.core.earliest import MOST_THINGS
from stream.core.event_columns import customers_of
from stream.core.key_ids import KeyIds
from stream.core.ragged import side_by_side
from stream.core.time import FAR_FUTURE
from stream.indicators.state.journey import Journey
from tests.histories import laws

MOMENTS = st.sampled_from([FAR_FUTURE, FAR_FUTURE, 0, -1, 2**32, -(2**45)]) | st.integers(-(2**45), 2**45)


@laws
@given(st.lists(st.lists(MOMENTS, min_size=MOST_THINGS, max_size=MOST_THINGS), max_size=6))
def test_moments_survive_being_stored(customers: list[list[int]]) -> None:
    rows = customers_of([b""] * len(customers), ["app"] * len(customers), KeyIds())
    stored = side_by_side(Journey(np.array(customers, np.int64).reshape(-1, MOST_THINGS)).pack(rows))
    assert Journey.unpack(stored, rows).ms.tolist() == customers
    done = [sum(ms != FAR_FUTURE for ms in each) for each in customers]
    assert stored.lengths.tolist() == [1 + 2 * some if some else 0 for some in done]
