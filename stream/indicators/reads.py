"""Readings: what is read of the series at a moment, for an indicator with its labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from stream.core import quantiles
from stream.core.cells import Cells
from stream.core.definitions import Definitions
from stream.core.series import Key, Kind, Series, Table, Wanted
from stream.core.time import AHEAD, DAY, WINDOWS, floor_hour
from stream.indicators.state.segments import IDENTIFIED, SEGMENT, UNKNOWN

Labels = Mapping[str, str]


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
        """Sum over (after, until] of every key that agrees with `labels`; labels the series lacks don't count. Where
        there is a label that only a split of the series has, of the split."""
        for label, split in series.by_label.items():
            if label not in labels:
                continue
            if label != SEGMENT or labels[label] != UNKNOWN:
                return self.sum(split, labels, after, until, where)
            rest = {name: value for name, value in labels.items() if name != SEGMENT}
            return self.sum(series, rest, after, until, where) - self.sum(split, rest, after, until, where)
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

    def sums(self, series: Series, by: str, labels: Labels, after: int | None, until: int) -> dict[str, int]:
        """By value of the label `by`: the sum over (after, until] of the keys that agree with `labels`, if not 0."""
        self.touched.add(series.name)
        position = 2 + series.labels.index(by)
        found: dict[str, int] = defaultdict(int)
        for key in self.table.keys_with(series.name, self.product, tuple(map(labels.get, series.labels))):
            found[key[position]] += self.table.cells_of(key).total(after, until)
        return {value: total for value, total in found.items() if total}

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


@dataclass(frozen=True)
class Part:
    """How much of the series there is in a window: its own, or the one that the metric's labels name; of a level,
    what stands at T.

    (T − W, T] to the minute, for 24h and for customer activity; else (floor_hour(T − W), T]. A customer whose clock
    is ahead must not vanish at each of its events, so a census is read to T + AHEAD.

    where  which keys count
    """

    series: Series
    window: str = ""
    where: Where | None = None
    to_the_minute: bool = False

    def __call__(self, view: View, labels: Labels) -> int:
        if self.series.kind is Kind.STOCK:
            return view.sum(self.series, labels, None, view.minute, self.where)
        width = WINDOWS[self.window or labels["window"]]
        start = view.minute - width
        if width != DAY and not self.to_the_minute:
            start = floor_hour(start)
        until = view.minute + AHEAD if self.series.kind is Kind.CENSUS else view.minute
        return view.sum(self.series, labels, start, until, self.where)


def of(series: Series, window: str = "", where: Where | None = None, **values: tuple[str, ...]) -> Part:
    """The part of the series in the window; only keys with these values of labels, if any are named."""
    to_the_minute = series.to_the_minute or series.kind is Kind.STOCK  # which has no window, and sets none
    return Part(series, window, _having(series, values) if values else where, to_the_minute)


def _having(series: Series, values: Mapping[str, tuple[str, ...]]) -> Where:
    at = {2 + series.labels.index(label): wanted for label, wanted in values.items()}
    return lambda _, key: all(key[position] in wanted for position, wanted in at.items())


def stood(series: Series, days_ago: int = 1) -> Read:
    """What stood on the day that many days before today (1: the last complete day)."""

    def read(view: View, labels: Labels) -> int:
        return view.sum(series, labels, None, view.today - days_ago)

    return read


def standing(series: Series, minutes_ago: int = 0) -> Read:
    """What stands now, or stood so long ago, of a series whose increments lie at minutes."""
    return lambda view, labels: view.sum(series, labels, None, view.minute - minutes_ago)


def on_days(series: Series, first_ago: int, last_ago: int, where: Where | None = None) -> Read:
    """Counts on the days from `first_ago` to `last_ago` days before today, both included."""

    def read(view: View, labels: Labels) -> int:
        return view.sum(series, labels, view.today - first_ago - 1, view.today - last_ago, where)

    return read


def quantile(series: Series, read: Read) -> Read:
    """Of amounts that the series counts by `bucket` (core/quantiles.py), the one that a share of them do not exceed,
    at most 5 % off; None of nothing. The share is what the metric's label `quantile` says.

    read  how many there are, of labels with their bucket
    """
    in_use = found("bucket", series)

    def of_amounts(view: View, labels: Labels) -> float | None:
        counts = {int(bucket): read(view, {**labels, "bucket": bucket}) for bucket in in_use(view)}
        bucket = quantiles.quantile(counts, Fraction(labels["quantile"]))
        return None if bucket is None else quantiles.amount(bucket)

    return of_amounts


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


def segments(*series: Series) -> Find:
    """`unknown`, and those that were identified or that the series, or their splits by segment, ever showed."""
    known = found(SEGMENT, IDENTIFIED, *(each.by_label.get(SEGMENT, each) for each in series))

    def choices(view: View) -> list[str]:
        return sorted({UNKNOWN, *known(view)})

    return choices


def found_together(series: Series | Iterable[Series], *labels: str, where: Mapping[str, str] | None = None) -> Rows:
    """The combinations of the labels' values that the product has shown so far in any of the series, where other
    labels are as given.

    Name plain counts where there are any, as for `found`.
    """
    several = (series,) if isinstance(series, Series) else tuple(series)

    def rows(view: View) -> list[dict[str, str]]:
        found = set()
        for each in several:
            for key in view.keys(each.name):
                have = dict(zip(each.labels, key[2:], strict=True))
                if all(have[name] == value for name, value in (where or {}).items()):
                    found.add(tuple(have[name] for name in labels))
        return [dict(zip(labels, values, strict=True)) for values in sorted(found)]

    return rows
