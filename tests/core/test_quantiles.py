"""Quantiles from log buckets: near the true ones, whatever the amounts."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.quantiles import amount, buckets, quantile
from tests.histories import laws

AMOUNTS = st.integers(0, 30) | st.integers(0, 10**5) | st.integers(0, 10**18)


def counted(amounts: list[int]) -> dict[int, int]:
    numbers, counts = np.unique(buckets(np.array(amounts, np.int64)), return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


@laws
@given(st.lists(AMOUNTS, min_size=1), st.sampled_from(["0.1", "0.5", "0.7", "0.9", "1"]))
def test_a_quantile_is_at_most_five_percent_off(amounts: list[int], share: str) -> None:
    true = sorted(amounts)[ceil(Fraction(share) * len(amounts)) - 1]
    found = quantile(counted(amounts), Fraction(share))
    assert found is not None
    assert amount(found) == pytest.approx(true, rel=0.05)


@pytest.mark.parametrize("small", [0, 1, 2, 10, 19])
def test_a_small_amount_is_exact(small: int) -> None:
    assert [amount(bucket) for bucket in counted([small])] == [small]


def test_what_is_below_zero_counts_as_zero() -> None:
    assert counted([-7]) == counted([0])


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile({}, Fraction(1, 2)) is None
    assert quantile({3: 0}, Fraction(1, 2)) is None


def test_buckets_are_in_the_order_of_their_amounts() -> None:
    several = np.arange(100_000)
    assert (np.diff(buckets(several)) >= 0).all()
    assert all(amount(number) <= amount(number + 1) for number in range(200))
