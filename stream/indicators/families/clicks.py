"""Click-through: of what was shown, how much was clicked, and by how many of those who saw it?"""

from __future__ import annotations

from typing import Any

from stream.core.definitions import Definitions
from stream.core.facts import Customers
from stream.core.increments import Increments
from stream.core.latest import Latest, total_change
from stream.core.series import Kind, Series
from stream.core.time import WINDOWS
from stream.indicators.declare import Example, Labels, Metric, Panel, Read, View, count, flow, found, ratio
from stream.indicators.scenario import Story, event

_SHOWN = frozenset({"impression"})
_CLICKED = frozenset({"click"})
_EXPOSED = _SHOWN | _CLICKED

IMPRESSIONS = Series("impressions", Kind.FLOW, "minute", ("campaign",), _SHOWN)
IMPRESSIONS_BY_CHANNEL = Series("impressions_by_channel", Kind.FLOW, "minute", ("channel",), _SHOWN)
CLICKS = Series("clicks", Kind.FLOW, "minute", ("campaign",), _CLICKED)
CLICKS_BY_CHANNEL = Series("clicks_by_channel", Kind.FLOW, "minute", ("channel",), _CLICKED)
EXPOSED = Series("exposed", Kind.CENSUS, "minute")
EXPOSED_BY_CAMPAIGN = Series("exposed_by_campaign", Kind.CENSUS, "minute", ("campaign",), _EXPOSED)
EXPOSED_BY_CHANNEL = Series("exposed_by_channel", Kind.CENSUS, "minute", ("channel",), _EXPOSED)
CLICKED = Series("clicked", Kind.CENSUS, "minute")
CLICKED_BY_CAMPAIGN = Series("clicked_by_campaign", Kind.CENSUS, "minute", ("campaign",), _CLICKED)
CLICKED_BY_CHANNEL = Series("clicked_by_channel", Kind.CENSUS, "minute", ("channel",), _CLICKED)
SERIES = (
    IMPRESSIONS,
    IMPRESSIONS_BY_CHANNEL,
    CLICKS,
    CLICKS_BY_CHANNEL,
    EXPOSED,
    EXPOSED_BY_CAMPAIGN,
    EXPOSED_BY_CHANNEL,
    CLICKED,
    CLICKED_BY_CAMPAIGN,
    CLICKED_BY_CHANNEL,
)


def change(increments: Increments, customers: Customers, old: Latest, new: Latest, _: Definitions) -> None:
    """contribution(new) − contribution(old): the last exposure and the last click, on any channel."""
    total_change(increments, customers, EXPOSED, EXPOSED_BY_CHANNEL, old, new)
    total_change(increments, customers, CLICKED, CLICKED_BY_CHANNEL, old, new)


BASES = ("events", "customers")
_WINDOW = {"window": tuple(WINDOWS)}
_BASIS = {"window": tuple(WINDOWS), "basis": BASES}


def by_basis(**series: Series) -> Read:
    """The count in the window, of what the label `basis` says: events or distinct customers."""
    reads = {basis: flow(each) for basis, each in series.items()}

    def read(view: View, labels: Labels) -> Any:
        return reads[labels["basis"]](view, labels)

    return read


def _clickthrough(clicked: int, shown: int) -> float | None:
    return ratio(clicked, shown)


STORY = Story(
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

METRICS = (
    Metric(
        name="engagement_clickthrough_ratio",
        help="Clicks as a share of impressions (basis events), or distinct customers who clicked as a share of those "
        "exposed, by an impression or a click (basis customers).",
        unit="ratio",
        labels=_BASIS,
        reads={
            "clicked": by_basis(events=CLICKS, customers=CLICKED),
            "shown": by_basis(events=IMPRESSIONS, customers=EXPOSED),
        },
        formula=_clickthrough,
        example=Example({"clicked": 2, "shown": 4}, 0.5, {"window": "24h", "basis": "customers"}),
        panel=Panel("Click-through", overview={"window": "7d", "basis": "events"}),
    ),
    Metric(
        name="engagement_clickthrough_by_channel_ratio",
        help="Click-through on the channel.",
        unit="ratio",
        labels={"channel": found("channel", IMPRESSIONS_BY_CHANNEL, CLICKS_BY_CHANNEL), **_BASIS},
        reads={
            "clicked": by_basis(events=CLICKS_BY_CHANNEL, customers=CLICKED_BY_CHANNEL),
            "shown": by_basis(events=IMPRESSIONS_BY_CHANNEL, customers=EXPOSED_BY_CHANNEL),
        },
        formula=_clickthrough,
        example=Example({"clicked": 1, "shown": 2}, 0.5, {"channel": "ios", "window": "24h", "basis": "customers"}),
        panel=Panel("Click-through by channel"),
    ),
    Metric(
        name="engagement_clickthrough_by_campaign_ratio",
        help="Click-through of the campaign; `none` is what belongs to no campaign.",
        unit="ratio",
        labels={"campaign": found("campaign", IMPRESSIONS, CLICKS), **_BASIS},
        reads={
            "clicked": by_basis(events=CLICKS, customers=CLICKED_BY_CAMPAIGN),
            "shown": by_basis(events=IMPRESSIONS, customers=EXPOSED_BY_CAMPAIGN),
        },
        formula=_clickthrough,
        example=Example({"clicked": 3, "shown": 4}, 0.75, {"campaign": "spring", "window": "7d", "basis": "events"}),
        panel=Panel("Click-through by campaign"),
    ),
    Metric(
        name="engagement_impressions",
        help="Impressions of the campaign in the window.",
        unit="events",
        labels={"campaign": found("campaign", IMPRESSIONS, CLICKS), **_WINDOW},
        reads={"number": flow(IMPRESSIONS)},
        formula=count,
        example=Example({"number": 3}, 3, {"campaign": "spring", "window": "24h"}),
        panel=Panel("Impressions by campaign"),
    ),
    Metric(
        name="engagement_clicks",
        help="Clicks of the campaign in the window.",
        unit="events",
        labels={"campaign": found("campaign", IMPRESSIONS, CLICKS), **_WINDOW},
        reads={"number": flow(CLICKS)},
        formula=count,
        example=Example({"number": 1}, 1, {"campaign": "none", "window": "7d"}),
        panel=Panel("Clicks by campaign"),
    ),
)
