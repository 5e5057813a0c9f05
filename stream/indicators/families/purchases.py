"""Purchases: who buys again, and what is sent back."""

from __future__ import annotations

from collections.abc import Mapping

from stream.core.series import Series
from stream.indicators.declare import (
    Alert,
    Card,
    Example,
    Family,
    Figure,
    Metric,
    MinSample,
    Panel,
    Reasons,
    count,
    ratio,
)
from stream.indicators.forms import ALL, Ratio
from stream.indicators.measures import total
from stream.indicators.reads import Labels, Read, View, stood
from stream.indicators.scenario import Scenario, event
from stream.indicators.state import orders
from stream.indicators.state.orders import BUYERS, PERIODS, REPEAT_BUYERS

SOLD = total("units_sold", of="purchase", amount="units")
SENT_BACK = total("units_returned", of="product_return", amount="units")

_DAYS = {"days": tuple(map(str, PERIODS))}


def _in_period(by_days: Mapping[int, Series]) -> Read:
    """What stood on the last complete day, of the period that the label `days` names."""

    def read(view: View, labels: Labels) -> int:
        number: int = stood(by_days[int(labels["days"])])(view, {})
        return number

    return read


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann bought twice in March, the later order of both line items is one. bob's second order is of today, which is "
    "not complete, and his first on the first of the last 30 days. cyd's first order was a day before those: within "
    "90 days cyd bought again. dan sent back a part of what he bought in January.",
    (
        event("purchase", "ann", "03-05", order_id="1", amount_minor=999, currency="EUR", units=1),
        event("purchase", "ann", "03-20", "03-22", order_id="2", amount_minor=999, currency="EUR", units=1),
        event("purchase", "bob", "03-01 00:00", order_id="1", amount_minor=999, currency="EUR", units=3),
        event("purchase", "bob", "03-31 00:00", order_id="2", amount_minor=999, currency="EUR", units=2),
        event("purchase", "cyd", "02-28 23:59", "03-29", order_id="1", amount_minor=999, currency="EUR", units=1),
        event("purchase", "cyd", "03-30", order_id="2", amount_minor=999, currency="EUR", units=1),
        event("purchase", "dan", "01-20", order_id="1", amount_minor=999, currency="EUR", units=5),
        event("product_return", "dan", "03-31 09:00", order_id="1", units=4),
    ),
)

FAMILY = Family(
    "Purchases",
    "Who buys again, and how much is sent back?",
    SCENARIO,
    (
        Metric(
            name="engagement_repeat_purchase_ratio",
            help="Of the customers with an order on one of the last 30, 90 or 365 complete days, the share with two "
            "or more orders on them; an order is of the day of its first purchase.",
            unit="ratio",
            labels=_DAYS,
            reads={"repeat": _in_period(REPEAT_BUYERS), "buyers": _in_period(BUYERS)},
            formula=lambda repeat, buyers: ratio(repeat, buyers),
            example=Example({"repeat": 1, "buyers": 3}, 1 / 3, {"days": "30"}),
            panel=Panel("Customers who bought again"),
            sample_size="buyers",
            card=Card(
                "What they buy",
                "Bought again",
                "last 90 complete days",
                (Figure(labels={"days": "90"}, counted="buyers"),),
                order=2,
            ),
            alerts=(
                Alert(
                    name="EngagementRepeatPurchaseFalling",
                    summary="Fewer buyers buy again than a week ago",
                    condition="falls_by",
                    threshold=0.1,
                    # Of 200 buyers of 90 days a week exchanges some 16: by chance alone a share of 30 % has a
                    # standard deviation of 4 % of itself.
                    min_sample=MinSample("engagement_buyers_customers", 200, {"days": "90"}),
                    reasons=Reasons(
                        "Negative answers speak of",
                        "engagement_feedback",
                        by="theme",
                        labels={"sentiment": "negative", "window": "30d"},
                    ),
                    for_="1h",
                    labels={"days": "90"},
                ),
            ),
            rolling=False,
        ),
        Metric(
            name="engagement_buyers_customers",
            help="Customers with an order on one of the last 30, 90 or 365 complete days.",
            unit="customers",
            labels=_DAYS,
            reads={"number": _in_period(BUYERS)},
            formula=count,
            example=Example({"number": 4}, 4, {"days": "90"}),
            panel=Panel("Customers who bought"),
            rolling=False,
        ),
        Ratio(
            "engagement_product_return_ratio",
            SENT_BACK,
            over=SOLD,
            windows=ALL,
            help="Units returned in the window ÷ units sold in it; more than 1 where earlier sales come back.",
            example=Example({"returned": 4, "sold": 2}, 2.0, {"window": "24h"}),
            panel=Panel("Product return rate"),
            alerts=(
                Alert(
                    name="EngagementReturnsRising",
                    summary="More of what is sold is sent back than a week ago",
                    condition="rises_by",
                    threshold=0.03,
                    # Of 300 orders of 30 days a week exchanges some 70: by chance alone a rate of 10 % has a standard
                    # deviation of 1.2 points.
                    min_sample=MinSample("engagement_orders", 300, {"window": "30d"}),
                    reasons=Reasons(
                        "Most tickets are about", "engagement_tickets", by="topic", labels={"window": "7d"}
                    ),
                    for_="2h",
                    labels={"window": "30d"},
                ),
            ),
        ),
    ),
    series=orders.SERIES,
)
