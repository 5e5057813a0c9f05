"""Revenue: what customers pay, what an order brings, and what a customer has been worth and may be."""

from __future__ import annotations

from stream.indicators.declare import SPOKEN, Card, Example, Family, Figure, Metric, Panel
from stream.indicators.families.complete_days import PERIODS_OF_CHURN, returning
from stream.indicators.forms import ALL, Count
from stream.indicators.measures import distinct
from stream.indicators.money import MONEY, Amount, currencies, less, minor_units
from stream.indicators.reads import Read, of, standing
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.net_revenue import BUYERS_EVER, PURCHASED, RETURNED, TRADED
from stream.indicators.state.orders import ORDERS, ORDERS_BY_CURRENCY

BUYERS = distinct("buyers", of="purchase", by="currency")

MOST_MONTHS = 36
"""So long a customer is expected to stay at most."""


def predicted_value(net: int, buyers: int, per_unit: int, now: int, before: int, either: int) -> float | None:
    """What a buyer pays in 30 days, for as many months as customers stay at this churn."""
    if not buyers or not before:
        return None
    churned = before - returning(now, before, either)
    months = min(before / churned, MOST_MONTHS) if churned else MOST_MONTHS
    return net / (per_unit * buyers) * months


PREDICTED: dict[str, Read] = {
    "net": less(of(PURCHASED, "30d"), of(RETURNED, "30d")),
    "buyers": of(BUYERS, "30d"),
    "per_unit": minor_units,
    **PERIODS_OF_CHURN,
}
"""What `predicted_value` is given."""

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann's order 1 has two line items, on two days: it is one order, of the first of them, 25 hours ago, while the "
    "amount of the second counts in the last 24. ann's order 2 was 30 days and a minute ago, just too long. "
    "bob sends a part of order 3 back, and bought it before the last 7 days. cyd pays in yen, of which there "
    "is no hundredth. dan, who came in February and not since, bought then.",
    (
        event("purchase", "ann", "03-30 11:00", order_id="1", amount_minor=4_000, currency="EUR", units=2),
        event("purchase", "ann", "03-31 09:00", order_id="1", amount_minor=1_999, currency="EUR", units=1),
        event("purchase", "ann", "03-01 11:59", order_id="2", amount_minor=500, currency="EUR", units=1),
        event("purchase", "bob", "03-22", order_id="3", amount_minor=10_000, currency="EUR", units=4),
        event("product_return", "bob", "03-31 10:00", order_id="3", amount_minor=2_500, currency="EUR", units=1),
        event("purchase", "cyd", "03-31 11:00", order_id="4", amount_minor=6_400, currency="JPY", units=1),
        event("purchase", "dan", "02-10", order_id="5", amount_minor=3_001, currency="EUR", units=1),
        event("login", "ann bob", "02-20"),
    ),
)

FAMILY = Family(
    "Revenue",
    "What do customers pay, what does an order bring, and what is a customer worth?",
    SCENARIO,
    (
        Amount(
            "engagement_revenue",
            less(of(PURCHASED), of(RETURNED)),
            found_in=TRADED,
            labels={"window": ALL},
            help="Purchases in the window, less what was paid back for returns in it.",
            example=Example({"net": 3_499, "per_unit": 100}, 34.99, {"currency": "EUR", "window": "7d"}),
            panel=Panel("Revenue"),
            card=Card(
                "What they buy",
                "Revenue",
                SPOKEN["30d"],
                (Figure(labels={"window": "30d"}),),
                always=False,
            ),
        ),
        Count(
            "engagement_orders",
            ORDERS,
            unit="orders",
            windows=ALL,
            help="Orders whose first purchase lies in the window; the line items of an order are one.",
            example=Example({"number": 2}, 2, {"window": "7d"}),
        ),
        Amount(
            "engagement_order_value_mean",
            of(PURCHASED),
            over=of(ORDERS_BY_CURRENCY),
            found_in=TRADED,
            labels={"window": ALL},
            help="Mean amount of an order: purchases in the window ÷ orders whose first purchase in the currency "
            "lies in it.",
            example=Example(
                {"purchased": 15_999, "orders": 2, "per_unit": 100},
                15_999 / 200,
                {"currency": "EUR", "window": "30d"},
            ),
            panel=Panel("Mean value of an order"),
            card=Card(
                "What they buy",
                "Value of an order",
                SPOKEN["30d"],
                (Figure(labels={"window": "30d"}, counted="orders"),),
                always=False,
                order=1,
            ),
        ),
        Amount(
            "engagement_customer_value",
            less(standing(PURCHASED), standing(RETURNED)),
            over=standing(BUYERS_EVER),
            found_in=TRADED,
            help="Net revenue ever ÷ customers who ever bought in the currency.",
            example=Example({"net": 17_000, "buyers": 3, "per_unit": 100}, 17_000 / 300, {"currency": "EUR"}),
            panel=Panel("Value of a customer so far"),
        ),
        Metric(
            name="engagement_predicted_value",
            help="What a buyer is worth by the textbook (CLV): mean net revenue of a buyer in 30 days ÷ churn ratio, "
            "over at most 36 months. It assumes that every buyer goes on to pay as much, that all customers leave at "
            "the churn of the last 30 complete days, buyers or not, and that money keeps its worth.",
            unit=MONEY,
            rows=currencies(*TRADED),
            row_labels=("currency",),
            reads=PREDICTED,
            formula=predicted_value,
            example=Example(
                {"net": 13_499, "buyers": 2, "per_unit": 100, "now": 2, "before": 3, "either": 3},
                13_499 / 200 * 3,
                {"currency": "EUR"},
            ),
            panel=Panel("Predicted value of a customer"),
            sample_size="buyers",
            series=(PURCHASED, RETURNED, BUYERS),
        ),
    ),
    series=(PURCHASED, RETURNED, BUYERS_EVER, ORDERS_BY_CURRENCY),
)
