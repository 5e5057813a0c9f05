"""Revenue at risk: what the customers at each level of churn risk have paid, as it is and as it will be in silence.

It moves as the risk does (see `churn_risk.py`): a customer's net revenue stands at the level that its trajectory has
at each time, also of the future.
"""

from __future__ import annotations

import numpy as np

from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys
from stream.core.ragged import Ints, spans
from stream.core.series import Key, Kind, Series
from stream.core.time import HOUR
from stream.indicators.churn.levels import LEVELS
from stream.indicators.churn.trajectory import AFTER_ALL, intervals
from stream.indicators.declare import (
    Alert,
    Card,
    Example,
    Family,
    Figure,
    Metric,
    MinSample,
    Panel,
    ratio,
)
from stream.indicators.families.churn_risk import WHY_AT_HIGH_RISK, Profiles
from stream.indicators.money import Amount, currencies
from stream.indicators.reads import Labels, View, standing
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.net_revenue import TRADED, NetRevenue

REVENUE_AT_RISK = Series("revenue_at_risk", Kind.STOCK, "minute", ("level", "currency"))
"""Net revenue ever, in minor units, of the customers at the level of churn risk."""
SERIES = (REVENUE_AT_RISK,)


def change(
    increments: Increments,
    customers: Customers,
    before: Profiles,
    now: Profiles,
    old: NetRevenue,
    new: NetRevenue,
) -> None:
    """contribution(now, new) − contribution(before, old), of those who have ever paid."""
    if not len(new.row):
        return
    pays = np.zeros(len(customers), np.bool_)
    pays[new.row] = True
    was, is_ = (np.flatnonzero(pays[some.row]) for some in (before, now))
    at = np.searchsorted(now.row, before.row[was])
    same = ~before.inputs.those(was).differs(now.inputs.those(at))
    if new is not old:
        same &= ~np.isin(before.row[was], new.touched)
    _count(increments, customers.key_ids, before, was[~same], old, -1)
    _count(increments, customers.key_ids, now, is_[~np.isin(is_, at[same])], new, 1)


def _count(
    increments: Increments, key_ids: FoldKeys, some: Profiles, which: Ints, revenue: NetRevenue, step: int
) -> None:
    """Each of the customers' amounts, in each interval of its risk."""
    if not len(which):
        return
    found = intervals(some.inputs.those(which), some.trajectory.of(which, len(some.row)))
    row = some.row[which][found.row]
    first, end = (np.searchsorted(revenue.row, row, side) for side in ("left", "right"))
    amount = spans(first, end - first)
    interval = np.repeat(np.arange(len(row)), end - first)
    numbers = _numbers(key_ids, revenue.currency[amount], found.level[interval])
    net = step * revenue.net[amount]
    increments.add(numbers, found.start[interval] * HOUR, net)
    ends = found.end[interval] < AFTER_ALL
    increments.add(numbers[ends], found.end[interval][ends] * HOUR, -net[ends])


def _numbers(key_ids: FoldKeys, currency: Ints, level: Ints) -> Ints:
    """Keys of REVENUE_AT_RISK for keys of PURCHASED and levels."""

    def key(purchased: Key, level: int) -> Key:
        _, product, name = purchased
        return REVENUE_AT_RISK.key(product, LEVELS[level], name)

    return key_ids.like(currency, key, level)


def _whole(view: View, labels: Labels) -> int:
    """Of all levels; of what is less than nothing at one of them there are no shares."""
    nets = [standing(REVENUE_AT_RISK)(view, {**labels, "level": level}) for level in LEVELS]
    return sum(nets) if min(nets) >= 0 else 0


_LEVELS = {"level": LEVELS}

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann comes daily and has paid 80 euros, net of a return. bob came as often, has been silent for 20 days and paid "
    "50 in two orders; cyd, silent for 50, paid 70 and, on a journey, 30 dollars. dan paid 20, was last here 89 days "
    "ago, and counts for a day yet.",
    (
        event("login", "ann", *(f"03-{day:02}" for day in range(1, 31))),
        event("purchase", "ann", "03-05", order_id="1", amount_minor=10_000, currency="EUR", units=1),
        event("product_return", "ann", "03-12", order_id="1", amount_minor=2_000, currency="EUR", units=1),
        event("login", "bob", *(f"03-{day:02}" for day in range(1, 12))),
        event("purchase", "bob", "03-05", order_id="1", amount_minor=2_000, currency="EUR", units=1),
        event("purchase", "bob", "03-09", order_id="2", amount_minor=3_000, currency="EUR", units=1),
        event("login", "cyd", *(f"02-{day:02}" for day in range(1, 10))),
        event("purchase", "cyd", "02-05", order_id="1", amount_minor=7_000, currency="EUR", units=1),
        event("purchase", "cyd", "02-07", order_id="2", amount_minor=3_000, currency="USD", units=1),
        event("purchase", "dan", "01-01", order_id="1", amount_minor=2_000, currency="EUR", units=1),
    ),
)

FAMILY = Family(
    "Revenue at risk",
    "What have those paid who are about to leave?",
    SCENARIO,
    (
        Amount(
            "engagement_revenue_at_risk",
            standing(REVENUE_AT_RISK),
            found_in=TRADED,
            labels=_LEVELS,
            help="Net revenue ever of the customers at the level of churn risk: what their silence costs, if it "
            "lasts. What silence changes shows on the full hour.",
            example=Example({"net": 9_000, "per_unit": 100}, 90.0, {"currency": "EUR", "level": "high"}),
            panel=Panel("Revenue by churn risk", overview={"level": "high"}),
            card=Card(
                "Who is about to leave",
                "Paid by those at high risk",
                "now, of all that they ever paid",
                (Figure(labels={"level": "high"}),),
                always=False,
            ),
            alerts=(
                Alert(
                    name="EngagementRevenueAtRisk",
                    summary="Customers who are about to leave have paid more than the target allows",
                    condition="above_target",
                    threshold=0.0,
                    min_sample=MinSample("engagement_risk_customers", 30, {"level": "high"}),
                    reasons=WHY_AT_HIGH_RISK,
                    for_="2h",
                    labels={"level": "high"},
                ),
            ),
        ),
        Metric(
            name="engagement_revenue_at_risk_ratio",
            help="Net revenue ever of the customers at the level of churn risk, as a share of that of all who have a "
            "level; absent while at one level more was paid back than paid.",
            unit="ratio",
            rows=currencies(*TRADED),
            row_labels=("currency",),
            labels=_LEVELS,
            reads={"net": standing(REVENUE_AT_RISK), "whole": _whole},
            formula=lambda net, whole: ratio(net, whole),
            example=Example({"net": 9_000, "whole": 22_000}, 9 / 22, {"currency": "EUR", "level": "high"}),
            panel=Panel("Share of revenue by churn risk"),
            sample_size="whole",
        ),
    ),
    series=SERIES,
)
