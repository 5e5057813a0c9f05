"""Churn risk: how likely is a customer to stay away, told by the days on which it was active and by its silence?

METRICS, "Churn risk": logit(risk) = c0 − c1·log2(S) + (c1/h + c2/g)·Δ + evidence. S is the activity as of the last
active day, halved every h days; g the smoothed mean gap between active days; Δ the silence since. Between two moments
at which evidence starts or expires the logit is linear in the silence, so it is known in advance when it crosses a
threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.days import Days
from stream.core.ragged import Ints

Floats = NDArray[np.float64]

_GAP_BEFORE_ANY_DAYS = 30
"""The gap that is taken for a customer's usual one until its own are known: it counts as one of them."""


@dataclass(frozen=True)
class Coefficients:
    """In log-odds: `constant` (c0), `decay` (c1) for each halving of the activity, `overdue` (c2) for a silence as
    long as the usual gap. `half_life_days` (h) is what "halving" means."""

    half_life_days: float
    constant: float
    decay: float
    overdue: float


class Past(NamedTuple):
    """Of n customers with an active day at least, as of `last_day`, the last of them: the activity as log2(S) and the
    usual gap g in days."""

    last_day: Ints
    log2_activity: Floats
    gap_days: Floats


def past(days: Days, half_life_days: float) -> Past:
    """What counts of the active days of n customers, none of whom may be without any.

    Sums run from the earliest day to the latest, so the order in which the days became known leaves no trace.
    """
    number, first, last = days.extent()
    row, day = days.all()
    activity = np.bincount(row, np.exp2((day - last[row]) / half_life_days), len(last))
    return Past(last, np.log2(activity), (_GAP_BEFORE_ANY_DAYS + last - first) / number)


def slope(coefficients: Coefficients, past: Past) -> Floats:
    """How much each day of silence adds to the log-odds."""
    return coefficients.decay / coefficients.half_life_days + coefficients.overdue / past.gap_days


def logit(
    coefficients: Coefficients, past: Past, silence_days: Floats | float, evidence: Floats | float = 0.0
) -> Floats:
    """The log-odds of each customer after so much silence."""
    start = coefficients.constant - coefficients.decay * past.log2_activity
    return start + slope(coefficients, past) * silence_days + evidence


def silence_until(coefficients: Coefficients, past: Past, threshold: float, evidence: Floats | float = 0.0) -> Floats:
    """The days of silence after which each customer's log-odds are at the threshold; negative: they are beyond it
    already; infinite: silence does not move them."""
    at_once = logit(coefficients, past, 0.0, evidence)
    with np.errstate(divide="ignore"):
        return (threshold - at_once) / slope(coefficients, past)


def probability(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits))
