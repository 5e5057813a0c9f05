"""A card read at a moment: its figures with the values, the counts they rest on and their margins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from stream.exporter.page.contents import Card, Figure
from stream.indicators.declare import Labels, Metric, Value, View
from stream.runtime.printable import printable

ROWS_SHOWN = 3
"""Surveys shown on one card, those with the most answers; all are on /metrics."""


@dataclass(frozen=True)
class Reading:
    """One figure; `labels` hold the product too, `value` is None while there is nothing to divide by."""

    caption: str
    labels: dict[str, str]
    value: Value
    rests_on: int | None
    counted: str
    margin: Value


def readings(card: Card, view: View) -> list[Reading]:
    """Every figure of the card for the view's product; empty for a card that waits for its first rows."""
    places = _shown(card, list(_places(card, view)), view)
    found = [_reading(card, figure, labels, view) for figure, labels in places]
    if not found and card.always:
        found = [
            Reading(figure.caption, {"product": view.product, **figure.labels}, None, None, figure.counted, None)
            for figure in card.figures_of(view)
        ]
    return found


def value_at(metric: Metric, labels: Labels, view: View) -> Value:
    """The metric's value for labels without the product."""
    return metric.formula(**_arguments(metric, labels, view))


def _arguments(metric: Metric, labels: Labels, view: View) -> dict[str, Any]:
    return {name: read(view, labels) for name, read in metric.reads.items()}


Place = tuple[Figure, dict[str, str]]
"""A figure with all its labels: its own, together with those of its row."""


def _places(card: Card, view: View) -> Iterator[Place]:
    rows = card.metric.rows(view) if card.metric.rows else [{}]
    for figure in card.figures_of(view):
        for row in rows:
            caption = figure.caption or printable(", scale ".join(row.values()))
            yield Figure(caption, figure.labels, figure.counted), {**row, **figure.labels}


def _shown(card: Card, places: list[Place], view: View) -> list[Place]:
    """Of more rows than are shown, those that rest on most."""
    if not card.metric.rows or card.rests_on is None or len(places) <= ROWS_SHOWN:
        return places
    rests_on = card.metric.reads[card.rests_on]
    return nlargest(ROWS_SHOWN, places, key=lambda place: rests_on(view, place[1]))


def _reading(card: Card, figure: Figure, labels: dict[str, str], view: View) -> Reading:
    arguments = _arguments(card.metric, labels, view)
    return Reading(
        caption=figure.caption,
        labels={"product": view.product, **labels},
        value=card.metric.formula(**arguments),
        rests_on=arguments[card.rests_on] if card.rests_on else None,
        counted=figure.counted,
        margin=value_at(card.margin, labels, view) if card.margin else None,
    )
