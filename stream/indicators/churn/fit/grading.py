"""Grading: how well risks told who would stay away."""

from __future__ import annotations

import msgspec
import numpy as np
from sklearn.metrics import brier_score_loss, roc_auc_score

from stream.core.ragged import distinct
from stream.indicators.churn.fit.examples import Truths
from stream.indicators.churn.model import Floats

BUCKETS = 10


class Bucket(msgspec.Struct, frozen=True):
    """Customers whose risk is at least `low` and below `low` + 1/10: how many, their mean risk, how many of them
    stayed away, as a share."""

    low: float
    customers: int
    risk: float
    observed: float


class Grade(msgspec.Struct, frozen=True):
    """auc    the probability that of two customers, one who stayed away and one who did not, the former had the
           higher risk
    brier  the mean of (risk − outcome)²; `brier_of_share` is that of telling everybody the same share
    """

    customers: int
    churned: float
    auc: float
    brier: float
    brier_of_share: float
    reliability: tuple[Bucket, ...]


def auc(score: Floats, churned: Truths) -> float:
    """Area under the ROC curve of any score that is higher the more likely a customer stays away."""
    return float(roc_auc_score(churned, score))


def grade(risk: Floats, churned: Truths) -> Grade:
    share = float(churned.mean())
    return Grade(
        len(churned),
        share,
        auc(risk, churned),
        float(brier_score_loss(churned, risk)),
        share * (1 - share),
        tuple(_reliability(risk, churned)),
    )


def _reliability(risk: Floats, churned: Truths) -> list[Bucket]:
    """The buckets that hold anybody."""
    bucket = np.minimum((risk * BUCKETS).astype(np.int64), BUCKETS - 1)
    found = []
    for each in distinct(bucket).tolist():
        here = bucket == each
        found.append(Bucket(each / BUCKETS, int(here.sum()), float(risk[here].mean()), float(churned[here].mean())))
    return found


def threshold_for(risk: Floats, most: int) -> float:
    """The lowest risk at which at most so many customers are flagged ("the 200 riskiest a week"); beyond 1 if even
    the riskiest are more than that."""
    ordered = np.sort(risk)[::-1]
    within = ordered if len(ordered) <= most else ordered[ordered > ordered[most]]
    return float(within[-1]) if len(within) else float(np.nextafter(1, 2))
