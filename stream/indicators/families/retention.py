"""Retention and churn: cohorts of newcomers on day N, and the actives of one period against the one before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.core.days import Bits
from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.series import Kind, Series
from stream.indicators.declare import Breakdown, Card, Example, Family, Figure, Metric, Panel, ratio
from stream.indicators.families.activity import Activity
from stream.indicators.families.complete_days import (
    ACTIVES_BEFORE,
    ACTIVES_NOW,
    COVERS,
    NEW,
    PERIOD,
    PERIODS_OF_CHURN,
    returning,
)
from stream.indicators.families.first_week import ANCHORED, cohort
from stream.indicators.forms import Count, Ratio, by_segment
from stream.indicators.reads import Labels, View
from stream.indicators.scenario import Scenario, event

RETAINED = Series("retained", Kind.FLOW, "day", ("day",))
"""At the anchor day: customers active on day N after it."""


def change(
    increments: Increments, customers: Customers, old: Activity, new: Activity, definitions: Definitions
) -> None:
    """contribution(new) − contribution(old)."""
    before, now = old.first_days, new.first_days
    for n in definitions.retention_days:
        numbers = customers.numbers(RETAINED, str(n))
        was, is_ = _came_back(before, n), _came_back(now, n)
        moved = (was != is_) | (old.first_day != new.first_day)
        increments.add(numbers[moved & was], old.first_day[moved & was], -1)
        increments.add(numbers[moved & is_], new.first_day[moved & is_], 1)


def _came_back(days: Bits, n: int) -> NDArray[np.bool_]:
    """Active on the anchor's day (else it is forgotten) and on the n-th after it."""
    return (days & days >> np.uint64(n) & np.uint64(1)).astype(np.bool_)


def _retained(view: View, labels: Labels) -> Any:
    return cohort(RETAINED, int(labels["day"]))(view, labels)


def _anchored(view: View, labels: Labels) -> Any:
    return cohort(ANCHORED, int(labels["day"]))(view, {})


def _days(view: View) -> list[str]:
    return [str(n) for n in view.definitions.retention_days]


_DAY = {"day": _days}


def _back_on(definitions: Definitions) -> tuple[Figure, ...]:
    return tuple(Figure(f"back on day {day}", {"day": str(day)}, "newcomers") for day in definitions.retention_days)


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "bob and dan came back on day 7, cyd on days 6 and 8, fay never; eve's day 7 is today, and not complete. Of the "
    "30 days before 1 March ann, dan and hal are retained, fay is churned. gus was here before those days and is "
    "back: the textbook formula takes gus for retained. ann and fay are in a segment.",
    (
        event("login", "ann", "02-01", "03-03"),
        event("signup", "bob", "03-23"),
        event("login", "bob", "03-30 23:59"),
        event("login", "cyd", "03-10", "03-16", "03-18"),
        event("login", "dan", "02-24", "03-03"),
        event("login", "eve", "03-24", "03-31"),
        event("login", "fay", "02-25"),
        event("login", "gus", "01-29 23:59", "03-20"),
        event("login", "hal", "02-10", "03-05"),
        event("identify", "ann fay", "02-28", traits={"segment": "pro"}),
    ),
)


def _by_segment(reads: Mapping[str, int], value: float) -> Breakdown:
    return by_segment(COVERS[PERIOD], reads, value, segment="pro")


FAMILY = Family(
    "Retention and churn",
    "Who came back on day N, who of the last period is still here, who is gone?",
    SCENARIO,
    (
        Ratio(
            "engagement_retention_ratio",
            _retained,
            over=_anchored,
            labels=_DAY,
            help="Of the customers whose day N after their first activity is one of the last 28 complete days, the "
            "share active on that very day (definitions.retention_days).",
            example=Example({"retained": 2, "customers": 4}, 0.5, {"day": "7"}),
            panel=Panel("Retention on day N"),
            card=Card("Who is new", "Retention", "last 28 complete days", _back_on),
            rolling=False,
        ),
        Count(
            "engagement_retention_customers",
            _anchored,
            labels=_DAY,
            help="Customers whose day N is one of the last 28 complete days: what the ratio rests on.",
            example=Example({"number": 4}, 4, {"day": "7"}),
            panel=Panel("Customers behind retention on day N"),
            rolling=False,
        ),
        Metric(
            name="engagement_retained_ratio",
            help="Of the customers active in the 30 complete days before the last 30, the share active in the last "
            "30.",
            unit="ratio",
            reads=PERIODS_OF_CHURN,
            formula=lambda now, before, either: ratio(returning(now, before, either), before),
            example=Example({"now": 7, "before": 4, "either": 8}, 0.75),
            breakdowns=(_by_segment({"now": 1, "before": 2, "either": 2}, 0.5),),
            panel=Panel("Retained from the period before", overview={}),
            sample_size="before",
            rolling=False,
        ),
        Metric(
            name="engagement_churn_ratio",
            help="Of the customers active in the 30 complete days before the last 30, the share not active since.",
            unit="ratio",
            reads=PERIODS_OF_CHURN,
            formula=lambda now, before, either: ratio(before - returning(now, before, either), before),
            example=Example({"now": 7, "before": 4, "either": 8}, 0.25),
            breakdowns=(_by_segment({"now": 1, "before": 2, "either": 2}, 0.5),),
            panel=Panel("Churn", overview={}),
            sample_size="before",
            card=Card(
                "Who stays, who leaves",
                window="30 complete days",
                figures=(Figure(counted="customers active the 30 days before"),),
            ),
            rolling=False,
        ),
        Metric(
            name="engagement_churned_customers",
            help="Customers active in the 30 complete days before the last 30, and not since (dormant).",
            unit="customers",
            reads=PERIODS_OF_CHURN,
            formula=lambda now, before, either: before - returning(now, before, either),
            example=Example({"now": 7, "before": 4, "either": 8}, 1),
            panel=Panel("Churned customers"),
            rolling=False,
        ),
        Count(
            "engagement_period_start_customers",
            ACTIVES_BEFORE,
            help="Customers active in the 30 complete days before the last 30: what retained and churn rest on.",
            example=Example({"before": 4}, 4),
            breakdowns=(_by_segment({"before": 2}, 2),),
            panel=Panel("Active in the period before"),
            rolling=False,
        ),
        Metric(
            name="engagement_retention_formula_ratio",
            help="The textbook (end − new) ÷ start, because it is asked for. Wrong when an old customer comes back: "
            "the resurrected count as retained. Prefer engagement_retained_ratio.",
            unit="ratio",
            reads={"end": ACTIVES_NOW, "new": NEW, "start": ACTIVES_BEFORE},
            formula=lambda end, new, start: ratio(end - new, start),
            example=Example({"end": 7, "new": 3, "start": 4}, 1.0),
            panel=Panel("Retention by the textbook formula"),
            sample_size="start",
            rolling=False,
        ),
    ),
    series=(RETAINED,),
    address="retention",
)
