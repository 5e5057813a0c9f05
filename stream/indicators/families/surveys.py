"""Surveys: scores of last answers, and counts of all.

Per customer, survey, survey_id and scale the last answer counts: later timestamp, then greater event_id; earlier
ones are taken back. Its score stands in the windows that hold it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

from stream.indicators.declare import (
    SPOKEN,
    Alert,
    Card,
    Example,
    Family,
    Figure,
    MinSample,
    Panel,
    Reasons,
)
from stream.indicators.forms import ALL, Count, Derived, Mean, Ratio, Sampled, by_segment
from stream.indicators.reads import Labels, Read, Rows, View, found_together, of
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.answers import (
    ANSWERED,
    ANSWERS,
    ASKED,
    DERIVED,
    FEEDBACK,
    GIVEN,
    REQUESTS,
    RESPONSES,
    of_one_survey,
)


def scoring(survey: str, scores: Iterable[int] | None = None) -> Read:
    """Customers whose last answer to the survey is in the window, with one of the scores (None: any)."""
    read = of(ANSWERS) if scores is None else of(ANSWERS, score=tuple(map(str, scores)))
    return lambda view, labels: read(view, {**labels, "survey": survey})


_SCORED = ("survey_id", "scale")


def _comparable(rows: Rows) -> Rows:
    """Those of one survey each."""
    return lambda view: [row for row in rows(view) if of_one_survey(view.product, row["survey_id"])]


def _answered(survey: str, *scales: str) -> Sampled:
    """By the (survey_id, scale) ever answered in the survey; only these scales, if any are named."""
    rows = _comparable(found_together(RESPONSES, *_SCORED, where={"survey": survey}))
    return {
        "by": " ".join(_SCORED),
        "rows": lambda view: [row for row in rows(view) if not scales or row["scale"] in scales],
        "windows": ALL,
    }


_CLASSES = {"promoter": range(9, 11), "passive": range(7, 9), "detractor": range(7)}
"""Scores of the net promoter score, on both scales."""


def _of_class(view: View, labels: Labels) -> Any:
    return scoring("nps", _CLASSES[labels["class"]])(view, labels)


def _satisfied(view: View, labels: Labels) -> Any:
    lowest = 4 if labels["scale"] == "1-5" else view.definitions.csat_7_from
    return scoring("csat", range(lowest, 8))(view, labels)


def _easy(view: View, labels: Labels) -> Any:
    return scoring("ces", (4, 5) if labels["scale"] == "1-5" else (5, 6, 7))(view, labels)


def _score_total(view: View, labels: Labels) -> Any:
    return sum(score * scoring("ces", (score,))(view, labels) for score in range(1, 11))


def nps_score(promoters: int, detractors: int, customers: int) -> float | None:
    """%promoters − %detractors, −100 … 100 (Reichheld, 2003)."""
    return 100 * (promoters - detractors) / customers if customers else None


def nps_margin(promoters: int, detractors: int, customers: int) -> float | None:
    """Half the 95 % interval of the score: 1.96·100·√(p + d − (p − d)²)/√n."""
    if not customers:
        return None
    p, d = promoters / customers, detractors / customers
    return 196 * sqrt(max(0.0, p + d - (p - d) ** 2)) / sqrt(customers)


_NPS = {
    "promoters": scoring("nps", _CLASSES["promoter"]),
    "detractors": scoring("nps", _CLASSES["detractor"]),
    "customers": scoring("nps"),
}
_SURVEY = ("survey", "survey_id")


def _card(title: str, order: int, margin: str = "", always: bool = True) -> Card:
    figures = (Figure(labels={"window": "30d"}, counted="customers answered"),)
    return Card("What they say", title, SPOKEN["30d"], figures, margin, always, order)


_YEARLY = {"survey": "nps", "survey_id": "yearly", "scale": "0-10"}
_ORDER = {"survey": "csat", "survey_id": "order", "scale": "1-5"}
_HELP = {"survey": "ces", "survey_id": "help"}

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "Seven of the ten who were asked answered the yearly survey: 10, 9, 9, 8, 7, 6, 0; that gus was asked, only the "
    "answer tells. ann answered twice, and was asked about an order twice too: the later answer counts, though it "
    "came in first. bob found help easy: where a scale is reversed, 2 of 1-7 is 6. ann and fay are in "
    "a segment.",
    (
        event("survey_sent", "ann bob cyd dan eve fay hal ida joe", "03-29", survey="nps", survey_id="yearly"),
        event("survey_response", "ann", "03-31 11:00", score=10, **_YEARLY),
        event("survey_response", "ann", "03-30 11:00", score=3, themes=["price"], sentiment="negative", **_YEARLY),
        event("survey_response", "bob cyd", "03-30", score=9, **_YEARLY),
        event("survey_response", "dan", "03-30", score=8, **_YEARLY),
        event("survey_response", "eve", "03-30", score=7, **_YEARLY),
        event("survey_response", "fay", "03-30", score=6, themes=["speed"], sentiment="neutral", **_YEARLY),
        event("survey_response", "gus", "03-30", score=0, themes=["price", "speed"], sentiment="negative", **_YEARLY),
        event("survey_response", "ann", "03-31 11:00", score=5, **_ORDER),
        event("survey_response", "ann", "03-30 11:00", score=1, **_ORDER),
        event("survey_response", "bob", "03-30", score=4, **_ORDER),
        event("survey_response", "cyd dan", "03-30", score=3, **_ORDER),
        event("survey_response", "ann", "03-30", score=5, scale="1-7", **_HELP),
        event("survey_response", "bob", "03-30", score=2, scale="1-7", reversed=True, **_HELP),
        event("survey_response", "cyd", "03-30", score=4, scale="1-7", **_HELP),
        event("survey_response", "dan", "03-30", score=7, scale="1-7", **_HELP),
        event("survey_response", "eve", "03-30", score=8, scale="1-10", **_HELP),
        event("survey_response", "fay", "03-30", score=7, scale="1-10", **_HELP),
        event("survey_response", "gus hal", "03-30", score=3, scale="1-3", **_HELP),
        event("survey_response", "ida", "03-30", score=2, scale="1-3", **_HELP),
        event("survey_response", "joe", "03-30", score=1, scale="1-3", **_HELP),
        event("identify", "ann fay", "03-31", traits={"segment": "pro"}),
    ),
)


def _labels(survey_id: str, scale: str, **more: str) -> dict[str, str]:
    return {"survey_id": survey_id, "scale": scale, **more, "window": "7d"}


def _of_nps_in(segment: str) -> dict[str, str]:
    return _labels("yearly", "0-10", segment=segment)


_OF_NPS = _labels("yearly", "0-10")

FAMILY = Family(
    "Surveys",
    "Would they recommend us, are they content, was it easy, and how many answered at all?",
    SCENARIO,
    (
        Derived(
            "engagement_nps_score",
            nps_score,
            _NPS,
            unit="score",
            sample_size="customers",
            help="Net promoter score: % promoters (9–10) − % detractors (0–6), −100 to 100, by last answers.",
            example=Example({"promoters": 3, "detractors": 2, "customers": 7}, 100 / 7, _OF_NPS),
            breakdowns=(
                by_segment(ANSWERS, {"promoters": 2, "detractors": 1, "customers": 5}, 20.0, **_of_nps_in("unknown")),
            ),
            card=_card("Recommendation (NPS)", 0, margin="engagement_nps_margin"),
            panel=Panel("Net promoter score", overview={"window": "30d"}),
            alerts=(
                Alert(
                    name="EngagementNpsDrop",
                    summary="Fewer customers would recommend us than a week ago",
                    condition="drops_by",
                    threshold=10,
                    # Of 200 answers of 30 days a week exchanges some 47: by chance alone (a standard deviation of 4
                    # points) the score seldom moves by 10.
                    min_sample=MinSample("engagement_survey_customers", 200, {"survey": "nps", "window": "30d"}),
                    reasons=Reasons(
                        title="Negative answers speak of",
                        gauge="engagement_feedback",
                        by="theme",
                        labels={"sentiment": "negative", "window": "30d"},
                    ),
                    for_="1h",
                    labels={"window": "30d"},
                ),
            ),
            **_answered("nps"),
        ),
        Derived(
            "engagement_nps_margin",
            nps_margin,
            _NPS,
            unit="margin",
            sample_size="customers",
            help="Half the 95 % interval of the net promoter score.",
            example=Example({"promoters": 3, "detractors": 2, "customers": 7}, 61.70899448216604, _OF_NPS),
            panel=Panel("Margin of the net promoter score (95 %)"),
            **_answered("nps"),
        ),
        Count(
            "engagement_nps_customers",
            _of_class,
            labels={"class": tuple(_CLASSES)},
            help="Customers by the class of their last answer: promoter, passive, detractor.",
            example=Example({"number": 2}, 2, {**_OF_NPS, "class": "passive"}),
            panel=Panel("Promoters, passives, detractors"),
            **_answered("nps"),
        ),
        Ratio(
            "engagement_csat_ratio",
            _satisfied,
            over=scoring("csat"),
            help="Satisfied customers: last answer above 3 of 1-5, from 5 of 1-7 (definitions.csat_7_from).",
            example=Example({"satisfied": 2, "customers": 4}, 0.5, _labels("order", "1-5")),
            breakdowns=(
                by_segment(ANSWERS, {"satisfied": 1, "customers": 1}, 1.0, **_labels("order", "1-5", segment="pro")),
            ),
            card=_card("Satisfaction (CSAT)", 1),
            panel=Panel("Satisfied customers (CSAT)", overview={"window": "30d"}),
            **_answered("csat"),
        ),
        Ratio(
            "engagement_ces_ratio",
            _easy,
            over=scoring("ces"),
            help="Customers who found it easy: 4–5 of 1-5, 5–7 of 1-7; reversed scales are mirrored first.",
            example=Example({"easy": 3, "customers": 4}, 0.75, _labels("help", "1-7")),
            card=_card("Ease (CES)", 2),
            panel=Panel("Found it easy (CES)"),
            **_answered("ces", "1-5", "1-7"),
        ),
        Mean(
            "engagement_ces_mean",
            _score_total,
            over=scoring("ces"),
            unit="mean",
            help="Mean effort score on the scale 1-10.",
            example=Example({"total": 15, "customers": 2}, 7.5, _labels("help", "1-10")),
            card=_card("Ease, mean of 1 to 10", 3, always=False),
            panel=Panel("Mean effort score, scale 1-10 (CES)"),
            **_answered("ces", "1-10"),
        ),
        Derived(
            "engagement_ces_score",
            lambda easy, hard, customers: nps_score(easy, hard, customers),
            {"easy": scoring("ces", (3,)), "hard": scoring("ces", (1,)), "customers": scoring("ces")},
            unit="score",
            sample_size="customers",
            help="Effort on the scale 1-3: % of 3 − % of 1, −100 to 100.",
            example=Example({"easy": 2, "hard": 1, "customers": 4}, 25.0, _labels("help", "1-3")),
            card=_card("Ease, of 1 to 3", 4, always=False),
            panel=Panel("Effort score, scale 1-3 (CES)"),
            **_answered("ces", "1-3"),
        ),
        Count(
            "engagement_survey_customers",
            ANSWERS,
            by="survey survey_id scale",
            rows=_comparable(found_together(RESPONSES, "survey", *_SCORED)),
            windows=ALL,
            help="Customers whose last answer on the scale lies in the window: what the scores rest on.",
            example=Example({"number": 7}, 7, {"survey": "nps", **_OF_NPS}),
            breakdowns=(by_segment(ANSWERS, {"number": 2}, 2, survey="nps", **_of_nps_in("pro")),),
            panel=Panel("Customers behind the scores"),
        ),
        Count(
            "engagement_survey_responses",
            RESPONSES,
            by="survey survey_id",
            windows=ALL,
            help="All answers in the window, earlier ones of the same customer included.",
            example=Example({"number": 8}, 8, {"survey": "nps", "survey_id": "yearly", "window": "7d"}),
            panel=Panel("Survey answers"),
        ),
        Ratio(
            "engagement_survey_response_ratio",
            ANSWERED,
            over=ASKED,
            rows=_comparable(found_together((REQUESTS, RESPONSES), *_SURVEY)),
            windows=ALL,
            help="Distinct customers who answered in the window, as a share of those asked; who answered, was asked.",
            example=Example(
                {"answered": 7, "asked": 10}, 0.7, {"survey": "nps", "survey_id": "yearly", "window": "7d"}
            ),
            panel=Panel("Survey response rate"),
        ),
        Count(
            "engagement_feedback",
            FEEDBACK,
            windows=ALL,
            help="Answers that speak of the theme, by sentiment; the words themselves never become labels.",
            example=Example({"number": 2}, 2, {"theme": "price", "sentiment": "negative", "window": "7d"}),
            panel=Panel("Feedback by theme and sentiment"),
        ),
    ),
    series=(ANSWERS, REQUESTS, GIVEN, DERIVED),
)
