"""Content: what customers did with what they were shown."""

from __future__ import annotations

from stream.indicators.declare import Example, Family, Panel
from stream.indicators.forms import ALL, Count, Ratio
from stream.indicators.measures import distinct, total
from stream.indicators.scenario import Scenario, event

CONTENT_IMPRESSIONS = total("content_impressions", of="impression", by="content")
INTERACTIONS = total("interactions", of="interaction", by="content action")
REACHED = distinct("reached", of="impression interaction click", by="content")
ACTED = distinct("acted", of="interaction", by="content action")

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann, bob and cyd were shown the film; dan played it without, and so was exposed too. fay liked it exactly 24 "
    "hours ago: just too long for 24h. What eve did was to another content.",
    (
        event("impression", "ann bob cyd", "03-31 10:00", content="film"),
        event("interaction", "ann", "03-31 10:01", "03-31 10:30", "03-31 11:00", content="film", action="play"),
        event("interaction", "dan", "03-31 09:00", "03-31 11:00", content="film", action="play"),
        event("interaction", "ann bob", "03-31 11:15", content="film", action="like"),
        event("interaction", "fay", "03-30 12:00", content="film", action="like"),
        event("interaction", "eve", "03-31 11:30", content="song", action="like"),
    ),
)

FAMILY = Family(
    "Content",
    "Of those who saw a piece of content, how many liked, shared, played, …?",
    SCENARIO,
    (
        Ratio(
            "engagement_action_ratio",
            {"events": INTERACTIONS, "customers": ACTED, "per_exposed": INTERACTIONS},
            over={"events": CONTENT_IMPRESSIONS, "customers": REACHED, "per_exposed": REACHED},
            windows=ALL,
            help="Actions on the content: as a share of its impressions (basis events), distinct actors as a share "
            "of the customers exposed to it (basis customers), or actions per customer exposed (per_exposed, may "
            "exceed 1).",
            example=Example(
                {"actions": 5, "exposed": 4},
                1.25,
                {"content": "film", "action": "play", "window": "24h", "basis": "per_exposed"},
            ),
            panel=Panel("Actions on content"),
        ),
        Count(
            "engagement_interactions",
            INTERACTIONS,
            windows=ALL,
            help="Actions on the content in the window.",
            example=Example({"number": 2}, 2, {"content": "film", "action": "like", "window": "24h"}),
            panel=Panel("Interactions with content"),
        ),
    ),
)
