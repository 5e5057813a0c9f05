"""Click-through: impressions and clicks, by campaign and by channel."""

from __future__ import annotations

from stream.indicators.declare import SPOKEN, Breakdown, Card, Example, Family, Figure, Panel
from stream.indicators.forms import ALL, Count, Ratio
from stream.indicators.measures import distinct, total
from stream.indicators.reads import found
from stream.indicators.scenario import Scenario, event

IMPRESSIONS = total("impressions", of="impression", by="campaign", splits=("channel",))
CLICKS = total("clicks", of="click", by="campaign", splits=("channel",))
EXPOSED = distinct("exposed", of="impression click", splits=("channel", "campaign"))
CLICKED = distinct("clicked", of="click", splits=("channel", "campaign"))

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann is one customer, however often ann clicks. dan clicks without having been shown anything, and so was "
    "exposed. bob's impression on the web is exactly 24 hours old: just too long for 24h. What eve clicked belongs "
    "to no campaign.",
    (
        event("impression", "ann", "03-31 10:00", "03-31 11:00", campaign="spring"),
        event("click", "ann", "03-31 11:01", "03-31 11:02", campaign="spring"),
        event("impression", "bob", "03-30 12:00", campaign="spring"),
        event("impression", "bob", "03-31 09:00", campaign="spring", channel="ios"),
        event("impression", "cyd", "03-31 09:30", campaign="autumn"),
        event("click", "dan", "03-31 08:00", campaign="spring", channel="ios"),
        event("click", "eve", "03-29 12:00"),
    ),
)

FAMILY = Family(
    "Click-through",
    "Of what was shown, how much was clicked, and by how many of those who saw it?",
    SCENARIO,
    (
        Ratio(
            "engagement_clickthrough_ratio",
            {"events": CLICKS, "customers": CLICKED},
            over={"events": IMPRESSIONS, "customers": EXPOSED},
            by="",
            windows=ALL,
            help="Clicks as a share of impressions (basis events), or distinct customers who clicked as a share of "
            "those exposed, by an impression or a click (basis customers).",
            example=Example({"clicked": 2, "shown": 4}, 0.5, {"window": "24h", "basis": "customers"}),
            panel=Panel("Click-through", overview={"window": "7d", "basis": "events"}),
            card=Card(
                "What they do",
                window=SPOKEN["7d"],
                figures=(
                    Figure("clicks of impressions", {"window": "7d", "basis": "events"}, "impressions"),
                    Figure("customers who clicked", {"window": "7d", "basis": "customers"}, "customers exposed"),
                ),
            ),
            breakdowns=(
                Breakdown(
                    "channel",
                    found("channel", *IMPRESSIONS.splits, *CLICKS.splits),
                    Example(
                        {"clicked": 1, "shown": 2},
                        0.5,
                        {"channel": "ios", "window": "24h", "basis": "customers"},
                    ),
                    help="Click-through on the channel.",
                    title="Click-through by channel",
                ),
                Breakdown(
                    "campaign",
                    found("campaign", IMPRESSIONS, CLICKS),
                    Example(
                        {"clicked": 3, "shown": 4}, 0.75, {"campaign": "spring", "window": "7d", "basis": "events"}
                    ),
                    help="Click-through of the campaign; `none` is what belongs to no campaign.",
                    title="Click-through by campaign",
                ),
            ),
        ),
        Count(
            "engagement_impressions",
            IMPRESSIONS,
            found_in=(IMPRESSIONS, CLICKS),
            windows=ALL,
            help="Impressions of the campaign in the window.",
            example=Example({"number": 3}, 3, {"campaign": "spring", "window": "24h"}),
            panel=Panel("Impressions by campaign"),
        ),
        Count(
            "engagement_clicks",
            CLICKS,
            found_in=(IMPRESSIONS, CLICKS),
            windows=ALL,
            help="Clicks of the campaign in the window.",
            example=Example({"number": 1}, 1, {"campaign": "none", "window": "7d"}),
            panel=Panel("Clicks by campaign"),
        ),
    ),
    address="clicks",
)
