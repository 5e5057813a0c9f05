"""Dimensions: customers by the kinds of engagement that they show, and by how many channels they use."""

from __future__ import annotations

import numpy as np

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.latest import Latest
from stream.core.ragged import starts_of
from stream.core.series import Kind, Series
from stream.core.time import AHEAD, WINDOWS
from stream.indicators.declare import Example, Family, Panel
from stream.indicators.families.activity import ACTIVE_BY_CHANNEL
from stream.indicators.forms import ALL, Count
from stream.indicators.measures import distinct, union
from stream.indicators.scenario import Scenario, event

COGNITIVE = union(
    "cognitive",
    distinct("viewed", of="page_view"),
    distinct("played", of="interaction", where={"action": "play"}),
)
AFFECTIVE = distinct("affective", of="survey_response social_action interaction")
BEHAVIOURAL = union(
    "behavioural",
    distinct("did", of="purchase contribution referral loyalty_action"),
    distinct("attended_any", of="attendance", where={"status": "attended"}),
)

CHANNELS = ("1", "2", "3+")
BY_CHANNELS = Series("active_on_channels", Kind.STOCK, "minute", ("channels",))
"""Customers by on how many channels their last activity is of the last 30 days; silence moves them."""


def change_of_channels(
    increments: Increments, customers: Customers, old: Latest, new: Latest, _: Definitions
) -> None:
    """contribution(new) − contribution(old).

    Of a customer's channels, from the one with the latest activity on, the r-th counts from then on (as by a clock
    that may be ahead) until 30 days after its own: for so long the customer is on r channels or more.
    """
    numbers = np.stack([customers.numbers(BY_CHANNELS, name) for name in CHANNELS])
    for latest, count in ((old, -1), (new, 1)):
        of_channels = customers.key_ids.are_of(ACTIVE_BY_CHANNEL.name, latest.number)
        row, minute = latest.row[of_channels], latest.minute[of_channels]
        order = np.lexsort((-minute, row))
        row, minute = row[order], minute[order]
        first = starts_of(np.bincount(row, minlength=latest.size))[row]
        place, enters = np.arange(len(row)) - first, minute[first] - AHEAD
        leaves = minute + WINDOWS["30d"]
        counted = (place < len(CHANNELS)) & (leaves > enters)
        for which, steps, sign in ((counted, 0, count), (counted & (place > 0), 1, -count)):
            of_class = numbers[place[which] - steps, row[which]]
            increments.add(of_class, enters[which], sign)
            increments.add(of_class, leaves[which], -sign)


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann reads, rates and brings a friend, on three channels. bob only plays films, on two: what he did on a third "
    "is exactly 30 days old. cyd was invited to the fair, and dan was there. eve likes what she sees.",
    (
        event("page_view", "ann", "03-31 09:00", page="/"),
        event(
            "survey_response",
            "ann",
            "03-31 09:10",
            channel="email",
            survey="nps",
            survey_id="a",
            scale="0-10",
            score=9,
        ),
        event("referral", "ann", "03-31 09:20", channel="ios"),
        event("interaction", "bob", "03-01 12:00", channel="ios", content="film", action="play"),
        event("interaction", "bob", "03-01 12:01", "03-31 10:00", content="film", action="play"),
        event("interaction", "bob", "03-20", channel="tv", content="film", action="play"),
        event("attendance", "cyd dan", "03-30", event="fair", status="invited"),
        event("attendance", "dan", "03-31 08:00", channel="fair", event="fair", status="attended"),
        event("interaction", "eve", "03-31 11:00", content="film", action="like"),
    ),
)

FAMILY = Family(
    "Dimensions",
    "Do customers look, feel and act, and on how many channels?",
    SCENARIO,
    (
        Count(
            "engagement_dimension_customers",
            {"cognitive": COGNITIVE, "affective": AFFECTIVE, "behavioural": BEHAVIOURAL},
            basis="dimension",
            windows=ALL,
            help="Customers who engaged in the dimension in the window: cognitive, by page views and playing "
            "content; affective, by survey answers, social actions and interactions; behavioural, by purchases, "
            "contributions, referrals, loyalty actions and attending.",
            example=Example({"number": 3}, 3, {"window": "24h", "dimension": "affective"}),
        ),
        Count(
            "engagement_channels_customers",
            BY_CHANNELS,
            labels={"channels": CHANNELS},
            help="Customers active in the last 30 days, by on how many channels.",
            example=Example({"number": 1}, 1, {"channels": "2"}),
            panel=Panel("Customers by number of channels", bars="channels"),
        ),
    ),
)
