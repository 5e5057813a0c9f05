"""What an indicator is: readings of series at a moment, a formula over them, and the words that explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product as combinations
from typing import Any, Literal

from stream.core.definitions import Definitions
from stream.core.series import Series
from stream.indicators.reads import Choices, Labels, Read, Rows, View
from stream.indicators.scenario import Scenario

Value = float | int | None


@dataclass(frozen=True)
class Example:
    """One sample of the family's scenario: what was read, the value that follows, and the sample's labels."""

    reads: Mapping[str, Any]
    value: Value
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True)
class Heat:
    """A table of numbers, the larger the darker: the labels that its rows and its columns are of."""

    rows: str
    columns: str


@dataclass(frozen=True)
class Panel:
    """How dashboards draw an indicator: lines over time, unless it says otherwise.

    bars      the label whose values stand side by side, as they are now
    heat      it is a heat map of what is now
    overview  it stands on the overview too, as a large number, with these labels; None: it does not
    """

    title: str
    bars: str | None = None
    heat: Heat | None = None
    overview: Labels | None = None


@dataclass(frozen=True)
class Figure:
    """One number of a card: its labels (without the product), its caption, and what the count below it counts.

    by_day  argument of the formula -> the customers active on so many complete days stand for it in the trend of a
            rolling figure, which then shows what it was when each of the last days ended
    """

    caption: str = ""
    labels: Labels = field(default_factory=dict)
    counted: str = ""
    by_day: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """How the page shows an indicator.

    section  the question under which it stands
    title    empty: that of its panel
    window   said once for all figures
    figures  some depend on the definitions; none of an indicator whose panel is a heat map, which is one here too
    margin   the indicator of the same labels that is shown as ±
    always   also while the product has shown none of the indicator's rows
    order    its place among the cards of its section; those of the same place stand as the catalogue has them
    """

    section: str
    title: str = ""
    window: str = ""
    figures: tuple[Figure, ...] | Callable[[Definitions], tuple[Figure, ...]] = (Figure(),)
    margin: str = ""
    always: bool = True
    order: int = 0

    def figures_by(self, definitions: Definitions) -> tuple[Figure, ...]:
        return self.figures(definitions) if callable(self.figures) else self.figures


SPOKEN = {"24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days"}
"""Windows as the page says them."""


@dataclass(frozen=True)
class MinSample:
    """The gauge that counts what an indicator rests on, and how many there must be before it may alert.

    It counts apart for each value of the labels that both have; over those of its own it is summed.
    """

    gauge: str
    at_least: int
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True)
class Reasons:
    """What an alert names beside its number: values of the label `by` under which a gauge of the product is largest.

    title    what they are
    lowest   those under which it is smallest instead, of those that rest on enough customers
    fallen   those under which it fell most against the same time a week before instead, and by how much
    """

    title: str
    gauge: str
    by: str
    labels: Labels = field(default_factory=dict)
    lowest: MinSample | None = None
    fallen: bool = False


Condition = Literal["below", "above", "above_target", "falls_by", "drops_by", "rises_by"]

CHANGES = ("falls_by", "drops_by", "rises_by")
"""Conditions that compare with the same time a week before."""

TARGET_GAUGE = "engagement_target"
"""Shows the target of every indicator that has one, by the labels `product` and `indicator`."""


@dataclass(frozen=True)
class Alert:
    """When somebody is told.

    summary    what has happened, for a person in a hurry
    for_       how long it must last, as Prometheus writes durations
    condition  below, above: than the threshold. above_target: than its target by more than this share of it; never
               without a target. Against the same time a week before: falls_by (by this share of what it was),
               drops_by, rises_by (by so many points), or more
    threshold  the default, as is for_: the indicators file changes them
    labels     it is about the samples with these labels only
    """

    name: str
    summary: str
    condition: Condition
    threshold: float
    min_sample: MinSample
    reasons: Reasons
    for_: str
    labels: Labels = field(default_factory=dict)
    severity: Literal["warning", "critical"] = "warning"


@dataclass(frozen=True)
class Breakdown:
    """The same indicator by one more label, as an indicator of its own.

    values  of the label
    help    empty: that of the indicator, followed by `added`
    title   of its panel; empty: the indicator's, with the label
    """

    by: str
    values: Choices
    example: Example
    added: str = ""
    help: str = ""
    title: str = ""


@dataclass(frozen=True)
class Metric:
    """One indicator.

    rows         combinations of some labels that belong together, as found in a series; row_labels names them
    labels       further label -> its possible values (fixed, or those found); the product is always there
    reads        formula argument -> reading
    formula      over the readings; None where there is nothing to divide by
    sample_size  the argument of the formula that counts what the indicator rests on
    series       those that it reads
    rolling      it is only true at T ≥ the newest event (False: complete days, true at any T)
    """

    name: str
    help: str
    unit: str
    reads: Mapping[str, Read]
    formula: Callable[..., Value]
    example: Example
    panel: Panel
    alerts: tuple[Alert, ...] = ()
    labels: Mapping[str, Choices] = field(default_factory=dict)
    rows: Rows | None = None
    row_labels: tuple[str, ...] = ()
    sample_size: str = ""
    card: Card | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    series: tuple[Series, ...] = ()
    rolling: bool = True

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label of the gauge, the product first."""
        return ("product", *self.row_labels, *self.labels)

    def samples(self, view: View) -> Iterator[tuple[dict[str, str], Value]]:
        """(labels without the product, value) for every combination of label values."""
        for labels in self.label_sets(view):
            yield labels, self.formula(**self.arguments(view, labels))

    def label_sets(self, view: View) -> Iterator[dict[str, str]]:
        """Every combination of label values, without the product."""
        choices = [values(view) if callable(values) else values for values in self.labels.values()]
        for row in self.rows(view) if self.rows else [{}]:
            for values in combinations(*choices):
                yield {**row, **dict(zip(self.labels, values, strict=True))}

    def arguments(self, view: View, labels: Labels) -> dict[str, Any]:
        """What the formula is given for labels without the product."""
        return {name: read(view, labels) for name, read in self.reads.items()}

    def value(self, view: View, labels: Labels) -> Value:
        """For labels without the product."""
        return self.formula(**self.arguments(view, labels))

    def broken_down(self, breakdown: Breakdown) -> Metric:
        """Its label stands in the name before the unit, where the name ends in one."""
        by, suffix = breakdown.by, f"_{self.unit}" if self.unit in _SUFFIXES else ""
        return replace(
            self,
            name=f"{self.name.removesuffix(suffix)}_by_{by}{suffix}",
            help=breakdown.help or f"{self.help} {breakdown.added}",
            labels={by: breakdown.values, **self.labels},
            example=breakdown.example,
            panel=Panel(breakdown.title or f"{self.panel.title}, by {by}"),
            alerts=(),
            card=None,
            breakdowns=(),
        )


