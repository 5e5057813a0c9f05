"""Community: what customers contribute, what they say of the product to others, whom they bring, what they attend."""

from __future__ import annotations

from stream.indicators.declare import SPOKEN, Card, Example, Family, Figure
from stream.indicators.families.activity import ACTIVE
from stream.indicators.forms import ALL, Count, Mean, Ratio
from stream.indicators.measures import distinct, total, union
from stream.indicators.scenario import Scenario, event

CONTRIBUTIONS = total("contributions", of="contribution", by="kind")
CONTRIBUTORS = distinct("contributors", of="contribution")
RATED = total("rated_reviews", of="contribution", where={"kind": "review"}, given="rating")
STARS = total("review_stars", of="contribution", where={"kind": "review"}, amount="rating")
WORD_OF_MOUTH = union(
    "word_of_mouth",
    total("said_here", of="contribution", by="sentiment"),
    total("said_elsewhere", of="social_action", by="sentiment", where={"action": "mention share"}),
)
REFERRALS = total("referrals", of="referral")
REFERRERS = distinct("referrers", of="referral")
ATTENDANCES = total("attendances", of="attendance", by="event")
ATTENDED = distinct("attended", of="attendance", by="event", where={"status": "attended"})
EXPECTED = distinct("expected", of="attendance", by="event")

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann reviews twice and is one contributor. bob's review has no rating, and the rating of cyd's post is none of a "
    "review. dan's comment is exactly 24 hours old: just too long for 24h. eve is active, and contributes nothing "
    "here, but shares, brings two friends, and comes to the webinar, as fay does without an invitation.",
    (
        event("contribution", "ann", "03-31 09:00", kind="review", rating=5, sentiment="positive"),
        event("contribution", "ann", "03-31 10:00", kind="review", rating=2),
        event("contribution", "bob", "03-31 11:00", kind="review"),
        event("contribution", "cyd", "03-31 11:30", kind="post", rating=1),
        event("contribution", "dan", "03-30 12:00", kind="comment"),
        event("login", "eve", "03-31 08:00"),
        event("social_action", "eve", "03-31 08:10", network="mastodon", action="share", sentiment="positive"),
        event("social_action", "eve", "03-31 08:20", network="mastodon", action="like", sentiment="positive"),
        event("referral", "eve", "03-31 08:30", "03-31 08:40"),
        event("attendance", "ann bob eve", "03-24 18:00", event="webinar", status="invited"),
        event("attendance", "eve fay", "03-30 18:00", event="webinar", status="attended"),
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
            example=Example({"contributors": 3, "active": 5}, 0.6, {"window": "24h"}),
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
        Count(
            "engagement_word_of_mouth",
            WORD_OF_MOUTH,
            windows=ALL,
            help="What customers told others in the window, by sentiment (none: not known): contributions, and "
            "mentions and shares on social networks.",
            example=Example({"number": 2}, 2, {"sentiment": "positive", "window": "24h"}),
        ),
        Count(
            "engagement_referrals",
            REFERRALS,
            windows=ALL,
            help="Referrals in the window.",
            example=Example({"number": 2}, 2, {"window": "24h"}),
        ),
        Count(
            "engagement_referrers",
            REFERRERS,
            windows=ALL,
            help="Customers who last referred somebody in the window.",
            example=Example({"number": 1}, 1, {"window": "24h"}),
        ),
        Ratio(
            "engagement_referral_ratio",
            REFERRERS,
            over=ACTIVE,
            windows=ALL,
            help="Customers who referred somebody in the window, as a share of those active in it.",
            example=Example({"referrers": 1, "active": 5}, 0.2, {"window": "24h"}),
        ),
        Ratio(
            "engagement_attendance_ratio",
            ATTENDED,
            over=EXPECTED,
            found_in=(ATTENDANCES,),
            windows=ALL,
            help="Customers who attended the event in the window, as a share of those invited to it or attending it.",
            example=Example({"attended": 2, "expected": 4}, 0.5, {"event": "webinar", "window": "30d"}),
        ),
    ),
)
