"""Self-grading: the risk of a sample of customers as of a Monday, beside what they did in the 30 days after.

Each customer is graded as of the Mondays of every 64th week, so each week another 64th of them is. The risk is the
one that the coefficients in force tell, of what the record has about the days before that Monday and of what evidence
it still knows that was there then; who is scored anew is graded anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stream.core.days import days_after
from stream.core.event_columns import SAMPLES, Customers
from stream.core.increments import Increments
from stream.core.ragged import Ints
from stream.core.series import Key, Kind, Series
from stream.core.time import DAY_MS
from stream.indicators.churn.evidence import COUNTED_MS, Held, Scoring
from stream.indicators.churn.model import logit, past, probability
from stream.indicators.declare import Example, Panel
from stream.indicators.forms import Count, Mean, Ratio
from stream.indicators.memories import Memories
from stream.indicators.reads import Labels, View, on_days

HORIZON_DAYS = 30
"""Who is not active for so long has stayed away."""
SHOWN_DAYS = 90
_KEEP_DAYS = SHOWN_DAYS + HORIZON_DAYS
_BUCKETS = 10
_ERROR_UNIT = 1_000_000

GRADED = Series("risk_graded", Kind.FLOW, "day", ("bucket", "outcome"))
"""At the day on which the outcome is known: customers by tenths of the risk that they were told to have."""
ERROR = Series("risk_error", Kind.FLOW, "day")
"""Their squared errors, in millionths."""
SERIES = (GRADED, ERROR)

BUCKETS = tuple(f"{number / _BUCKETS:.1f}" for number in range(_BUCKETS))
"""By where each begins."""
OUTCOMES = ("returned", "stayed_away")


class Grades(NamedTuple):
    """A grade of each of n customers, 0 in all columns where there is none: the day on which the outcome was known,
    the place of the bucket · 2 + that of the outcome, the squared error in millionths."""

    day: Ints
    kind: Ints
    error: Ints


def grades(rows: Ints, memories: Memories, evidence: Held, customers: Customers, scoring: Scoring) -> Grades:
    """Of the customers in these rows, each with an active day. A customer has one grade at most that can be seen at
    its last active day or later, for as long as it counts."""
    days = memories.activity.days.those(rows)
    _, first, last = days.extent()
    week = -((_KEEP_DAYS + 1 - last) // 7)  # weeks since Monday, 1 January of the year 1, which is day 1
    monday = (week + (customers.sample[rows] - week) % SAMPLES) * 7 + 1
    counted_days = COUNTED_MS // DAY_MS
    some = np.flatnonzero((first < monday) & (monday <= last + counted_days))
    graded = Grades(*np.zeros((3, len(rows)), np.int64))
    if not len(some):
        return graded
    monday = monday[some]
    before = past(days.those(some).before(monday), scoring.coefficients.half_life_days)
    midnight = scoring.calendar.starts(monday)[:, None]
    held = (evidence.begin[rows[some]] < midnight) & (midnight < evidence.end[rows[some]])
    added = np.where(held, scoring.coefficients.evidence, 0.0).sum(axis=1)
    risk = probability(logit(scoring.coefficients, before, monday - before.last_day, added))
    window = days.those(some).window(np.arange(len(some)), monday - 1)
    stayed_away = days_after(window) > HORIZON_DAYS
    counts = monday - before.last_day <= counted_days
    some, monday, risk, stayed_away = some[counts], monday[counts], risk[counts], stayed_away[counts]
    graded.day[some] = monday + HORIZON_DAYS
    graded.kind[some] = np.minimum((risk * _BUCKETS).astype(np.int64), _BUCKETS - 1) * 2 + stayed_away
    graded.error[some] = np.rint((risk - stayed_away) ** 2 * _ERROR_UNIT).astype(np.int64)
    return graded


def count_grades(increments: Increments, customers: Customers, rows: Ints, graded: Grades, step: int) -> None:
    """Add the grades of the customers in these rows to the series, or take them away."""
    some = np.flatnonzero(graded.day)
    if not len(some):
        return
    numbers = customers.key_ids.like(customers.numbers(ERROR)[rows[some]], _key, graded.kind[some])
    increments.add(numbers, graded.day[some], step)
    increments.add(customers.numbers(ERROR)[rows[some]], graded.day[some], graded.error[some] * step)


def _key(error: Key, kind: int) -> Key:
    bucket, outcome = divmod(kind, 2)
    return GRADED.key(*error[1:], BUCKETS[bucket], OUTCOMES[outcome])


def _graded(view: View, labels: Labels, *outcomes: str) -> int:
    read = on_days(GRADED, SHOWN_DAYS, 0)
    return sum(read(view, {**labels, "outcome": outcome}) for outcome in outcomes)


def _all_graded(view: View, labels: Labels) -> int:
    return _graded(view, labels, *OUTCOMES)


def _stayed_away(view: View, labels: Labels) -> int:
    return _graded(view, labels, "stayed_away")


_BUCKET = {"bucket": BUCKETS}
_SINCE = "graded as of Mondays whose outcome was known in the last 90 days"

METRICS = (
    Mean(
        "engagement_risk_brier_score",
        on_days(ERROR, SHOWN_DAYS, 0),
        over=_all_graded,
        per=_ERROR_UNIT,
        unit="score",
        help="How far off the coefficients in force are: mean squared difference between the risk they tell and what "
        f"came (stayed away for 30 days: 1), of a 64th of all customers a week, {_SINCE}. Always 0.5 gives 0.25.",
        example=Example({"error": 523_440, "customers": 2}, 0.26172),
        panel=Panel("Brier score of the churn risk"),
    ),
    Ratio(
        "engagement_risk_observed_ratio",
        _stayed_away,
        over=_all_graded,
        labels=_BUCKET,
        help="Of the customers with a risk in the tenth that begins at `bucket`, the share that stayed away; "
        f"{_SINCE}.",
        example=Example({"stayed_away": 1, "customers": 2}, 0.5, {"bucket": "0.3"}),
        panel=Panel("Churn risk told, and how many stayed away", bars="bucket"),
    ),
    Count(
        "engagement_risk_graded_customers",
        _all_graded,
        labels=_BUCKET,
        help=f"Customers by the tenth of their risk: {_SINCE}.",
        example=Example({"customers": 2}, 2, {"bucket": "0.3"}),
        panel=Panel("Customers graded, by the risk told", bars="bucket"),
    ),
)
