"""Days of many customers against sets of integers, and what complete days make of them against brute force."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.days import NO_DAY, Days, days_after, days_before
from stream.core.definitions import Definitions
from stream.core.event_columns import customers_of
from stream.core.increments import Increments
from stream.core.key_ids import KeyIds
from stream.core.ragged import Ints, Ragged
from stream.core.series import Table
from stream.indicators.catalogue import SERIES
from stream.indicators.families.activity import Activity
from stream.indicators.families.complete_days import ACTIVE_DAYS, COVERS, PERIOD, change

laws = settings(derandomize=True, database=None, deadline=None, max_examples=200)

FIRST, LAST = 739_700, 739_850
A_DAY = st.integers(FIRST, LAST)
ROWS = 3
OCCURRENCES = st.lists(st.tuples(st.integers(0, ROWS - 1), A_DAY), max_size=40)
"""(row, day) in the order in which they become known; some more than once."""

Occurrence = tuple[int, int]


def columns(some: Sequence[Occurrence]) -> tuple[Ints, Ints]:
    rows, days = np.array(some, np.int64).reshape(-1, 2).T
    return rows, days


def days_of(*batches: Sequence[Occurrence]) -> Days:
    days = Days.none(ROWS)
    for batch in batches:
        days = days.including(*columns(batch))
    return days


def pairs(columns: tuple[Ints, Ints]) -> list[Occurrence]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


@laws
@given(OCCURRENCES, OCCURRENCES)
def test_days_hold_what_was_included_in_ascending_order(some: list[Occurrence], more: list[Occurrence]) -> None:
    assert pairs(days_of(some, more).all()) == sorted({*some, *more})


@laws
@given(OCCURRENCES, st.integers(0, 40))
def test_days_are_stored_equally_whatever_the_order_and_the_batches(some: list[Occurrence], cut: int) -> None:
    one, other = days_of(some), days_of(some[cut:], some[:cut])
    assert one.first_block.tolist() == other.first_block.tolist()
    assert [part.tolist() for part in one.masks] == [part.tolist() for part in other.masks]


@laws
@given(OCCURRENCES, st.integers(0, ROWS - 1), st.integers(FIRST - 100, LAST + 100))
def test_a_window_shows_the_64_days_from_a_day_on(some: list[Occurrence], row: int, day: int) -> None:
    [window] = days_of(some).window(np.array([row]), np.array([day]))
    assert [bool(int(window) >> ahead & 1) for ahead in range(64)] == [
        (row, day + ahead) in some for ahead in range(64)
    ]


@laws
@given(OCCURRENCES, st.integers(0, ROWS - 1), A_DAY)
def test_the_nearest_days_before_and_after_are_found(some: list[Occurrence], row: int, day: int) -> None:
    days, rows, at = days_of(some), np.array([row]), np.array([day])
    theirs = {each for who, each in some if who == row}
    later = [each - day for each in theirs if 0 < each - day < 64]
    earlier = [day - each for each in theirs if 0 < day - each <= 64]
    assert days_after(days.window(rows, at)).tolist() == [min(later, default=NO_DAY)]
    assert days_before(days.window(rows, at - 64)).tolist() == [min(earlier, default=NO_DAY)]


@laws
@given(OCCURRENCES, OCCURRENCES)
def test_days_beyond_others_are_the_difference_of_sets(some: list[Occurrence], others: list[Occurrence]) -> None:
    assert pairs(days_of(some).beyond(days_of(others))) == sorted({*some} - {*others})


@laws
@given(OCCURRENCES, st.integers(1, 120))
def test_the_newest_days_of_each_row_are_kept(some: list[Occurrence], keep: int) -> None:
    newest = {row: max(day for who, day in some if who == row) for row, _ in some}
    kept = days_of(some).newest(keep)
    assert pairs(kept.all()) == sorted({(row, day) for row, day in some if day > newest[row] - keep})
    assert [part.tolist() for part in kept.masks] == [part.tolist() for part in days_of(pairs(kept.all())).masks]


def changes(*batches: Sequence[Occurrence]) -> Table:
    """What complete days make of the days that became active batch by batch."""
    names = KeyIds()
    customers = customers_of([b""] * ROWS, ["app"] * ROWS, names)
    nobody = Ragged(np.empty(0, np.uint32), np.zeros(ROWS, np.int64))
    old = Activity.unpack(nobody, customers)
    increments = Increments(customers.key_ids)
    for batch in batches:
        new = replace(old, days=old.days.including(*columns(batch)))
        change(increments, customers, old, new, Definitions())
        old = new
    table = Table(SERIES)
    table.merge(increments.encode())
    return table


@pytest.mark.parametrize("width", COVERS)
@laws
@given(some=OCCURRENCES, more=OCCURRENCES)
def test_a_cover_counts_the_customers_active_in_so_many_days(
    width: int, some: list[Occurrence], more: list[Occurrence]
) -> None:
    cells = changes(some, more).cells_of(COVERS[width].key("app"))
    for day in range(FIRST - 1, LAST + width + 2):
        assert cells.total(None, day) == len({row for row, each in (*some, *more) if day - width < each <= day})


@laws
@given(OCCURRENCES, OCCURRENCES)
def test_customers_are_counted_by_their_number_of_active_days(some: list[Occurrence], more: list[Occurrence]) -> None:
    table, occurred = changes(some, more), {*some, *more}
    for day in range(FIRST - 1, LAST + PERIOD + 2):
        active = [sum(row == who and day - PERIOD < each <= day for who, each in occurred) for row in range(ROWS)]
        for count in range(1, PERIOD + 1):
            cells = table.get(ACTIVE_DAYS.key("app", str(count)))
            assert (cells.total(None, day) if cells else 0) == active.count(count)


def test_one_late_event_among_many_products_needs_no_room_for_all_of_its_days() -> None:
    """As in a pass over many shards, where each has products of its own."""
    names, products = KeyIds(), [f"p-{number}" for number in range(1_280)]
    customers = customers_of([b"%d" % number for number in range(len(products))], products, names)
    old = Activity.unpack(Ragged(np.empty(0, np.uint32), np.zeros(len(products), np.int64)), customers)
    days = np.full(len(products), 20_000)
    days[7] -= 365
    new = replace(old, days=old.days.including(np.arange(len(products)), days))
    tracemalloc.start()
    try:
        change(Increments(customers.key_ids), customers, old, new, Definitions())
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
