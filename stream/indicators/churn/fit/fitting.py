"""Fitting: the coefficients under which the examples are most likely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from stream.indicators.churn.fit.examples import Examples, Truths
from stream.indicators.churn.model import Coefficients, Floats, logit, past, probability

HALF_LIVES_DAYS = (7.0, 14.0, 28.0, 56.0, 91.0, 182.0)
"""Each is tried."""

FITTED = ("half_life_days", "constant", "decay", "overdue")
"""The coefficients that are: what evidence adds is not."""

FEWEST_OF_A_KIND = 50
"""Examples who churned, and who did not: fewer say too little about three coefficients."""


class TooFew(ValueError):
    """There are too few examples to fit to."""


class Fitted(NamedTuple):
    """`log_loss` is the mean over the examples that were fitted to."""

    coefficients: Coefficients
    log_loss: float


def fit(examples: Examples, half_lives_days: Sequence[float] = HALF_LIVES_DAYS) -> Fitted:
    """The best coefficients of all half-lives. Raises TooFew."""
    churned = int(examples.churned.sum())
    if min(churned, len(examples) - churned) < FEWEST_OF_A_KIND:
        raise TooFew(
            f"too little to fit to: of {len(examples):,} customers {churned:,} stayed away; "
            f"at least {FEWEST_OF_A_KIND} must have stayed away and as many have come back"
        )
    return min((_fit_one(examples, days) for days in half_lives_days), key=lambda fitted: fitted.log_loss)


def _fit_one(examples: Examples, half_life_days: float) -> Fitted:
    """Silence must not lower a risk, so neither coefficient may be negative: one that would be is left out."""
    before = past(examples.days, half_life_days)
    decayed = examples.silence_days / half_life_days - before.log2_activity
    columns = np.stack([decayed, examples.silence_days / before.gap_days], axis=1)
    used = [0, 1]
    while True:
        constant, weights = _logistic(columns[:, used], examples.churned)
        if not used or min(weights) >= 0:
            break
        used.remove(used[int(np.argmin(weights))])
    decay, overdue = (float(weights[used.index(each)]) if each in used else 0.0 for each in (0, 1))
    coefficients = Coefficients(half_life_days, constant, decay, overdue)
    risk = probability(logit(coefficients, before, examples.silence_days))
    return Fitted(coefficients, float(log_loss(examples.churned, risk)))


def _logistic(columns: Floats, churned: Truths) -> tuple[float, Floats]:
    """(constant, weights), of logistic regression without a penalty."""
    if not columns.shape[1]:
        share = churned.mean()
        return float(np.log(share / (1 - share))), np.empty(0)
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(columns, churned)
    return float(model.intercept_[0]), model.coef_[0]


def risk_of(coefficients: Coefficients, some: Examples) -> Floats:
    """The risk of each customer at the moment of the examples."""
    return probability(logit(coefficients, past(some.days, coefficients.half_life_days), some.silence_days))
