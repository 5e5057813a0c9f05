"""Quantiles of numbers that are counted, and of amounts that are counted in log buckets: at most 5 % off."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

import numpy as np

from stream.core.ragged import Ints

Number = TypeVar("Number", int, float)

_LARGEST = 1 << 62
"""More is not told apart."""


def _firsts() -> list[int]:
    """The least amount in each bucket: every small amount has one of its own, and from 20 on a bucket's greatest
    amount is less than a tenth above its least. Integers, so that every machine puts an amount in the same one."""
    found = [0, 1]
    while found[-1] < _LARGEST:
        found.append(found[-1] + max(1, found[-1] // 10))
    return found[:-1]


_FIRSTS = _firsts()
_FIRSTS_COLUMN = np.array(_FIRSTS, np.int64)


def buckets(amounts: Ints) -> Ints:
    """The number of the bucket of each amount; what is below 0 is in that of 0."""
    return np.maximum(np.searchsorted(_FIRSTS_COLUMN, amounts, side="right") - 1, 0)


def amount(bucket: int) -> float:
    """That from which the least and the greatest amount in the bucket are equally far, in proportion."""
    first, last = _FIRSTS[bucket], _FIRSTS[min(bucket + 1, len(_FIRSTS) - 1)] - 1
    return round(2 * first * last / (first + last), 3) if last > first else float(first)


def quantile(counts: Mapping[Number, int], share: Fraction) -> Number | None:
    """The least number that this share of all do not exceed, of so many of each number; None of nothing."""
    total, below = sum(counts.values()), 0
    for number in sorted(counts):
        below += counts[number]
        if total and below >= share * total:
            return number
    return None
