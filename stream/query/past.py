"""The past, as far as the series still tell it: which readings are true of a moment before the newest event, and why
others are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from stream.core.definitions import Definitions
from stream.core.series import Kept, Kind, Series, Table
from stream.core.time import Calendar
from stream.indicators.declare import Metric, Value
from stream.indicators.families.activity import EVENTS
from stream.indicators.families.complete_days import ACTIVE_ON_DAY
from stream.indicators.reads import Labels, View, Where

NO_LONGER_KEPT = "no longer kept"
OVERWRITTEN = "overwritten since"
"""Of each customer the last time is kept, or what stands now; and later events have changed that."""
BY_THE_HOUR = "kept by the hour"
"""The moment is none of those that are still told apart."""

_OF_DAYS = "of days"
"""Not overwritten for an indicator over complete days, and for any other."""

_WORDS = (NO_LONGER_KEPT, OVERWRITTEN, BY_THE_HOUR)
"""Of several reasons the first is said."""


class Told(NamedTuple):
    """A value; or, in one of the words above, why it cannot be told."""

    value: Value
    untold: str | None = None


class Past:
    """Of one product; `kept` is what there may be of its series."""

    def __init__(self, table: Table, product: str, calendar: Calendar, definitions: Definitions, kept: Kept) -> None:
        self.table, self.product, self.kept = table, product, kept
        self._calendar, self._definitions = calendar, definitions
        self._spans: dict[str, tuple[int, int] | None] = {}

    def at(self, minute: int) -> PastView:
        today = self._calendar.day(minute)
        return PastView(self.table, self.product, minute, today, self._definitions, past=self)

    @cached_property
    def newest(self) -> int:
        """The minute of the product's newest event."""
        span = self.span(EVENTS)
        return span[1] if span else self.kept.newest

    @cached_property
    def earliest(self) -> int | None:
        """The first minute of which anything is known; None where nothing ever was."""
        span, days = self.span(EVENTS), self.span(ACTIVE_ON_DAY)
        known = [*(span or ())[:1], *map(self._calendar.first_minute, (days or ())[:1])]
        return min(known, default=None)

    def span(self, series: Series) -> tuple[int, int] | None:
        """The times of the first and the last increment to it."""
        if series.name not in self._spans:
            keys = self.table.keys(series.name, self.product)
            found = [times for key in keys if len(times := self.table.cells_of(key).cells()[0])]
            ends = [(int(times[0]), int(times[-1])) for times in found]
            self._spans[series.name] = (min(ends)[0], max(last for _, last in ends)) if ends else None
        return self._spans[series.name]


@dataclass(frozen=True, kw_only=True)
class PastView(View):
    """A view that notes what it cannot tell, in `untold`."""

    past: Past
    untold: set[str] = field(default_factory=set, compare=False, repr=False)

    def sum(self, series: Series, labels: Labels, after: int | None, until: int, where: Where | None = None) -> int:
        self._note(series, after, until)
        return super().sum(series, labels, after, until, where)

    def sums(self, series: Series, by: str, labels: Labels, after: int | None, until: int) -> dict[str, int]:
        self._note(series, after, until)
        return super().sums(series, by, labels, after, until)

    def told(self, metric: Metric, labels: Labels) -> Told:
        """The metric's value for labels without the product, if it can be told."""
        self.untold.clear()
        value = metric.value(self, labels)
        if metric.rolling and _OF_DAYS in self.untold:
            self.untold.add(OVERWRITTEN)
        untold = next((word for word in _WORDS if word in self.untold), None)
        return Told(None, untold) if untold else Told(value)

    def samples(self, metric: Metric) -> Iterator[tuple[dict[str, str], Told]]:
        """As those of the metric."""
        for labels in metric.label_sets(self):
            yield labels, self.told(metric, labels)

    def _note(self, series: Series, after: int | None, until: int) -> None:
        asked = ("untold", series.name, after, until)
        if asked not in self.known:
            self.known[asked] = tuple(self._reasons(series, [until] if after is None else [after, until]))
        self.untold.update(self.known[asked])

    def _reasons(self, series: Series, bounds: list[int]) -> Iterator[str]:
        """Why the increments between these bounds cannot be told."""
        kept = self.past.kept
        if not all(kept.reaches(series, bound) for bound in bounds):
            yield NO_LONGER_KEPT
        if not all(kept.separates(series, bound) for bound in bounds):
            yield BY_THE_HOUR
        if self.minute < self.past.newest:
            if series.grain == "day":
                yield _OF_DAYS
            elif self._is_overwritten(series):
                yield OVERWRITTEN

    def _is_overwritten(self, series: Series) -> bool:
        """Whether events after this moment may have changed what is read."""
        if series.kind is Kind.CENSUS:
            span = self.past.span(series)
            return span is not None and span[1] > self.minute
        return series.kind is Kind.STOCK and self.minute < self.past.newest - series.settled
