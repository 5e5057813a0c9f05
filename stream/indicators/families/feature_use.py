"""Feature use: each feature's uses and users."""

from __future__ import annotations

from stream.indicators.declare import SPOKEN, Card, Example, Family, Figure
from stream.indicators.families.activity import ACTIVE
from stream.indicators.forms import ALL, Count, Ratio
from stream.indicators.measures import distinct, total
from stream.indicators.scenario import Scenario, event

USES = total("feature_uses", of="feature_use", by="feature")
USERS = distinct("feature_users", of="feature_use", by="feature")

SCENARIO = Scenario(
    "2026-03-31 12:30",
    "ann is one customer, however often ann searches. bob last searched at noon a week ago: T is half past, "
    "but 7 days begin on the hour, just too late for bob, and in time for cyd's search and eve's login of a minute "
    "and a quarter later. dan only logged in.",
    (
        event("feature_use", "ann", "03-30 09:00", "03-31 09:00", "03-31 12:30", feature="search"),
        event("feature_use", "ann", "03-31 10:00", feature="export", duration_ms=90_000),
        event("feature_use", "bob", "03-24 12:00", feature="search"),
        event("feature_use", "cyd", "03-24 12:01", feature="search"),
        event("login", "dan", "03-31 12:00"),
        event("login", "eve", "03-24 12:15"),
    ),
)

FAMILY = Family(
    "Feature use",
    "Which features do customers use, and how many of them?",
    SCENARIO,
    (
        Count(
            "engagement_feature_customers",
            USERS,
            found_in=(USES,),
            windows=ALL,
            help="Customers who last used the feature in the window.",
            example=Example({"number": 2}, 2, {"feature": "search", "window": "7d"}),
        ),
        Count(
            "engagement_feature_uses",
            USES,
            windows=ALL,
            help="Uses of the feature in the window.",
            example=Example({"number": 2}, 2, {"feature": "search", "window": "24h"}),
        ),
        Ratio(
            "engagement_feature_adoption_ratio",
            USERS,
            over=ACTIVE,
            found_in=(USES,),
            windows=ALL,
            help="Customers who used the feature in the window, as a share of those active in it.",
            example=Example({"users": 2, "active": 4}, 0.5, {"feature": "search", "window": "7d"}),
            card=Card(
                "What they do",
                "Feature adoption",
                SPOKEN["30d"],
                (Figure(labels={"window": "30d"}, counted="active customers"),),
                always=False,
                order=4,
            ),
        ),
    ),
)
