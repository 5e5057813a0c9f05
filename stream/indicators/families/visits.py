"""Visits: how often do they come by, how long do they stay, and do they turn on the doorstep?

A visit is a maximal run of a customer's visit events on one channel with no gap over 30 minutes (a definition). It
closes at the minute after its end + that gap and counts there; late events extend, bridge and merge visits of the
last 31 days.
"""

from __future__ import annotations

from typing import Any

from stream.core.series import Series
from stream.core.time import WINDOWS
from stream.indicators.declare import (
    Example,
    Labels,
    Metric,
    Panel,
    Read,
    View,
    census,
    count,
    flow,
    ratio,
    twin,
)
from stream.indicators.families.activity import ACTIVE, ACTIVE_BY_CHANNEL, CHANNEL
from stream.indicators.scenario import Story, event
from stream.indicators.state.visits import CLASSES, FREQUENCY, PAGES, SERIES, VISIT_MS, VISITS

__all__ = ["METRICS", "SERIES"]


def _customers(view: View, labels: Labels) -> Any:
    """The customers active in the window; on the channel, in the twin."""
    return census(ACTIVE_BY_CHANNEL if "channel" in labels else ACTIVE)(view, labels)


def _where(**wanted: tuple[str, ...]) -> Read:
    """Visits closed in the window whose labels are among the wanted."""
    at = {2 + VISITS.labels.index(name): values for name, values in wanted.items()}
    return flow(VISITS, where=lambda _, key: all(key[position] in values for position, values in at.items()))


_PAGED = _where(pages=("1", "2+"))
_BOUNCED = {
    "single_page": _where(pages=("1",)),
    "not_engaged": _where(pages=("1",), engaged=("no",), converted=("no",)),
}


def _bounced(view: View, labels: Labels) -> Any:
    return _BOUNCED[labels["basis"]](view, labels)


def _frequent(view: View, labels: Labels) -> Any:
    return view.sum(FREQUENCY, labels, None, view.minute)


def _per_visit(series: Series) -> dict[str, Read]:
    return {"total": flow(series), "visits": flow(VISITS)}


STORY = Story(
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

_WINDOW = {"window": tuple(WINDOWS)}

_LAST_DAY = {"window": "24h"}

_COUNTED = (
    Metric(
        name="engagement_visits",
        help="Visits closed in the window: runs of events on one channel with no gap over 30 minutes "
        "(definitions.visit_gap_minutes).",
        unit="visits",
        labels=_WINDOW,
        reads={"number": flow(VISITS)},
        formula=count,
        example=Example({"number": 6}, 6, _LAST_DAY),
        panel=Panel("Visits", overview={"window": "24h"}),
    ),
    Metric(
        name="engagement_visits_per_customer",
        help="Visits closed in the window per customer active in it.",
        unit="visits per customer",
        labels=_WINDOW,
        reads={"visits": flow(VISITS), "customers": _customers},
        formula=lambda visits, customers: ratio(visits, customers),
        example=Example({"visits": 6, "customers": 5}, 1.2, _LAST_DAY),
        panel=Panel("Visits per active customer"),
    ),
    Metric(
        name="engagement_visit_mean_duration_seconds",
        help="Mean length of the visits closed in the window, from first to last event.",
        unit="seconds",
        labels=_WINDOW,
        reads=_per_visit(VISIT_MS),
        formula=lambda total, visits: ratio(total / 1000, visits),
        example=Example({"total": 3_060_000, "visits": 6}, 510.0, _LAST_DAY),
        panel=Panel("Mean length of a visit"),
    ),
    Metric(
        name="engagement_visit_mean_pages",
        help="Mean pages of the visits closed in the window: page views, or what session summaries say if more.",
        unit="pages",
        labels=_WINDOW,
        reads=_per_visit(PAGES),
        formula=lambda total, visits: ratio(total, visits),
        example=Example({"total": 12, "visits": 6}, 2.0, _LAST_DAY),
        panel=Panel("Mean pages of a visit"),
    ),
    Metric(
        name="engagement_visit_conversion_ratio",
        help="Visits with a conversion (purchase, signup, converted session), as a share of all visits.",
        unit="ratio",
        labels=_WINDOW,
        reads={"total": _where(converted=("yes",)), "visits": flow(VISITS)},
        formula=lambda total, visits: ratio(total, visits),
        example=Example({"total": 2, "visits": 6}, 1 / 3, _LAST_DAY),
        panel=Panel("Visits that converted"),
    ),
    Metric(
        name="engagement_bounce_ratio",
        help="Of the visits with a page: those with exactly one (single_page), or neither longer than 10 s nor with "
        "2 pages nor a conversion (not_engaged).",
        unit="ratio",
        labels={**_WINDOW, "basis": ("single_page", "not_engaged")},
        reads={"bounced": _bounced, "visits": _PAGED},
        formula=lambda bounced, visits: ratio(bounced, visits),
        example=Example({"bounced": 2, "visits": 5}, 0.4, {**_LAST_DAY, "basis": "not_engaged"}),
        panel=Panel("Bounce rate", overview={"window": "24h", "basis": "not_engaged"}),
    ),
)

_LAST_DAY_ON_IOS = {"channel": "ios", **_LAST_DAY}

_ON_IOS = (
    Example({"number": 3}, 3, _LAST_DAY_ON_IOS),
    Example({"visits": 3, "customers": 4}, 0.75, _LAST_DAY_ON_IOS),
    Example({"total": 600_000, "visits": 3}, 200.0, _LAST_DAY_ON_IOS),
    Example({"total": 8, "visits": 3}, 8 / 3, _LAST_DAY_ON_IOS),
    Example({"total": 1, "visits": 3}, 1 / 3, _LAST_DAY_ON_IOS),
    Example({"bounced": 1, "visits": 2}, 0.5, {**_LAST_DAY_ON_IOS, "basis": "not_engaged"}),
)

METRICS = (
    *_COUNTED,
    *(
        twin(metric, "channel", CHANNEL["channel"], "By channel.", example)
        for metric, example in zip(_COUNTED, _ON_IOS, strict=True)
    ),
    Metric(
        name="engagement_visit_frequency_customers",
        help="Customers by how many visits they closed in the last 30 days, on all channels.",
        unit="customers",
        labels={"visits": CLASSES},
        reads={"number": _frequent},
        formula=count,
        example=Example({"number": 1}, 1, {"visits": "3"}),
        panel=Panel("Customers by visits in 30 days", bars="visits"),
    ),
)
