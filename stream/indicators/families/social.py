"""Social networks: what customers do there about the product, and how many people that reaches."""

from __future__ import annotations

from stream.indicators.declare import Example, Family
from stream.indicators.forms import ALL, Count, Ratio
from stream.indicators.measures import total
from stream.indicators.scenario import Scenario, event

ACTIONS = total(
    "social_actions",
    of="social_action",
    by="network action",
    undo={"action": {"unlike": "like", "unfollow": "follow"}},
)
REACH = total("social_reach", of="social_reach", by="network", amount="reach")

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann liked three posts and took one like back. bob's follow is exactly 24 hours old, just too old, but not his "
    "unfollow: there is a follower less. On instagram nothing was reached.",
    (
        event("social_action", "ann", "03-31 09:00", "03-31 09:10", "03-31 09:20", network="mastodon", action="like"),
        event("social_action", "ann", "03-31 09:30", network="mastodon", action="unlike"),
        event("social_action", "bob", "03-30 12:00", network="mastodon", action="follow"),
        event("social_action", "bob", "03-31 10:00", network="mastodon", action="unfollow"),
        event("social_action", "cyd", "03-31 11:00", network="mastodon", action="share", post="spring"),
        event("social_action", "cyd", "03-31 11:00", network="instagram", action="mention"),
        event("social_reach", "shop", "03-31 08:00", network="mastodon", reach=60),
        event("social_reach", "shop", "03-31 11:30", network="mastodon", reach=40, post="spring"),
    ),
)

FAMILY = Family(
    "Social networks",
    "What do customers do on social networks, and how much of it per person reached?",
    SCENARIO,
    (
        Count(
            "engagement_social_actions",
            ACTIONS,
            unit="actions",
            windows=ALL,
            help="Actions on the network in the window; unlike and unfollow are taken from like and follow, which "
            "may then be below 0.",
            example=Example({"number": 2}, 2, {"network": "mastodon", "action": "like", "window": "24h"}),
        ),
        Count(
            "engagement_social_reach",
            REACH,
            unit="people",
            windows=ALL,
            help="People reached on the network, as reported in the window; who is reached again counts again.",
            example=Example({"number": 100}, 100, {"network": "mastodon", "window": "24h"}),
        ),
        Ratio(
            "engagement_social_ratio",
            ACTIONS,
            over=REACH,
            by="network",
            found_in=(ACTIONS, REACH),
            windows=ALL,
            help="Actions on the network in the window per person reached: no share, for others act, too.",
            example=Example({"actions": 2, "reached": 100}, 0.02, {"network": "mastodon", "window": "24h"}),
        ),
    ),
)
