"""Quantiles of amounts that are counted in log buckets: at most 5 % off, and sums of shards add."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stream.core.ragged import Ints

_LARGEST = 1 << 62
"""More is not told apart."""


def _firsts() -> list[int]:
    """The least amount in each bucket: every small amount has one of its own, and from 20 on a bucket's greatest
    amount is less than a tenth above its least. All are integers, so that every machine puts an amount in the same."""
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
    """That of which everything in the bucket is equally far off, in proportion."""
    first, last = _FIRSTS[bucket], _FIRSTS[min(bucket + 1, len(_FIRSTS) - 1)] - 1
    return 2 * first * last / (first + last) if last > first else float(first)


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The least amount that this share of all do not exceed, of so many in each bucket; None of nothing."""
    total, below = sum(counts.values()), 0
    for bucket in sorted(counts):
        below += counts[bucket]
        if total and below >= share * total:
            return amount(bucket)
    return None
