"""Content: of those who saw a piece of content, how many liked, shared, played, …?"""

from __future__ import annotations

from functools import partial
from typing import Any

from stream.core.definition import Example, Metric, Panel, count, flow, found_together, ratio
from stream.core.latest import Latest, last_of, move, note, recent, sorted_copy
from stream.core.record import Fact
from stream.core.series import Add, Kind, Series
from stream.core.story import Story, event
from stream.core.time import WINDOWS
from stream.metrics.clicks import by_basis

TYPES = frozenset({"impression", "click", "interaction"})

CONTENT_IMPRESSIONS = Series("content_impressions", Kind.FLOW, "minute", ("content",))
INTERACTIONS = Series("interactions", Kind.FLOW, "minute", ("content", "action"))
REACHED = Series("reached", Kind.CENSUS, "minute", ("content",))
ACTED = Series("acted", Kind.CENSUS, "minute", ("content", "action"))
SERIES = (CONTENT_IMPRESSIONS, INTERACTIONS, REACHED, ACTED)


class Contact:
    """When a customer was last exposed to each content (impression, click or interaction) and did each action."""

    __slots__ = ("acted", "reached")

    def __init__(self, reached: Latest | None = None, acted: dict[str, Latest] | None = None) -> None:
        self.reached = reached or {}
        self.acted = acted or {}

    def join(self, fact: Fact) -> None:
        content = content_of(fact)
        if content is None:
            return
        note(self.reached, content, fact.minute)
        if fact.type == "interaction":
            note(self.acted.setdefault(content, {}), action_of(fact), fact.minute)

    def forget(self, keep_days: int | None) -> None:
        newest = last_of(self.reached) or 0
        self.reached = recent(self.reached, newest)
        kept = {content: recent(actions, newest) for content, actions in self.acted.items()}
        self.acted = {content: actions for content, actions in kept.items() if actions}

    def copy(self) -> Contact:
        return Contact(self.reached.copy(), {content: actions.copy() for content, actions in self.acted.items()})

    def pack(self) -> Any:
        """[reached, {content: {action: minute}}]."""
        return [sorted_copy(self.reached), {name: sorted_copy(self.acted[name]) for name in sorted(self.acted)}]

    @classmethod
    def unpack(cls, packed: Any) -> Contact:
        return cls(*packed)


def content_of(fact: Fact) -> str | None:
    content = fact.event.content
    return None if content is None else fact.place("content", content)


def action_of(fact: Fact) -> str:
    return fact.place("action", fact.event.action)


def count_event(add: Add, product: str, fact: Fact) -> None:
    """The plain counts: +1 at the event's minute."""
    content = content_of(fact)
    if content is None:
        return
    if fact.type == "impression":
        add(CONTENT_IMPRESSIONS.key(product, content), fact.minute, 1)
    elif fact.type == "interaction":
        add(INTERACTIONS.key(product, content, action_of(fact)), fact.minute, 1)


def change(add: Add, product: str, old: Contact | None, new: Contact) -> None:
    """contribution(new) − contribution(old)."""
    was = old or Contact()
    move(add, partial(REACHED.key, product), was.reached, new.reached)
    for content in was.acted.keys() | new.acted.keys():
        move(add, partial(ACTED.key, product, content), was.acted.get(content, {}), new.acted.get(content, {}))


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
