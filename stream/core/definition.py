"""What an indicator is: readings of series at a moment, a formula over them, and the words that explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product as combinations
from typing import Any

from stream.core.series import Key, Series, Table
from stream.core.time import DAY, WINDOWS, floor_hour

Labels = Mapping[str, str]
Value = float | int | None


@dataclass(frozen=True)
class Definitions:
    """The settings that shape the definitions themselves."""

    first_week_days: int = 3


@dataclass(frozen=True)
class View:
    """The series of one product as seen at one moment: minute T and its local day."""

    table: Table
    product: str
    minute: int
    today: int
    definitions: Definitions = Definitions()

    def sum(self, series: Series, labels: Labels, after: int | None, until: int, where: Where | None = None) -> int:
        """Sum over (after, until] of every key that agrees with `labels`; labels the series lacks don't count."""
        fixed = [labels.get(name) for name in series.labels]
        if None not in fixed:
            cells = self.table.get((series.name, self.product, *fixed))  # type: ignore[arg-type]
            return cells.total(after, until) if cells else 0
        total = 0
        for key in self.table.keys(series.name, self.product):
            if all(want is None or want == have for want, have in zip(fixed, key[2:], strict=True)) and (
                where is None or where(self, key)
            ):
                total += self.table.cells_of(key).total(after, until)
        return total


Where = Callable[[View, Key], bool]
Read = Callable[[View, Labels], Any]
Choices = tuple[str, ...] | Callable[[View], list[str]]


def census(series: Series, window: str | None = None) -> Read:
    """Customers whose last time lies in (T − W, T]; the window is given, or the metric's own label."""

    def read(view: View, labels: Labels) -> int:
        width = WINDOWS[window or labels["window"]]
        return view.sum(series, labels, view.minute - width, view.minute)

    return read


def flow(series: Series, window: str | None = None) -> Read:
    """Counts in the window: 24h to the minute, 7d and 30d from the hour, (floor_hour(T − W), T]."""

    def read(view: View, labels: Labels) -> int:
        width = WINDOWS[window or labels["window"]]
        start = view.minute - width
        return view.sum(series, labels, start if width == DAY else floor_hour(start), view.minute)

    return read


def level(series: Series, days_ago: int = 1) -> Read:
    """What stood on the day that many days before today (1: the last complete day)."""

    def read(view: View, labels: Labels) -> int:
        return view.sum(series, labels, None, view.today - days_ago)

    return read


def on_days(series: Series, first_ago: int, last_ago: int, where: Where | None = None) -> Read:
    """Counts on the days from `first_ago` to `last_ago` days before today, both included."""

    def read(view: View, labels: Labels) -> int:
        return view.sum(series, labels, view.today - first_ago - 1, view.today - last_ago, where)

    return read


def given(label: str) -> Read:
    """The metric's own label, for a formula that differs by it."""
    return lambda _view, labels: labels[label]


def found(series: Series, label: str) -> Choices:
    """The values of the label that the product has shown so far."""
    position = 2 + series.labels.index(label)

    def choices(view: View) -> list[str]:
        return sorted({key[position] for key in view.table.keys(series.name, view.product)})

    return choices


@dataclass(frozen=True)
class Example:
    """A worked example of the formula: what was read, and the value that follows."""

    reads: Mapping[str, Any]
    value: Value


@dataclass(frozen=True)
class Metric:
    """One indicator.

    labels    label -> its possible values (fixed, or those found in a series); the product is always there
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
    labels: Mapping[str, Choices] = field(default_factory=dict)
    rolling: bool = True

    def samples(self, view: View) -> Iterator[tuple[dict[str, str], Value]]:
        """(labels without the product, value) for every combination of label values."""
        choices = [values(view) if callable(values) else values for values in self.labels.values()]
        for values in combinations(*choices):
            labels = dict(zip(self.labels, values, strict=True))
            readings = {name: read(view, labels) for name, read in self.reads.items()}
            yield labels, self.formula(**readings)


def ratio(part: float, whole: float) -> float | None:
    """part ÷ whole; None when there is nothing to divide by."""
    return part / whole if whole else None


def count(number: int) -> int:
    """A count is its own reading."""
    return number