_SUFFIXES = ("customers", "ratio", "seconds", "score", "mean")
"""Units that end a metric's name."""


@dataclass(frozen=True)
class Family:
    """Indicators that answer one question.

    scenario    of which the worked examples are samples
    indicators  as they are shown, each followed by its breakdowns; those of a group come after all of it
    series      that the family makes, besides those that its indicators read
    address     of its dashboard and its section; empty: the title
    """

    title: str
    question: str
    scenario: Scenario
    indicators: tuple[Metric | tuple[Metric, ...], ...]
    series: tuple[Series, ...] = ()
    address: str = ""

    @property
    def slug(self) -> str:
        """The family's name in file names and addresses."""
        return self.address or self.title.lower().replace(" ", "-")

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """Every indicator, breakdowns too."""
        found: list[Metric] = []
        for group in self.indicators:
            group = (group,) if isinstance(group, Metric) else group
            by = dict.fromkeys(breakdown.by for metric in group for breakdown in metric.breakdowns)
            found += group
            found += (
                metric.broken_down(breakdown)
                for label in by
                for metric in group
                for breakdown in metric.breakdowns
                if breakdown.by == label
            )
        return tuple(found)

    @property
    def all_series(self) -> Iterator[Series]:
        """Those that it makes or reads, with their splits."""
        for series in (*self.series, *(each for metric in self.metrics for each in metric.series)):
            yield from (series, *series.splits)


def ratio(part: float, whole: float) -> float | None:
    """part ÷ whole; None when there is nothing to divide by."""
    return part / whole if whole else None


def count(number: int) -> int:
    """A count is its own reading."""
    return number
