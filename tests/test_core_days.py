"""Days against a set of integers, and the covers and counts it implies against brute force."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.days import EMPTY, Days, counts_ahead, cover_growth

laws = settings(derandomize=True, database=None, deadline=None, max_examples=200)

FIRST, LAST = 739_700, 739_850
A_DAY = st.integers(FIRST, LAST)
ORDERS = st.lists(A_DAY, max_size=30)
"""Days in the order in which they become active; some more than once."""


def days_of(order: list[int]) -> Days:
    days = EMPTY
    for day in order:
        days = days.including(day)
    return days


@laws
@given(ORDERS)
def test_days_hold_what_was_included_in_ascending_order(order: list[int]) -> None:
    days = days_of(order)
    assert list(days) == sorted(set(order))
    assert len(days) == len(set(order))
    assert [day for day in range(FIRST - 1, LAST + 2) if day in days] == sorted(set(order))
    assert not order or days.latest == max(order)


@laws
@given(ORDERS)
def test_days_are_equal_whatever_the_order_of_inclusion(order: list[int]) -> None:
    assert days_of(sorted(order)) == days_of(order)
    assert days_of(sorted(order, reverse=True)) == days_of(order)


@laws
@given(ORDERS, A_DAY, A_DAY)
def test_days_look_before_after_and_between_like_a_set(order: list[int], one: int, other: int) -> None:
    days, as_set = days_of(order), set(order)
    assert days.before(one) == max((day for day in as_set if day < one), default=None)
    assert days.after(one) == min((day for day in as_set if day > one), default=None)
    assert days.between(one, other) == sum(one <= day <= other for day in as_set)
    assert set(days.since(one)) == {day for day in as_set if day >= one}


@laws
@given(ORDERS, ORDERS)
def test_days_beyond_others_are_the_difference_of_sets(order: list[int], others: list[int]) -> None:
    assert set(days_of(order).beyond(days_of(others))) == set(order) - set(others)


@laws
@given(ORDERS, A_DAY, A_DAY)
def test_days_cut_at_a_day_still_behave_like_a_set(order: list[int], first: int, one: int) -> None:
    cut, as_set = days_of(order).since(first), {day for day in order if day >= first}
    assert list(cut) == sorted(as_set)
    assert set(cut.including(one)) == as_set | {one}
    assert cut.before(one) == max((day for day in as_set if day < one), default=None)
    assert cut.after(one) == min((day for day in as_set if day > one), default=None)


@pytest.mark.parametrize("width", [1, 7, 30, 60])
@laws
@given(order=ORDERS)
def test_the_growths_add_up_to_the_cover(width: int, order: list[int]) -> None:
    days, changes = EMPTY, Counter[int]()
    for day in dict.fromkeys(order):
        start, end = cover_growth(days, day, width)
        if start < end:
            changes[start] += 1
            changes[end] -= 1
        days = days.including(day)
    level = 0
    for day in range(FIRST - 1, LAST + width + 2):
        level += changes[day]
        assert level == any(day - width < active <= day for active in order)


@pytest.mark.parametrize("width", [1, 7, 30])
@laws
@given(order=ORDERS)
def test_the_counts_ahead_move_a_customer_to_its_number_of_active_days(width: int, order: list[int]) -> None:
    days, changes = EMPTY, Counter[tuple[int, int]]()
    for day in dict.fromkeys(order):
        for start, end, active in counts_ahead(days, day, width):
            for count, customers in ((active, -1), (active + 1, 1)):
                changes[start, count] += customers
                changes[end, count] -= customers
        days = days.including(day)
    levels = Counter[int]()
    for day in range(FIRST - 1, LAST + width + 2):
        for count in range(width + 1):
            levels[count] += changes[day, count]
        active_days = sum(day - width < active <= day for active in set(order))
        assert {count: level for count, level in levels.items() if count and level} == (
            {active_days: 1} if active_days else {}
        )
