"""Last times survive storage, whatever the number of their key and however long ago they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.core.event_columns import customers_of
from stream.core.latest import Latest
from stream.core.ragged import side_by_side
from stream.core.series import KEEP_MINUTES
from tests.histories import laws
from tests.key_ids import KEY_IDS, NUMBERS

FAR = 2**16 - 2
AGES = st.sampled_from([0, 1, FAR - 1, FAR, FAR + 1, 2 * FAR, 2**29]) | st.integers(0, KEEP_MINUTES - 1)
NEWEST = 29_000_000


def latest(customers: list[dict[int, int]]) -> Latest:
    """Of each customer: key number -> minutes ago."""
    last = sorted(
        (row << 32 | number, NEWEST - row - age) for row, ages in enumerate(customers) for number, age in ages.items()
    )
    key, minute = np.array(last, np.int64).reshape(-1, 2).T
    return Latest(len(customers), key, minute)


def recent(customers: list[dict[int, int]]) -> list[dict[int, int]]:
    """As many minutes younger as makes the youngest 0, so that no one is older than is kept."""
    return [{number: age - min(ages.values()) for number, age in ages.items()} for ages in customers]


@laws
@given(st.lists(st.dictionaries(NUMBERS, AGES, max_size=5), max_size=5).map(recent))
def test_last_times_survive_being_stored(customers: list[dict[int, int]]) -> None:
    before = latest(customers)
    rows = customers_of([b""] * len(customers), ["app"] * len(customers), KEY_IDS)
    stored = side_by_side(before.pack(rows))
    after = Latest.unpack(stored, rows)
    assert (after.size, after.key.tolist(), after.minute.tolist()) == (
        before.size,
        before.key.tolist(),
        before.minute.tolist(),
    )
    words = [sum(1 + (number > 2**16 - 1) + (age >= FAR) for number, age in ages.items()) for ages in customers]
    assert stored.lengths.tolist() == [1 + some if some else 0 for some in words]
