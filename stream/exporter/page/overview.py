"""The page's content as of the exporter's last refresh: every card of a product, with the trends of its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from stream.exporter.page.contents import CONTENTS, Placed, Section, cards
from stream.exporter.page.reading import Heatmap, Reading, heatmap, readings
from stream.exporter.page.trends import Minutes, Name, Point, has_customers, name_of, past_days, past_of
from stream.indicators.declare import Value
from stream.indicators.reads import Labels, View


class ShownFigure(msgspec.Struct):
    """A figure with its trend: points (steps ago, value), oldest first, the present one last."""

    caption: str
    labels: dict[str, str]
    value: Value
    sample_size: int | None
    counted: str
    margin: Value
    trend: list[Point]


class ShownCard(msgspec.Struct):
    """A card; `step` is the unit of its trends, minute or day, `target` where its figures should be. It has
    figures, or is a heat map."""

    title: str
    metric: str
    help: str
    unit: str
    target: Value
    window: str
    step: str
    figures: list[ShownFigure]
    heat: Heatmap | None


class ShownSection(msgspec.Struct):
    title: str
    cards: list[ShownCard]


class Overview:
    """Fed by every refresh. Memory: one hour of the figures shown, for each product."""

    def __init__(self, targets: Mapping[str, float]) -> None:
        self._targets = targets
        self._views: Mapping[str, View] = {}
        self._minute = 0
        self._minutes = Minutes()
        self._days: dict[Name, list[Point]] = {}

    @property
    def products(self) -> list[str]:
        return list(self._views)

    @property
    def minute(self) -> int | None:
        """T of every figure, in minutes since the epoch; None while there is no product."""
        return next((view.minute for view in self._views.values()), None)

    def see(self, views: Mapping[str, View], minute: int, fresh: bool) -> None:
        """Take the products as they are seen now; `minute` is the wall clock's, whatever clock T follows.

        Unless every shard is fresh, nothing of it is remembered for trends: events that count are yet to be folded.
        """
        if minute > self._minute:
            self._days.clear()  # late events may have changed even them
        self._views, self._minute = views, minute
        if fresh and self._minutes.lacks(minute, views):
            pasts = {product: past_of(view) for product, view in views.items()}
            self._minutes.add(minute, dict(self._rolling()), pasts)

    def sections(self, product: str) -> list[ShownSection]:
        """Every card of the product, read now; none for a product never seen."""
        view = self._views.get(product)
        if view is None:
            return []
        return [ShownSection(section.title, self._cards(section, view)) for section in CONTENTS]

    def _rolling(self) -> Iterator[tuple[Name, Value]]:
        for view in self._views.values():
            for placed in cards():
                if placed.step == "minute":
                    for reading in readings(placed, view):
                        yield name_of(placed.metric, reading.labels), reading.value

    def _cards(self, section: Section, view: View) -> list[ShownCard]:
        shown = (self._card(placed, view) for placed in section.cards)
        return [card for card in shown if card.figures or (card.heat and card.heat.rows)]

    def _card(self, placed: Placed, view: View) -> ShownCard:
        return ShownCard(
            title=placed.title,
            metric=placed.metric.name,
            help=placed.metric.help,
            unit=placed.metric.unit,
            target=self._targets.get(placed.metric.name),
            window=placed.card.window,
            step=placed.step,
            figures=[self._figure(placed, reading, view) for reading in readings(placed, view)],
            heat=heatmap(placed, view),
        )

    def _figure(self, placed: Placed, reading: Reading, view: View) -> ShownFigure:
        past = self._past(placed, reading, view)
        return ShownFigure(
            caption=reading.caption,
            labels=reading.labels,
            value=reading.value,
            sample_size=reading.sample_size,
            counted=reading.counted,
            margin=reading.margin,
            trend=past if reading.value is None else [*past, (0, reading.value)],
        )

    def _past(self, placed: Placed, reading: Reading, view: View) -> list[Point]:
        name = name_of(placed.metric, reading.labels)
        if placed.step == "minute":
            return [point for point in self._minutes.of(name, self._minute, view) if point[0]]
        if name not in self._days:
            self._days[name] = past_days(lambda day: _on(day, placed, reading.labels), view)
        return self._days[name]


def _on(day: View, placed: Placed, labels: Labels) -> Value:
    if placed.is_by_day:
        day = replace(day, today=day.today + 1)  # so that it is the last complete one
    if not has_customers(day):
        return None
    return placed.value_by_day(day, labels) if placed.is_by_day else placed.metric.value(day, labels)
