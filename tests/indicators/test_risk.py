"""The churn risk of many customers at once against METRICS' formula, one customer and one day at a time."""

from __future__ import annotations

from math import exp, isclose, log2

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.core.days import Days
from stream.indicators.churn.model import Coefficients, logit, past, probability
from tests.histories import laws

DAY = 739_700
CUSTOMERS = st.lists(st.sets(st.integers(DAY, DAY + 900), min_size=1, max_size=20), min_size=1, max_size=5)
HALF_LIVES = st.sampled_from([7.0, 14.0, 182.0])
COEFFICIENTS = st.builds(
    Coefficients, HALF_LIVES, st.floats(-5, 5), st.floats(0, 3, allow_subnormal=False), st.floats(0.01, 3)
)
SILENCES = st.floats(0, 400)


def days_of(customers: list[set[int]], order: list[int] | None = None) -> Days:
    pairs = [(row, day) for row, days in enumerate(customers) for day in sorted(days)]
    days = Days.none(len(customers))
    for place in order if order is not None else range(len(pairs)):
        row, day = pairs[place]
        days = days.including(np.array([row]), np.array([day]))
    return days


def risk_by_hand(of: Coefficients, days: set[int], silence_days: float) -> float:
    last, number = max(days), len(days)
    activity = sum(2 ** (-(last - day) / of.half_life_days) for day in sorted(days))
    gap = (30 + last - min(days)) / number
    rise = of.decay / of.half_life_days + of.overdue / gap
    return of.constant - of.decay * log2(activity) + rise * silence_days


@laws
@given(CUSTOMERS, COEFFICIENTS, SILENCES)
def test_the_risk_is_that_of_the_formula(
    customers: list[set[int]], coefficients: Coefficients, silence_days: float
) -> None:
    before = past(days_of(customers), coefficients.half_life_days)
    found = logit(coefficients, before, np.full(len(customers), silence_days))
    expected = [risk_by_hand(coefficients, days, silence_days) for days in customers]
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert before.last_day.tolist() == [max(days) for days in customers]


@laws
@given(CUSTOMERS.flatmap(lambda some: st.tuples(st.just(some), st.permutations(range(sum(map(len, some)))))))
def test_the_order_in_which_days_became_known_leaves_no_trace(drawn: tuple[list[set[int]], list[int]]) -> None:
    customers, order = drawn
    once, again = past(days_of(customers), 14.0), past(days_of(customers, order), 14.0)
    assert all(np.array_equal(one, other) for one, other in zip(once, again, strict=True))


def test_a_customer_seen_once_and_silent_for_a_half_life() -> None:
    coefficients = Coefficients(14.0, constant=-1.0, decay=0.5, overdue=0.2)
    before = past(days_of([{DAY}]), 14.0)  # S = 1, so log2(S) = 0; g = 30
    (found,) = probability(logit(coefficients, before, np.array([14.0])))
    assert isclose(found, 1 / (1 + exp(1.0 - 0.5 - 0.2 * 14 / 30)))
