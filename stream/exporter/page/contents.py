"""What the page shows, in the order of reading: the cards that the indicators declare, under their questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from stream.indicators.catalogue import METRICS
from stream.indicators.declare import Card, Figure, Metric, Value
from stream.indicators.reads import Labels, View

_SECTIONS = (
    "Who comes",
    "Who is about to leave",
    "Who is new",
    "Who stays, who leaves",
    "What they do",
    "What they say",
    "How they are helped",
)
_METRICS = {metric.name: metric for metric in METRICS}
_ACTIVE_ON_DAYS = _METRICS["engagement_calendar_active_customers"]


@dataclass(frozen=True)
class Placed:
    """An indicator's card on the page."""

    metric: Metric
    card: Card

    @property
    def title(self) -> str:
        return self.card.title or self.metric.panel.title

    @property
    def margin(self) -> Metric | None:
        """The indicator that is shown as ±."""
        return _METRICS[self.card.margin] if self.card.margin else None

    @property
    def sample_size(self) -> str | None:
        """The argument of the formula that is shown as the count below a figure."""
        return self.metric.sample_size or None

    @property
    def is_by_day(self) -> bool:
        """Its trend is by complete days, though its figures are rolling."""
        return not callable(self.card.figures) and any(figure.by_day for figure in self.card.figures)

    @property
    def step(self) -> Literal["minute", "day"]:
        """Of its trends."""
        return "minute" if self.metric.rolling and not self.is_by_day else "day"

    def figures(self, view: View) -> tuple[Figure, ...]:
        return self.card.figures_by(view.definitions)

    def value_by_day(self, view: View, labels: Labels) -> Value:
        """Of the figure with these labels, when the last complete day ended."""
        [by_day] = [figure.by_day for figure in self.figures(view) if figure.labels.items() <= labels.items()]
        days = {name: _ACTIVE_ON_DAYS.value(view, {"days": number}) for name, number in by_day.items()}
        return self.metric.formula(**days)


@dataclass(frozen=True)
class Section:
    """Cards that answer one question."""

    title: str
    cards: tuple[Placed, ...]


def _section(title: str) -> Section:
    placed = [
        Placed(metric, metric.card) for metric in METRICS if metric.card is not None and metric.card.section == title
    ]
    return Section(title, tuple(sorted(placed, key=lambda each: each.card.order)))


CONTENTS = tuple(map(_section, _SECTIONS))


def cards() -> Iterator[Placed]:
    for section in CONTENTS:
        yield from section.cards
