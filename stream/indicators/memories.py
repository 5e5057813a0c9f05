"""The memories of some customers, by name: what is remembered of each of them."""

from __future__ import annotations

from stream.core import record
from stream.core.latest import Latest
from stream.indicators.families.activity import Activity
from stream.indicators.state.answers import Answers
from stream.indicators.state.exposures import Exposures
from stream.indicators.state.journey import Journey
from stream.indicators.state.loyalty import LastLoyaltyAction, Tier
from stream.indicators.state.net_revenue import NetRevenue
from stream.indicators.state.orders import Orders
from stream.indicators.state.score_inputs import ScoreInputs
from stream.indicators.state.segments import Segment
from stream.indicators.state.subscription import Subscription
from stream.indicators.state.tickets import Tickets
from stream.indicators.state.visits import Visits


class Memories(record.Memories):
    """An attribute for each slot of the record."""

    activity: Activity
    latest: Latest
    answers: Answers
    visits: Visits
    segment: Segment
    subscription: Subscription
    tickets: Tickets
    exposures: Exposures
    orders: Orders
    revenue: NetRevenue
    loyalty_action: LastLoyaltyAction
    loyalty_tier: Tier
    journey: Journey
    score_inputs: ScoreInputs
