"""Visits: how many, how long, how deep.

A visit is a maximal run of a customer's visit events on one channel with no gap over 30 minutes (a definition). It
closes at the minute after its end + that gap and counts there; late events extend, bridge and merge visits of the
last 31 days.
"""

from __future__ import annotations

from stream.indicators.declare import SPOKEN, Breakdown, Card, Example, Family, Figure, Panel
from stream.indicators.families.activity import ACTIVE, CHANNELS
from stream.indicators.forms import ALL, Count, Mean, Ratio
from stream.indicators.reads import of, standing
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.visits import CLASSES, FREQUENCY, PAGES, VISIT_MS, VISITS

_BOUNCED = {
    "single_page": of(VISITS, pages=("1",)),
    "not_engaged": of(VISITS, pages=("1",), engaged=("no",), converted=("no",)),
}

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann's page of 09:30 comes late and bridges 09:00 and 09:40: exactly 30 minutes join, 31 do not. bob saw one "
    "page only, but for a minute; ann and dan turned on the doorstep. ann's login has no page and cannot bounce; "
    "eve's visit is not over yet.",
    (
        event("login", "ann", "03-30 15:00", channel="ios"),
        event("page_view", "ann", "03-31 09:00", page="/"),
        event("purchase", "ann", "03-31 09:40", order_id="1", amount_minor=1999, currency="EUR", units=1),
        event("page_view", "ann", "03-31 10:11", page="/"),
        event("page_view", "ann", "03-31 09:30", page="/shoes"),
        event("page_view", "bob", "03-31 10:00", page="/"),
        event("click", "bob", "03-31 10:01"),
        event(
            "session",
            "cyd",
            "03-30 20:00",
            session_id="1",
            duration_ms=600_000,
            page_views=7,
            converted=True,
            channel="ios",
        ),
        event("page_view", "dan", "03-31 08:00", page="/", channel="ios"),
        event("login", "eve", "03-31 11:40", channel="ios"),
    ),
)


def _by_channel(reads: dict[str, int], value: float, **labels: str) -> tuple[Breakdown, ...]:
    example = Example(reads, value, {"channel": "ios", "window": "24h", **labels})
    return (Breakdown("channel", CHANNELS, example, added="By channel."),)


_LAST_DAY = {"window": "24h"}

_COUNTED = (
    Count(
        "engagement_visits",
        VISITS,
        unit="visits",
        by="",
        windows=ALL,
        help="Visits closed in the window: runs of events on one channel with no gap over 30 minutes "
        "(definitions.visit_gap_minutes).",
        example=Example({"number": 6}, 6, _LAST_DAY),
        panel=Panel("Visits", overview={"window": "24h"}),
        card=Card(
            "What they do",
            window="counted as they close",
            figures=tuple(Figure(spoken, {"window": window}) for window, spoken in SPOKEN.items()),
            order=2,
        ),
        breakdowns=_by_channel({"number": 3}, 3),
    ),
    Mean(
        "engagement_visits_per_customer",
        VISITS,
        over=ACTIVE,
        unit="visits per customer",
        by="",
        windows=ALL,
        help="Visits closed in the window per customer active in it.",
        example=Example({"visits": 6, "customers": 5}, 1.2, _LAST_DAY),
        panel=Panel("Visits per active customer"),
        breakdowns=_by_channel({"visits": 3, "customers": 4}, 0.75),
    ),
    Mean(
        "engagement_visit_mean_duration_seconds",
        VISIT_MS,
        over=VISITS,
        unit="seconds",
        per=1000,
        by="",
        windows=ALL,
        help="Mean length of the visits closed in the window, from first to last event.",
        example=Example({"total": 3_060_000, "visits": 6}, 510.0, _LAST_DAY),
        panel=Panel("Mean length of a visit"),
        card=Card(
            "What they do",
            "Mean visit",
            SPOKEN["7d"],
            (Figure(labels={"window": "7d"}, counted="visits"),),
            order=3,
        ),
        breakdowns=_by_channel({"total": 600_000, "visits": 3}, 200.0),
    ),
    Mean(
        "engagement_visit_mean_pages",
        PAGES,
        over=VISITS,
        unit="pages",
        by="",
        windows=ALL,
        help="Mean pages of the visits closed in the window: page views, or what session summaries say if more.",
        example=Example({"total": 12, "visits": 6}, 2.0, _LAST_DAY),
        panel=Panel("Mean pages of a visit"),
        breakdowns=_by_channel({"total": 8, "visits": 3}, 8 / 3),
    ),
    Ratio(
        "engagement_visit_conversion_ratio",
        of(VISITS, converted=("yes",)),
        over=VISITS,
        by="",
        windows=ALL,
        help="Visits with a conversion (purchase, signup, subscription started, converted session), as a share of "
        "all visits.",
        example=Example({"total": 2, "visits": 6}, 1 / 3, _LAST_DAY),
        panel=Panel("Visits that converted"),
        breakdowns=_by_channel({"total": 1, "visits": 3}, 1 / 3),
    ),
    Ratio(
        "engagement_bounce_ratio",
        _BOUNCED,
        over=of(VISITS, pages=("1", "2+")),
        by="",
        windows=ALL,
        help="Of the visits with a page: those with exactly one (single_page), or neither longer than 10 s nor with "
        "2 pages nor a conversion (not_engaged).",
        example=Example({"bounced": 2, "visits": 5}, 0.4, {**_LAST_DAY, "basis": "not_engaged"}),
        panel=Panel("Bounce rate", overview={"window": "24h", "basis": "not_engaged"}),
        card=Card(
            "What they do",
            "Bounce",
            SPOKEN["7d"],
            (
                Figure("a single page", {"window": "7d", "basis": "single_page"}, "visits with a page"),
                Figure("not engaged", {"window": "7d", "basis": "not_engaged"}, "visits with a page"),
            ),
            order=1,
        ),
        breakdowns=_by_channel({"bounced": 1, "visits": 2}, 0.5, basis="not_engaged"),
    ),
)

FAMILY = Family(
    "Visits",
    "How often do they come by, how long do they stay, and do they turn on the doorstep?",
    SCENARIO,
    (
        _COUNTED,
        Count(
            "engagement_visit_frequency_customers",
            standing(FREQUENCY),
            labels={"visits": CLASSES},
            help="Customers by how many visits they closed in the last 30 days, on all channels.",
            example=Example({"number": 1}, 1, {"visits": "3"}),
            panel=Panel("Customers by visits in 30 days", bars="visits"),
        ),
    ),
    series=(FREQUENCY,),
)
