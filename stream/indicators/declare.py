"""What an indicator is: readings of series at a moment, a formula over them, and the words that explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product as combinations
from typing import Any, Literal

from stream.core.cells import Cells
from stream.core.definitions import Definitions
from stream.core.series import Key, Series, Table, Wanted
from stream.core.time import DAY, WINDOWS, floor_hour

Labels = Mapping[str, str]
Value = float | int | None


@dataclass(frozen=True)
class View:
    """The series of one product as seen at one moment: minute T and its local day.

    touched   names of the series that were looked at: what is read from them stays true until one of them changes
    known     what was summed up or chosen before, for many indicators read the same; true for this one moment
    """

    table: Table
    product: str
    minute: int
    today: int
    definitions: Definitions = Definitions()  # noqa: RUF009 — frozen
    touched: set[str] = field(default_factory=set, compare=False, repr=False)
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def sum(self, series: Series, labels: Labels, after: int | None, until: int, where: Where | None = None) -> int:
        """Sum over (after, until] of every key that agrees with `labels`; labels the series lacks don't count."""
        self.touched.add(series.name)
        values = tuple([labels.get(name) for name in series.labels])
        if None not in values:
            cells = self.table.get((series.name, self.product, *values))  # type: ignore[arg-type]
            return cells.total(after, until) if cells else 0
        asked = (series.name, values, where, after, until)
        total: int | None = self.known.get(asked)
        if total is None:
            total = sum(cells.total(after, until) for cells in self._cells(series.name, values, where))
            self.known[asked] = total
        return total

    def keys(self, series: str) -> list[Key]:
        """Every key of the series, in the order in which they appeared."""
        self.touched.add(series)
        return self.table.keys(series, self.product)

    def _cells(self, series: str, values: Wanted, where: Where | None) -> list[Cells]:
        asked = (series, values, where)
        found: list[Cells] | None = self.known.get(asked)
        if found is None:
            keys = self.table.keys_with(series, self.product, values)
            found = [self.table.cells_of(key) for key in keys if where is None or where(self, key)]
            self.known[asked] = found
        return found


Where = Callable[[View, Key], bool]
Read = Callable[[View, Labels], Any]
Find = Callable[[View], list[str]]
Choices = tuple[str, ...] | Find
Rows = Callable[[View], list[dict[str, str]]]


def census(series: Series, window: str | None = None) -> Read:
    """Customers whose last activity lies in (T − W, T]; the window is given, or the metric's own label."""

    def read(view: View, labels: Labels) -> int:
        width = WINDOWS[window or labels["window"]]
        return view.sum(series, labels, view.minute - width, view.minute)

    return read


def flow(series: Series, window: str | None = None, where: Where | None = None) -> Read:
    """Counts, and censuses of anything but activity: 24h to the minute, 7d and 30d from the hour,
    (floor_hour(T − W), T]."""

    def read(view: View, labels: Labels) -> int:
        width = WINDOWS[window or labels["window"]]
        start = view.minute - width
        return view.sum(series, labels, start if width == DAY else floor_hour(start), view.minute, where)

    return read


def level(series: Series, days_ago: int = 1) -> Read:
    """What stood on the day that many days before today (1: the last complete day)."""

    def read(view: View, labels: Labels) -> int:
        return view.sum(series, labels, None, view.today - days_ago)

    return read


def standing(series: Series) -> Read:
    """What stands now, of a series whose increments lie at minutes."""
    return lambda view, labels: view.sum(series, labels, None, view.minute)


def on_days(series: Series, first_ago: int, last_ago: int, where: Where | None = None) -> Read:
    """Counts on the days from `first_ago` to `last_ago` days before today, both included."""

    def read(view: View, labels: Labels) -> int:
        return view.sum(series, labels, view.today - first_ago - 1, view.today - last_ago, where)

    return read


def given(label: str) -> Read:
    """The metric's own label, for a formula that differs by it."""
    return lambda _view, labels: labels[label]


def found(label: str, *series: Series) -> Find:
    """The values of the label that the product has shown so far in any of the series.

    Name plain counts where there are any: a memory may forget in the very batch in which it learnt.
    """
    positions = {each.name: 2 + each.labels.index(label) for each in series}

    def choices(view: View) -> list[str]:
        return sorted({key[at] for name, at in positions.items() for key in view.keys(name)})

    return choices


