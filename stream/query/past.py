"""The past, as far as the series still tell it: which readings are true of a moment before the newest event, and why
others are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from stream.core.definitions import Definitions
from stream.core.series import Kept, Kind, Series, Table
from stream.core.time import FAR_PAST, Calendar
from stream.indicators.declare import Metric, Value
from stream.indicators.families.activity import EVENTS
from stream.indicators.reads import Labels, View, Where

NO_LONGER_KEPT = "no longer kept"
OVERWRITTEN = "overwritten since"
"""Of each customer the last time is kept, or what stands now; and later events have changed that."""
BY_THE_HOUR = "kept by the hour"
"""The moment is none of those that are still told apart."""

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
        self._last: dict[str, int] = {}

    def at(self, minute: int) -> PastView:
        today = self._calendar.day(minute)
        return PastView(self.table, self.product, minute, today, self._definitions, past=self)

    @cached_property
    def newest(self) -> int:
        """The minute of the product's newest event."""
        last = self.last(EVENTS)
        return self.kept.newest if last == FAR_PAST else last

    def last(self, series: Series) -> int:
        """The time of the last increment to it; FAR_PAST without any."""
        if series.name not in self._last:
            keys = self.table.keys(series.name, self.product)
            times = (self.table.cells_of(key).cells()[0] for key in keys)
            self._last[series.name] = max((int(each[-1]) for each in times if len(each)), default=FAR_PAST)
        return self._last[series.name]


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
        if not self.untold:
            return Told(value)
        return Told(None, next(word for word in _WORDS if word in self.untold))

    def samples(self, metric: Metric) -> Iterator[tuple[dict[str, str], Told]]:
        """As those of the metric."""
        for labels in metric.label_sets(self):
            yield labels, self.told(metric, labels)

    def _note(self, series: Series, after: int | None, until: int) -> None:
        kept, bounds = self.past.kept, [until] if after is None else [after, until]
        if not all(kept.reaches(series, bound) for bound in bounds):
            self.untold.add(NO_LONGER_KEPT)
        elif not all(kept.separates(series, bound) for bound in bounds):
            self.untold.add(BY_THE_HOUR)
        if self.minute < self.past.newest and self._is_overwritten(series, until):
            self.untold.add(OVERWRITTEN)

    def _is_overwritten(self, series: Series, until: int) -> bool:
        """Whether events after this moment may have changed what is read."""
        if series.grain == "day":
            return until >= self.today  # a day that was not over
        if series.kind is Kind.CENSUS:
            return self.past.last(series) > self.minute
        return series.kind is Kind.STOCK and self.minute < self.past.newest - series.settled
