"""The catalogue: every family of indicators, what it remembers, what it adds to the series and what it shows."""

from __future__ import annotations

from functools import cache

from schemas import TYPES
from stream.core import latest
from stream.core.catalogue import Catalogue, totals, types_of
from stream.core.definitions import Definitions
from stream.core.record import Layout, Slot
from stream.indicators.families import (
    acquisition,
    activity,
    care,
    churn_risk,
    clicks,
    cohorts,
    community,
    complete_days,
    content,
    conversion,
    dimensions,
    feature_use,
    first_week,
    journey,
    loyalty,
    messages,
    purchases,
    retention,
    revenue,
    revenue_at_risk,
    score,
    social,
    subscriptions,
    surveys,
    visits,
)
from stream.indicators.labels import labels
from stream.indicators.memories import Memories
from stream.indicators.state import (
    answers,
    exposures,
    net_revenue,
    orders,
    score_inputs,
    segments,
    subscription,
    tickets,
)
from stream.indicators.state import journey as steps
from stream.indicators.state import loyalty as loyalty_state
from stream.indicators.state import visits as closed_visits

FAMILIES = (
    activity.FAMILY,
    complete_days.FAMILY,
    first_week.FAMILY,
    retention.FAMILY,
    cohorts.FAMILY,
    journey.FAMILY,
    clicks.FAMILY,
    content.FAMILY,
    messages.FAMILY,
    conversion.FAMILY,
    surveys.FAMILY,
    visits.FAMILY,
    feature_use.FAMILY,
    community.FAMILY,
    subscriptions.FAMILY,
    care.FAMILY,
    revenue.FAMILY,
    acquisition.FAMILY,
    purchases.FAMILY,
    social.FAMILY,
    loyalty.FAMILY,
    dimensions.FAMILY,
    score.FAMILY,
    churn_risk.FAMILY,
    revenue_at_risk.FAMILY,
)
"""In the order in which they are shown."""

SERIES = tuple(dict.fromkeys(series for family in FAMILIES for series in family.all_series))
METRICS = tuple(metric for family in FAMILIES for metric in family.metrics)
ALERTS = {alert.name: alert for metric in METRICS for alert in metric.alerts}


@cache
def catalogue(definitions: Definitions) -> Catalogue:
    """The series and labels that the fold goes by."""
    return Catalogue(TYPES, SERIES, labels(SERIES, definitions))


RECORD = Layout(
    Memories,
    (
        Slot(
            0,
            "activity",
            activity.Activity,
            activity.ACTIVE_TYPES,
            (complete_days.change, first_week.change, retention.change, acquisition.change, cohorts.change),
        ),
        Slot(
            1,
            "latest",
            latest.Latest,
            types_of(SERIES),
            (latest.change, latest.change_of_totals(totals(SERIES)), dimensions.change_of_channels),
        ),
        Slot(2, "answers", answers.Answers, answers.RESPONSES.of, (answers.change,)),
        Slot(3, "visits", closed_visits.Visits, closed_visits.TYPES, (closed_visits.change,)),
        Slot(5, "segment", segments.Segment, segments.IDENTIFIED.of),
        Slot(6, "orders", orders.Orders, net_revenue.PURCHASED.of, (orders.change,)),
        Slot(7, "revenue", net_revenue.NetRevenue, net_revenue.TYPES, (net_revenue.change,)),
        Slot(8, "subscription", subscription.Subscription, subscription.TYPES, (subscription.change,)),
        Slot(9, "tickets", tickets.Tickets, tickets.TYPES, (tickets.change,)),
        Slot(10, "exposures", exposures.Exposures, exposures.TYPES, (exposures.change,)),
        Slot(12, "loyalty_action", loyalty_state.LastLoyaltyAction, loyalty_state.ACTIONS.of),
        Slot(13, "loyalty_tier", loyalty_state.Tier, loyalty_state.TIERS.of),
        Slot(14, "journey", steps.Journey, steps.types),
        Slot(15, "score_inputs", score_inputs.ScoreInputs, score_inputs.TYPES),
    ),
)
"""What a record remembers. A new slot takes an id that none ever had; those most customers need are below 4.

What depends on several slots, loyalty, the churn risk and the revenue at it, is added by `contribution.py`."""
