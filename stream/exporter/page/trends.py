"""How figures moved: rolling ones by the minute, from memory; those over complete days recomputed for past days."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from stream.core.definition import Metric, Value, View
from stream.exporter.page.reading import value_at

MINUTES = 60
DAYS = 30

Name = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name: the metric's and its labels, product included."""

Point = tuple[int, float]
"""(how many minutes or days ago, value); nothing where the value was undefined."""


def name_of(metric: Metric, labels: Mapping[str, str]) -> Name:
    return metric.name, tuple(sorted(labels.items()))


class Minutes:
    """The last hour of every rolling figure, one point a minute, since this exporter started."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, dict[Name, float]]] = deque()

    def lacks(self, minute: int) -> bool:
        return not self._kept or minute > self._kept[-1][0]

    def add(self, minute: int, values: Mapping[Name, Value]) -> None:
        """The values seen in a minute later than all before."""
        self._kept.append((minute, {name: value for name, value in values.items() if value is not None}))
        while self._kept[0][0] <= minute - MINUTES:
            self._kept.popleft()

    def of(self, name: Name, minute: int) -> list[Point]:
        """Oldest first, as seen from `minute`."""
        return [(minute - then, values[name]) for then, values in self._kept if name in values]


def past_days(metric: Metric, labels: Mapping[str, str], view: View) -> list[Point]:
    """The last month of an indicator over complete days, oldest first, without today: exact, as days do not move."""
    found = ((ago, value_at(metric, labels, replace(view, today=view.today - ago))) for ago in range(DAYS, 0, -1))
    return [(ago, value) for ago, value in found if value is not None]
