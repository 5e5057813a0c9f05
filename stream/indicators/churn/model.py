"""Churn risk: how likely is a customer to stay away, told by the days on which it was active and by its silence?

docs/churn.md: logit(risk) = c0 − c1·log2(S) + (c1/h + c2/g)·Δ + evidence. S is the activity as of the last active
day, halved every h days; g the smoothed mean gap between active days; Δ the silence since. Between two moments at
which evidence starts or expires the logit is linear in the silence, so it is known in advance when it crosses a
threshold (`trajectory.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Annotated, NamedTuple

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from stream.core.days import Days
from stream.core.ragged import Ints
from stream.indicators.churn.levels import EVIDENCE

Floats = NDArray[np.float64]

_GAP_BEFORE_ANY_DAYS = 30
"""The gap that is taken for a customer's usual one until its own are known: it counts as one of them."""


Weight = Annotated[float, Meta(ge=0, le=100)]


@dataclass(frozen=True)
class Coefficients:
    """In log-odds: `constant` (c0), `decay` (c1) for each halving of the activity, `overdue` (c2) for a silence as
    long as the usual gap; then what each kind of EVIDENCE adds. `half_life_days` (h) is what "halving" means.

    The defaults are for a product that one uses several times a week: who comes daily is at high risk after two weeks
    of silence, who comes weekly after a month; who has come once is at medium risk after two days, at high risk after
    three weeks. `assidu fit` finds those of a product's own past.
    """

    half_life_days: Annotated[float, Meta(ge=1, le=3650)] = 14.0
    constant: Annotated[float, Meta(ge=-100, le=100)] = -0.5
    decay: Weight = 0.7
    overdue: Weight = 0.3
    nps_detractor: Weight = 0.7
    negative_answer: Weight = 0.5
    open_ticket: Weight = 0.4
    first_week: Weight = 0.6
    subscription_cancelled: Weight = 1.5

    @property
    def evidence(self) -> Floats:
        """What each kind adds, in the order of EVIDENCE."""
        return np.array([getattr(self, kind) for kind in EVIDENCE])


MEDIUM, HIGH = 0.40, 0.70
"""The risks from which on the level is medium, and high."""


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
    activity = days.weighed(last, half_life_days)
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


def probability(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits))


def log_odds(probability: float) -> float:
    """Inverse of `probability`."""
    return log(probability / (1 - probability))