def standing_under(label: str, series: Series, *others: Series) -> Find:
    """The values of the label under which anything stands now, and those `found` in the others."""
    position = 2 + series.labels.index(label)
    rest = found(label, *others)

    def choices(view: View) -> list[str]:
        values = {key[position] for key in view.keys(series.name)}
        stands = {value for value in values if view.sum(series, {label: value}, None, view.minute)}
        return sorted(stands.union(rest(view)))

    return choices


def found_together(series: Series, *labels: str, where: Mapping[str, str] | None = None) -> Rows:
    """The combinations of the labels' values that the product has shown so far, where other labels are as given."""

    def rows(view: View) -> list[dict[str, str]]:
        found = set()
        for key in view.keys(series.name):
            have = dict(zip(series.labels, key[2:], strict=True))
            if all(have[name] == value for name, value in (where or {}).items()):
                found.add(tuple(have[name] for name in labels))
        return [dict(zip(labels, values, strict=True)) for values in sorted(found)]

    return rows


@dataclass(frozen=True)
class Example:
    """One sample of the family's story: what was read, the value that follows, and the sample's labels."""

    reads: Mapping[str, Any]
    value: Value
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """How dashboards draw an indicator: lines over time, unless it says otherwise.

    bars      the label whose values stand side by side, as they are now
    overview  it stands on the overview too, as a large number, with these labels; None: it does not
    """

    title: str
    bars: str | None = None
    overview: Labels | None = None


@dataclass(frozen=True)
class RestsOn:
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
    """

    title: str
    gauge: str
    by: str
    labels: Labels = field(default_factory=dict)
    lowest: RestsOn | None = None


Condition = Literal["below", "above", "falls_by", "drops_by", "rises_by"]

CHANGES = ("falls_by", "drops_by", "rises_by")
"""Conditions that compare with the same time a week before."""

TARGET_GAUGE = "engagement_target"
"""Shows the target of every indicator that has one, by the labels `product` and `indicator`."""


@dataclass(frozen=True)
class Alert:
    """When somebody is told.

    summary    what has happened, for a person in a hurry
    for_       how long it must last, as Prometheus writes durations
    condition  below, above: than the threshold. Against the same time a week before: falls_by (by this share of
               what it was), drops_by, rises_by (by so many points), or more
    threshold  the default, as is for_: the indicators file changes them
    labels     it is about the samples with these labels only
    """

    name: str
    summary: str
    condition: Condition
    threshold: float
    rests_on: RestsOn
    reasons: Reasons
    for_: str
    labels: Labels = field(default_factory=dict)
    severity: Literal["warning", "critical"] = "warning"


@dataclass(frozen=True)
class Metric:
    """One indicator.

    rows      combinations of some labels that belong together, as found in a series; row_labels names them
    labels    further label -> its possible values (fixed, or those found); the product is always there
    reads     formula argument -> reading
    formula   over the readings; None where there is nothing to divide by
    rolling   it is only true at T ≥ the newest event (False: complete days, true at any T)
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
    rolling: bool = True

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label of the gauge, the product first."""
        return ("product", *self.row_labels, *self.labels)

    def samples(self, view: View) -> Iterator[tuple[dict[str, str], Value]]:
        """(labels without the product, value) for every combination of label values."""
        choices = [values(view) if callable(values) else values for values in self.labels.values()]
        for row in self.rows(view) if self.rows else [{}]:
            for values in combinations(*choices):
                labels = {**row, **dict(zip(self.labels, values, strict=True))}
                readings = {name: read(view, labels) for name, read in self.reads.items()}
                yield labels, self.formula(**readings)


_SUFFIXES = ("customers", "ratio", "seconds")
"""Units that end a metric's name."""


def twin(metric: Metric, by: str, values: Choices, words: str, example: Example) -> Metric:
    """The metric's twin by a label: it stands before the unit, where the name ends in one."""
    suffix = f"_{metric.unit}" if metric.unit in _SUFFIXES else ""
    return replace(
        metric,
        name=f"{metric.name.removesuffix(suffix)}_by_{by}{suffix}",
        help=f"{metric.help} {words}",
        labels={by: values, **metric.labels},
        example=example,
        panel=Panel(f"{metric.panel.title}, by {by}"),
        alerts=(),
    )


def ratio(part: float, whole: float) -> float | None:
    """part ÷ whole; None when there is nothing to divide by."""
    return part / whole if whole else None


def count(number: int) -> int:
    """A count is its own reading."""
    return number
