"""Contributions: posts, comments, reviews and media, and who makes them."""

from __future__ import annotations

from stream.indicators.declare import SPOKEN, Card, Example, Family, Figure
from stream.indicators.families.activity import ACTIVE
from stream.indicators.forms import ALL, Count, Mean, Ratio
from stream.indicators.measures import distinct, total
from stream.indicators.scenario import Scenario, event

CONTRIBUTIONS = total("contributions", of="contribution", by="kind")
CONTRIBUTORS = distinct("contributors", of="contribution")
RATED = total("rated_reviews", of="contribution", where={"kind": "review"}, given="rating")
STARS = total("review_stars", of="contribution", where={"kind": "review"}, amount="rating")

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann reviews twice and is one contributor. bob's review has no rating, and the rating of cyd's post is none of a "
    "review. dan's comment is exactly 24 hours old: just too long for 24h. eve is active, and contributes nothing.",
    (
        event("contribution", "ann", "03-31 09:00", kind="review", rating=5),
        event("contribution", "ann", "03-31 10:00", kind="review", rating=2),
        event("contribution", "bob", "03-31 11:00", kind="review"),
        event("contribution", "cyd", "03-31 11:30", kind="post", rating=1),
        event("contribution", "dan", "03-30 12:00", kind="comment"),
        event("login", "eve", "03-31 08:00"),
    ),
)

FAMILY = Family(
    "Community",
    "What do customers contribute, how many of them do, and how do they rate?",
    SCENARIO,
    (
        Count(
            "engagement_contributions",
            CONTRIBUTIONS,
            windows=ALL,
            help="Contributions of the kind in the window: post, comment, review, media.",
            example=Example({"number": 3}, 3, {"kind": "review", "window": "24h"}),
        ),
        Ratio(
            "engagement_contributor_ratio",
            CONTRIBUTORS,
            over=ACTIVE,
            windows=ALL,
            help="Customers who contributed in the window, as a share of those active in it.",
            example=Example({"contributors": 3, "active": 4}, 0.75, {"window": "24h"}),
            card=Card(
                "What they do",
                "Contributors",
                SPOKEN["30d"],
                (Figure(labels={"window": "30d"}, counted="active customers"),),
                order=5,
            ),
        ),
        Mean(
            "engagement_review_rating_mean",
            STARS,
            over=RATED,
            unit="mean",
            windows=ALL,
            help="Mean rating, from 1 to 5, of the reviews in the window that have one.",
            example=Example({"stars": 7, "reviews": 2}, 3.5, {"window": "24h"}),
        ),
    ),
)
