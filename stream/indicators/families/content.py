"""Content: of those who saw a piece of content, how many liked, shared, played, …?"""

from __future__ import annotations

from stream.core.series import Kind, Series
from stream.core.time import WINDOWS
from stream.indicators.declare import Example, Metric, Panel, count, flow, found_together, ratio
from stream.indicators.families.clicks import by_basis
from stream.indicators.scenario import Story, event

_SHOWN = frozenset({"impression"})
_ACTED = frozenset({"interaction"})

CONTENT_IMPRESSIONS = Series("content_impressions", Kind.FLOW, "minute", ("content",), _SHOWN)
INTERACTIONS = Series("interactions", Kind.FLOW, "minute", ("content", "action"), _ACTED)
REACHED = Series("reached", Kind.CENSUS, "minute", ("content",), _SHOWN | _ACTED | {"click"})
ACTED = Series("acted", Kind.CENSUS, "minute", ("content", "action"), _ACTED)
SERIES = (CONTENT_IMPRESSIONS, INTERACTIONS, REACHED, ACTED)


STORY = Story(
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

_ROW_LABELS = ("content", "action")
_ROWS = found_together(INTERACTIONS, *_ROW_LABELS)

METRICS = (
    Metric(
        name="engagement_action_ratio",
        help="Actions on the content: as a share of its impressions (basis events), distinct actors as a share of "
        "the customers exposed to it (basis customers), or actions per customer exposed (per_exposed, may exceed 1).",
        unit="ratio",
        rows=_ROWS,
        row_labels=_ROW_LABELS,
        labels={"window": tuple(WINDOWS), "basis": ("events", "customers", "per_exposed")},
        reads={
            "actions": by_basis(events=INTERACTIONS, customers=ACTED, per_exposed=INTERACTIONS),
            "exposed": by_basis(events=CONTENT_IMPRESSIONS, customers=REACHED, per_exposed=REACHED),
        },
        formula=lambda actions, exposed: ratio(actions, exposed),
        example=Example(
            {"actions": 5, "exposed": 4},
            1.25,
            {"content": "film", "action": "play", "window": "24h", "basis": "per_exposed"},
        ),
        panel=Panel("Actions on content"),
    ),
    Metric(
        name="engagement_interactions",
        help="Actions on the content in the window.",
        unit="events",
        rows=_ROWS,
        row_labels=_ROW_LABELS,
        labels={"window": tuple(WINDOWS)},
        reads={"number": flow(INTERACTIONS)},
        formula=count,
        example=Example({"number": 2}, 2, {"content": "film", "action": "like", "window": "24h"}),
        panel=Panel("Interactions with content"),
    ),
)
