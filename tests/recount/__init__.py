"""An independent recount: every indicator of a whole history, straight from its definition, slow and obvious.

It shares no code with what it checks: it looks at all events at once, asks every customer, and divides exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tests.recount.activity import activity
from tests.recount.care import care
from tests.recount.churn_risk import DEFAULTS, churn_risk, risk_grades, risk_of
from tests.recount.clicks import clicks
from tests.recount.cohorts import cohorts
from tests.recount.comments import WordLists, with_feedback
from tests.recount.commerce import commerce, repeat_purchases, revenue_at_risk
from tests.recount.comparison import compare
from tests.recount.content import content
from tests.recount.conversion import conversion
from tests.recount.counted import counted_events, minute_of
from tests.recount.days import complete_days
from tests.recount.dimensions import dimensions
from tests.recount.first_week import first_week, first_week_in_progress
from tests.recount.journey import DEFAULT_JOURNEY, journey_of
from tests.recount.messages import messages
from tests.recount.retention import retention
from tests.recount.samples import Exact, Sample, Value, sample
from tests.recount.score import DEFAULT_SCORE, score_of
from tests.recount.segments import segments_of
from tests.recount.subscriptions import subscriptions
from tests.recount.surveys import surveys
from tests.recount.usage import usage
from tests.recount.visitors import visitors_of
from tests.recount.visits import visits

__all__ = ["Sample", "Value", "compare", "recount", "sample"]


def recount(
    events: Iterable[Mapping[str, Any]],
    at: datetime,
    zone: ZoneInfo,
    *,
    first_week_days: int = 3,
    csat_7_from: int = 5,
    retention_days: Sequence[int] = (1, 7, 14, 30),
    visit_gap_minutes: int = 30,
    segment: str = "segment",
    themes: WordLists = (),
    sentiments: WordLists = (),
    lexicon: str = "none",
    journey: Sequence[Mapping[str, Any]] = DEFAULT_JOURNEY,
    score: Mapping[str, Mapping[str, int]] = DEFAULT_SCORE,
    coefficients: Mapping[str, float] = DEFAULTS,
) -> dict[Sample, Value]:
    """Every sample that a report at `at` should hold, the product among its labels.

    `events` are valid, as products emit them, in the order in which they came. Rolling indicators are None
    when `at` lies before the newest event.
    """
    counted = with_feedback(counted_events(events, zone), dict(themes), dict(sentiments), lexicon)
    now, today = minute_of(at), at.astimezone(zone).toordinal()
    answerable = all(event.minute <= now for event in counted)
    samples: dict[Sample, Value] = {}
    for product in {event.product for event in counted}:
        history = [event for event in counted if event.product == product]
        visitors = visitors_of(history)
        segments = segments_of(history, segment)
        rolling = activity(history, now, segments) | clicks(history, now) | content(history, now)
        rolling |= visits(history, now, visit_gap_minutes) | usage(history, now)
        rolling |= subscriptions(history, now) | care(history, now)
        rolling |= messages(history, now) | conversion(history, now)
        rolling |= dimensions(history, now)
        rolling |= score_of(history, today, zone, visit_gap_minutes, score, segments)
        rolling |= churn_risk(history, now, zone, first_week_days, segment, coefficients)
        rolling |= risk_grades(history, today, zone, first_week_days, coefficients)
        rolling |= commerce(history, visitors, now, today)
        rolling |= revenue_at_risk(
            history, partial(risk_of, now=now, zone=zone, first_week_days=first_week_days, weights=coefficients)
        )
        rolling |= surveys(history, now, csat_7_from, segments)
        rolling |= first_week_in_progress(visitors, today, first_week_days, segments)
        complete = complete_days(visitors, today) | retention(visitors, today, retention_days, segments)
        complete |= first_week(visitors, today, first_week_days, segments) | repeat_purchases(history, today)
        complete |= cohorts(visitors, today) | journey_of(history, visitors, today, journey)
        for (name, labels), value in ((rolling if answerable else dict.fromkeys(rolling)) | complete).items():
            samples[name, labels | {("product", product)}] = as_reported(value)
    return samples


def as_reported(value: Exact) -> Value:
    return float(value) if isinstance(value, Fraction) else value
