"""The catalogue: every family of indicators, what it remembers, what it adds to the series and what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stream.core.record import Fact, Kind
from stream.core.series import Add
from stream.metrics import activity, clicks, complete_days, content, first_week, retention, surveys, visits

FAMILIES = (activity, complete_days, first_week, retention, clicks, content, surveys, visits)
SERIES = tuple(series for family in FAMILIES for series in family.SERIES)
METRICS = tuple(metric for family in FAMILIES for metric in family.METRICS)

KINDS = (
    Kind(
        activity.Activity,
        activity.ACTIVE_TYPES,
        (activity.change, complete_days.change, first_week.change, retention.change),
    ),
    Kind(clicks.Reach, clicks.TYPES, (clicks.change,)),
    Kind(content.Contact, content.TYPES, (content.change,)),
    Kind(surveys.Answers, surveys.TYPES, (surveys.change,)),
    Kind(visits.Visits, visits.TYPES, (visits.change,)),
)
"""The kinds of memory of a record, in the order in which it is stored: new ones come last."""

REMEMBERED_TYPES = frozenset().union(*(kind.types for kind in KINDS))
"""Event types that leave a trace in a record."""

_LABELS = {
    "impression": ("campaign", "content"),
    "click": ("campaign", "content"),
    "interaction": ("content", "action"),
    "survey_sent": ("survey_id",),
    "survey_response": ("survey_id",),
}


def labels_of(type_: str, event: Any) -> Iterator[tuple[str, str]]:
    """(label, value) of every bounded label that the event would show."""
    yield "channel", event.channel
    for label in _LABELS.get(type_, ()):
        value = getattr(event, label)
        if value is not None:
            yield label, value
    if type_ == "survey_response":
        for theme in event.themes or ():
            yield "theme", theme


def count_event(add: Add, product: str, fact: Fact) -> None:
    """The plain counts of every family: +1 at the event's minute."""
    activity.count_event(add, product, fact)
    if fact.type in clicks.TYPES:
        clicks.count_event(add, product, fact)
    if fact.type in content.TYPES:
        content.count_event(add, product, fact)
    if fact.type in surveys.TYPES:
        surveys.count_event(add, product, fact)
