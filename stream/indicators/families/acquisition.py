"""Acquisition: how many customers are new, what it cost to find one, and whether one is worth it."""

from __future__ import annotations

import numpy as np

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.series import Kind, Series
from stream.core.time import FAR_FUTURE, MINUTE_MS
from stream.indicators.declare import Example, Family, Metric, Panel
from stream.indicators.families.activity import Activity
from stream.indicators.families.revenue import PREDICTED, predicted_value
from stream.indicators.forms import ALL, Count
from stream.indicators.measures import total
from stream.indicators.money import Amount, currencies
from stream.indicators.reads import of
from stream.indicators.scenario import Scenario, event

SPENT = total("spent", of="spend", by="currency", amount="amount_minor")
"""In minor units."""
NEWCOMERS = Series("newcomers", Kind.FLOW, "minute")
"""Customers at their anchor."""


def change(increments: Increments, customers: Customers, old: Activity, new: Activity, _: Definitions) -> None:
    """contribution(new) − contribution(old): an earlier anchor that comes late takes the later one's place."""
    moved = old.first_ms != new.first_ms
    for activity, step in ((old, -1), (new, 1)):
        rows = np.flatnonzero(moved & (activity.first_ms != FAR_FUTURE))
        increments.add(customers.numbers(NEWCOMERS)[rows], activity.first_ms[rows] // MINUTE_MS, step)


def _value_to_cost(spent: int, newcomers: int, **predicted: int) -> float | None:
    value = predicted_value(**predicted)
    if value is None or not newcomers or not spent:
        return None
    return value * predicted["per_unit"] * newcomers / spent


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann and bob are new in March, dan came in February and not since, and cyd seems new until word of an earlier "
    "signup comes in. Marketing and sales cost 180 euros in 30 days; the fair of February is not among them.",
    (
        event("spend", "", "03-20", kind="marketing", amount_minor=15_000, currency="EUR"),
        event("spend", "", "03-31 08:00", kind="sales", amount_minor=3_000, currency="EUR"),
        event("spend", "", "02-20", kind="sales", amount_minor=90_000, currency="EUR"),
        event("signup", "ann", "03-10"),
        event("login", "bob", "03-30 12:01"),
        event("login", "cyd", "03-20"),
        event("signup", "cyd", "02-20"),
        event("login", "dan", "02-20"),
        event("purchase", "ann", "03-31", order_id="1", amount_minor=9_000, currency="EUR", units=1),
    ),
)

FAMILY = Family(
    "Acquisition",
    "How many customers are new, what did it cost to find one, and is one worth it?",
    SCENARIO,
    (
        Count(
            "engagement_new_customers",
            NEWCOMERS,
            unit="customers",
            windows=ALL,
            help="Customers whose first activity ever, or signup, lies in the window.",
            example=Example({"number": 1}, 1, {"window": "24h"}),
        ),
        Amount(
            "engagement_acquisition_cost",
            of(SPENT, "30d"),
            over=of(NEWCOMERS, "30d"),
            found_in=(SPENT,),
            help="What was spent on marketing and sales in 30 days, per customer new in them (CAC).",
            example=Example({"spent": 18_000, "newcomers": 2, "per_unit": 100}, 90.0, {"currency": "EUR"}),
            panel=Panel("Cost of a new customer"),
        ),
        Metric(
            name="engagement_value_to_cost_ratio",
            help="Predicted value of a customer ÷ cost of a new one (LTV:CAC); no share.",
            unit="ratio",
            rows=currencies(SPENT),
            row_labels=("currency",),
            reads={**PREDICTED, "spent": of(SPENT, "30d"), "newcomers": of(NEWCOMERS, "30d")},
            formula=_value_to_cost,
            example=Example(
                {
                    "net": 9_000,
                    "buyers": 1,
                    "per_unit": 100,
                    "now": 3,
                    "before": 2,
                    "either": 4,
                    "spent": 18_000,
                    "newcomers": 2,
                },
                2.0,
                {"currency": "EUR"},
            ),
            panel=Panel("Predicted value to cost"),
            sample_size="newcomers",
            series=(SPENT,),
        ),
    ),
    series=(NEWCOMERS,),
)
