"""Journey: how far customers come in their first 30 days, and how long it takes them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.quantiles import amount, buckets, quantile
from stream.core.ragged import Ints
from stream.core.series import Key, Kind, Series
from stream.core.time import FAR_FUTURE, MINUTE_MS, Calendar
from stream.indicators.declare import Card, Example, Family, Figure, Metric, Panel, count, ratio
from stream.indicators.families.first_week import ANCHORED, COHORT_DAYS, cohort
from stream.indicators.memories import Memories
from stream.indicators.reads import Labels, View
from stream.indicators.scenario import Scenario, event

LAST_DAY = 30
_SECOND_MS = 1000
_HALF = Fraction(1, 2)
_BUCKETS = 1 << 10
"""More than there are."""

DONE = Series("journey", Kind.FLOW, "day", ("step", "bucket"))
"""At the anchor day: the customers who did the step by the end of day 30, by the seconds from the anchor to it (in
log buckets; 0 for what was done before it)."""


def change(
    increments: Increments,
    customers: Customers,
    old: Memories,
    new: Memories,
    definitions: Definitions,
    calendar: Calendar,
) -> None:
    """contribution(new) − contribution(old)."""
    moved = old.activity.first_ms != new.activity.first_ms
    if new.differ(old, "journey"):
        moved |= (old.journey.ms != new.journey.ms).any(axis=1)
    rows = np.flatnonzero(moved)
    if not len(rows):
        return
    for memories, step in ((old, -1), (new, 1)):
        _count(increments, customers, memories, rows, definitions, calendar, step)


def _count(
    increments: Increments,
    customers: Customers,
    memories: Memories,
    rows: Ints,
    definitions: Definitions,
    calendar: Calendar,
    count_: int,
) -> None:
    activity, first_ms = memories.activity, memories.journey.ms[rows]
    at, step = np.nonzero((first_ms != FAR_FUTURE) & (activity.first_ms[rows] != FAR_FUTURE)[:, None])
    ms, row = first_ms[at, step], rows[at]
    in_time = calendar.days(ms // MINUTE_MS) <= activity.first_day[row] + LAST_DAY
    ms, row, step = ms[in_time], row[in_time], step[in_time]
    bucket = buckets((ms - activity.first_ms[row]) // _SECOND_MS)

    def key(product: str, trait: int) -> Key:
        step, bucket = divmod(trait, _BUCKETS)
        return DONE.key(product, str(definitions.journey[step]), str(bucket))

    numbers = customers.keyed(customers.group[row], step * _BUCKETS + bucket, key)
    increments.add(numbers, activity.first_day[row], count_)


_done = cohort(DONE, LAST_DAY)
_newcomers = cohort(ANCHORED, LAST_DAY)


def _customers(view: View, _: Labels) -> int:
    """Whose day 30 is one of the last 28 complete days."""
    return int(_newcomers(view, {}))


def _took(view: View, labels: Labels) -> dict[float, int]:
    """How many of those who did the step took so many seconds."""
    after, until = view.today - COHORT_DAYS - LAST_DAY - 1, view.today - LAST_DAY - 1
    found = view.sums(DONE, "bucket", labels, after, until)
    return {amount(int(bucket)): customers for bucket, customers in found.items()}


def _steps(view: View) -> list[str]:
    return [str(step) for step in view.definitions.journey]


def _figures(definitions: Definitions) -> tuple[Figure, ...]:
    return tuple(Figure(str(step), {"step": str(step)}, "newcomers") for step in definitions.journey)


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "Day 30 of ann, bob and cyd was yesterday; dan's is today, and not complete. ann found a feature after 15 "
    "seconds and bought on day 30, bob a minute too late. cyd bought before the signup: the order does not matter. "
    "Nobody answered a survey but eve, whose day 30 was too long ago to count.",
    (
        event("signup", "ann bob", "02-28"),
        event("feature_use", "ann", "02-28 12:00:15", "03-01", feature="search"),
        event("purchase", "ann", "03-30 23:59", order_id="1", amount_minor=900, currency="EUR", units=1),
        event("feature_use", "bob", "03-05", feature="export"),
        event("purchase", "bob", "03-31 00:00", order_id="2", amount_minor=900, currency="EUR", units=1),
        event("purchase", "cyd", "02-28 09:00", order_id="3", amount_minor=900, currency="EUR", units=1),
        event("signup", "cyd", "02-28 10:00"),
        event("feature_use", "cyd", "02-28 09:00:12", feature="search"),
        event("signup", "dan", "03-01"),
        event("signup", "eve", "01-30"),
        event("survey_response", "eve", "01-31", survey="nps", survey_id="spring", score=9, scale="0-10"),
    ),
)

_STEP = {"step": _steps}

FAMILY = Family(
    "Journey",
    "How far do customers come in their first 30 days, where do they get lost, and how long does it take them?",
    SCENARIO,
    (
        Metric(
            name="engagement_journey_customers",
            help="Of the customers whose day 30 after their first activity is one of the last 28 complete days, "
            "those who did the step by the end of that day, in any order (definitions.journey).",
            unit="customers",
            labels=_STEP,
            reads={"number": _done},
            formula=count,
            example=Example({"number": 2}, 2, {"step": "purchase"}),
            panel=Panel("Customers who did the step", bars="step"),
            series=(DONE,),
            rolling=False,
        ),
        Metric(
            name="engagement_journey_ratio",
            help="Of the customers whose day 30 after their first activity is one of the last 28 complete days, the "
            "share that did the step by the end of that day, in any order (definitions.journey).",
            unit="ratio",
            labels=_STEP,
            reads={"done": _done, "customers": _customers},
            formula=lambda done, customers: ratio(done, customers),
            example=Example({"done": 2, "customers": 3}, 2 / 3, {"step": "purchase"}),
            panel=Panel("Journey: share that did the step", bars="step"),
            sample_size="customers",
            card=Card("Who is new", "Journey", "first 30 days", _figures, order=1),
            series=(DONE, ANCHORED),
            rolling=False,
        ),
        Metric(
            name="engagement_journey_median_seconds",
            help="Median time from the first activity to the first doing of the step, of those who did it by day 30; "
            "at most 5 % off. What was done before any activity took no time.",
            unit="seconds",
            labels=_STEP,
            reads={"took": _took},
            formula=lambda took: quantile(took, _HALF),
            example=Example({"took": {12.0: 1, 15.0: 1, 451856.136: 1}}, 15.0, {"step": "feature_use"}),
            panel=Panel("Median time to the step"),
            series=(DONE,),
            rolling=False,
        ),
    ),
)
