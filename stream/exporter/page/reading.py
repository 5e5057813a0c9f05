"""A card read at a moment: its figures with the values, the counts they rest on and their margins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest

from stream.exporter.page.contents import Placed
from stream.indicators.declare import Figure, Value
from stream.indicators.reads import View
from stream.runtime.printable import printable

ROWS_SHOWN = 3
"""Surveys shown on one card, those with the most answers; all are on /metrics."""


@dataclass(frozen=True)
class Reading:
    """One figure; `labels` hold the product too, `value` is None while there is nothing to divide by."""

    caption: str
    labels: dict[str, str]
    value: Value
    sample_size: int | None
    counted: str
    margin: Value


def readings(placed: Placed, view: View) -> list[Reading]:
    """Every figure of the card for the view's product; empty for a card that waits for its first rows."""
    places = _shown(placed, list(_places(placed, view)), view)
    found = [_reading(placed, figure, labels, view) for figure, labels in places]
    if not found and placed.card.always:
        found = [
            Reading(figure.caption, {"product": view.product, **figure.labels}, None, None, figure.counted, None)
            for figure in placed.figures(view)
        ]
    return found


@dataclass(frozen=True)
class Heatmap:
    """Many values of one indicator side by side; None where there is none."""

    label: str
    rows: list[str]
    columns: list[str]
    values: list[list[Value]]


def heatmap(placed: Placed, view: View) -> Heatmap | None:
    """Of a card that is one."""
    heat = placed.metric.panel.heat
    if heat is None:
        return None
    found = {(labels[heat.rows], labels[heat.columns]): value for labels, value in placed.metric.samples(view)}
    rows, columns = (list(dict.fromkeys(each)) for each in zip(*found, strict=True)) if found else ([], [])
    return Heatmap(heat.rows, rows, columns, [[found.get((row, column)) for column in columns] for row in rows])


Place = tuple[Figure, dict[str, str]]
"""A figure with all its labels: its own, together with those of its row."""


def _places(placed: Placed, view: View) -> Iterator[Place]:
    rows = placed.metric.rows(view) if placed.metric.rows else [{}]
    for figure in placed.figures(view):
        for row in rows:
            caption = figure.caption or printable(", scale ".join(row.values()))
            yield Figure(caption, figure.labels, figure.counted), {**row, **figure.labels}


def _shown(placed: Placed, places: list[Place], view: View) -> list[Place]:
    """Of more rows than are shown, those that rest on most; of those that rest on as much, the largest."""
    metric, sample_size = placed.metric, placed.sample_size
    if not metric.rows or sample_size is None or len(places) <= ROWS_SHOWN:
        return places

    def weight(place: Place) -> tuple[int, float]:
        arguments = metric.arguments(view, place[1])
        return arguments[sample_size], metric.formula(**arguments) or 0

    return nlargest(ROWS_SHOWN, places, key=weight)


def _reading(placed: Placed, figure: Figure, labels: dict[str, str], view: View) -> Reading:
    arguments = placed.metric.arguments(view, labels)
    return Reading(
        caption=figure.caption,
        labels={"product": view.product, **labels},
        value=placed.metric.formula(**arguments),
        sample_size=arguments[placed.sample_size] if placed.sample_size else None,
        counted=figure.counted,
        margin=placed.margin.value(view, labels) if placed.margin else None,
    )
