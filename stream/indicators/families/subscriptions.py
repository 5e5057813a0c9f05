"""Subscriptions: how many subscribe, how many of them gave it up, and what they pay in 30 days."""

from __future__ import annotations

from schemas.currency import MINOR_UNITS
from stream.core.time import DAY
from stream.indicators.declare import Card, Example, Family, Figure, Panel
from stream.indicators.forms import Count, Derived, Ratio
from stream.indicators.reads import Labels, View, given, standing
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.subscription import LOST, PERIOD_DAYS, PRICES, RECURRING, SUBSCRIBERS

_THEN = standing(SUBSCRIBERS, minutes_ago=PERIOD_DAYS * DAY)


def _amount_in_30_days(view: View, labels: Labels) -> float:
    """In minor units."""
    amounts = view.sums(RECURRING, "period_days", labels, None, view.minute)
    return sum((amount * PERIOD_DAYS / int(days) for days, amount in amounts.items()), 0.0)


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann, bob and cyd subscribed 30 days ago, cyd since that very minute. bob gave it up today, and what bob paid "
    "recurs no more; cyd cancelled too and came back. dan, who subscribed a minute later, is not asked about; nor is "
    "eve, who had cancelled by then. ann's price was named at the last renewal, for a year; cyd's at first; "
    "dan pays by the week, in yen, which have no smaller unit.",
    (
        event("subscription_started", "ann", "01-10", amount_minor=2_000, currency="EUR"),
        event("subscription_renewed", "ann", "02-09"),
        event("subscription_renewed", "ann", "03-11", amount_minor=36_500, currency="EUR", period_days=365),
        event("subscription_started", "bob", "02-20", amount_minor=2_000, currency="EUR"),
        event("subscription_cancelled", "bob", "03-31 11:00"),
        event("subscription_started", "cyd", "03-01 12:00", amount_minor=1_000, currency="EUR"),
        event("subscription_cancelled", "cyd", "03-10"),
        event("subscription_started", "cyd", "03-20"),
        event("subscription_started", "dan", "03-01 12:01", amount_minor=700, currency="JPY", period_days=7),
        event("subscription_started", "eve", "01-10", amount_minor=2_000, currency="EUR"),
        event("subscription_cancelled", "eve", "02-28"),
    ),
)

FAMILY = Family(
    "Subscriptions",
    "Who subscribes, who gave it up, and what do they pay?",
    SCENARIO,
    (
        Count(
            "engagement_subscribers",
            standing(SUBSCRIBERS),
            unit="subscribers",
            help="Customers who subscribe now: whose last word of it is not that it was cancelled.",
            example=Example({"number": 3}, 3),
            panel=Panel("Subscribers"),
            card=Card("Who stays, who leaves", window="now", order=2),
        ),
        Count(
            "engagement_period_start_subscribers",
            _THEN,
            unit="subscribers",
            help="Customers who subscribed 30 days ago: what the churn of subscribers rests on.",
            example=Example({"number": 3}, 3),
            panel=Panel("Subscribers 30 days ago"),
        ),
        Ratio(
            "engagement_subscription_churn_ratio",
            standing(LOST),
            over=_THEN,
            help="Of the customers who subscribed 30 days ago, the share that does not now.",
            example=Example({"lost": 1, "subscribers": 3}, 1 / 3),
            panel=Panel("Churn of subscribers", overview={}),
            card=Card(
                "Who stays, who leaves",
                window="30 days",
                figures=(Figure(counted="subscribers 30 days ago"),),
                order=2,
            ),
        ),
        Derived(
            "engagement_recurring_revenue",
            lambda amount, currency: amount / MINOR_UNITS[currency],
            {"amount": _amount_in_30_days, "currency": given("currency")},
            by="currency",
            found_in=(PRICES, RECURRING),
            unit="revenue",
            help="What those who subscribe now pay in 30 days, in units of the currency: of each the last amount "
            "that was named, × 30 ÷ its period_days.",
            example=Example({"amount": 4_000.0, "currency": "EUR"}, 40.0, {"currency": "EUR"}),
            panel=Panel("Recurring revenue in 30 days"),
            card=Card("Who stays, who leaves", "Recurring revenue", "in 30 days", always=False, order=2),
        ),
    ),
    series=(SUBSCRIBERS, LOST, RECURRING, PRICES),
)
