"""Loyalty: who is a member, in which tier, who of them comes, and what becomes of their points.

A member is whose last loyalty action is not `leave`; of several in one millisecond the last by name counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.core.event_columns import NONE, Customers
from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys, keys_of
from stream.core.ragged import Ints, places
from stream.core.series import Kind, Series
from stream.core.time import AHEAD, MINUTE_MS
from stream.indicators.declare import SPOKEN, Card, Example, Family, Figure
from stream.indicators.families.activity import ACTIVE_BY_CHANNEL
from stream.indicators.forms import ALL, Count, Ratio
from stream.indicators.measures import total
from stream.indicators.memories import Memories
from stream.indicators.reads import of, standing_under
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.loyalty import TIERS

LEAVE = "leave"

MEMBERS = Series("loyalty_members", Kind.STOCK, "minute", ("tier",))
"""From a member's last loyalty action on, as by a clock that may be ahead."""
SEEN = Series("loyalty_members_seen", Kind.CENSUS, "minute", to_the_minute=True)
"""Members where they were last active."""
POINTS = total("loyalty_points", of="loyalty_action", by="action", where={"action": "earn redeem"}, amount="points")


def change(increments: Increments, customers: Customers, old: Memories, new: Memories) -> None:
    """contribution(new) − contribution(old)."""
    for memories, count in ((old, -1), (new, 1)):
        rows = np.flatnonzero(_are_members(customers.key_ids, memories.loyalty_action.numbers))
        if not len(rows):
            continue
        since = memories.loyalty_action.ms[rows] // MINUTE_MS - AHEAD
        increments.add(_numbers(customers, memories.loyalty_tier.numbers[rows], rows), since, count)
        seen = memories.latest.newest(customers, ACTIVE_BY_CHANNEL)[rows]
        increments.add(customers.numbers(SEEN)[rows], seen, count)


def _are_members(key_ids: FoldKeys, last: Ints) -> NDArray[np.bool_]:
    """By the numbers of the last actions' keys, −1 where there was none."""
    members = last >= 0
    keys, where = places(last[members])
    stay = np.array([key_ids[key][-1] != LEAVE for key in keys.tolist()], np.bool_)
    members[members] = stay[where]
    return members


def _numbers(customers: Customers, tiers: Ints, rows: Ints) -> Ints:
    """For each of the rows the number of its key of MEMBERS, by that of its tier."""
    numbers = customers.numbers(MEMBERS, NONE)[rows]
    named = tiers >= 0
    numbers[named] = customers.key_ids.like(tiers[named], keys_of(MEMBERS))
    return numbers


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann's leaving is told late, after she came back: she is a member, in the tier that was named last. bob is one, "
    "in no tier, for he redeems points. cyd left. dan is a member, but was last seen exactly 30 days ago.",
    (
        event("loyalty_action", "ann", "03-20", action="join", tier="silver"),
        event("loyalty_action", "ann", "03-31 09:00", action="earn", points=300, tier="gold"),
        event("loyalty_action", "ann", "03-25", action="leave"),
        event("loyalty_action", "bob", "03-31 10:00", action="redeem", points=100),
        event("loyalty_action", "cyd", "03-29", action="join", tier="gold"),
        event("loyalty_action", "cyd", "03-30 13:00", action="earn", points=100),
        event("loyalty_action", "cyd", "03-31 11:00", action="leave"),
        event("loyalty_action", "dan", "03-01 12:00", action="join", tier="gold"),
    ),
)

FAMILY = Family(
    "Loyalty",
    "Who is a member, do members come, and what do they do with their points?",
    SCENARIO,
    (
        Count(
            "engagement_loyalty_members",
            MEMBERS,
            labels={"tier": standing_under("tier", MEMBERS, TIERS)},
            help="Members by the tier that was named last (none: never): customers whose last loyalty action is not "
            "to leave.",
            example=Example({"number": 2}, 2, {"tier": "gold"}),
        ),
        Ratio(
            "engagement_loyalty_active_ratio",
            of(SEEN, "30d"),
            over=MEMBERS,
            by="",
            help="Members active in the last 30 days, as a share of all members.",
            example=Example({"active": 2, "members": 3}, 2 / 3),
            card=Card(
                "What they do",
                "Active members",
                SPOKEN["30d"],
                (Figure(counted="members"),),
                always=False,
                order=6,
            ),
        ),
        Count(
            "engagement_loyalty_points",
            POINTS,
            unit="points",
            windows=ALL,
            help="Points that members earned, and points that they redeemed, in the window.",
            example=Example({"number": 400}, 400, {"action": "earn", "window": "24h"}),
        ),
        Ratio(
            "engagement_loyalty_redemption_ratio",
            of(POINTS, action=("redeem",)),
            over=of(POINTS, action=("earn",)),
            by="",
            windows=ALL,
            help="Points redeemed in the window per point earned in it: no share, for they may be earned before.",
            example=Example({"redeemed": 100, "earned": 400}, 0.25, {"window": "24h"}),
        ),
    ),
    series=(TIERS,),
)
