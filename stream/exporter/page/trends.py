"""How figures moved: by the day, read from what is stored, or by the minute, remembered from when it was true."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from stream.indicators.declare import Metric, Value
from stream.indicators.families.complete_days import ACTIVE_ON_DAY, COVERS
from stream.indicators.reads import View, on_days, stood

MINUTES = 60
DAYS = 30

Name = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name: the metric's and its labels, product included."""

Point = tuple[int, float]
"""(how many minutes or days ago, value); nothing where the value was undefined."""


def name_of(metric: Metric, labels: Mapping[str, str]) -> Name:
    return metric.name, tuple(sorted(labels.items()))


Past = tuple[int, int]
"""A local day, and the customer-days of the month before it: by how much of the past was known."""

_CUSTOMER_DAYS = on_days(ACTIVE_ON_DAY, DAYS, 1)
_CUSTOMERS = stood(COVERS[60])
_SAME = 0.01
"""Of a past that differs by less it is the same that is known: some events come late every day."""


def past_of(view: View) -> Past:
    return view.today, _CUSTOMER_DAYS(view, {})


def is_known_alike(past: Past, view: View) -> bool:
    """Is as much known of that past now as then? Else what was read then cannot be compared with what is read now."""
    today, then = past
    now = _CUSTOMER_DAYS(replace(view, today=today), {})
    return bool(abs(now - then) <= _SAME * now)


class Minutes:
    """The last hour of every rolling figure, one point a minute at which it was true, since this exporter started."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, dict[Name, float], dict[str, Past]]] = deque()

    def lacks(self, minute: int, views: Mapping[str, View]) -> bool:
        """Is there nothing of the minute, or nothing that is true by now?"""
        if not self._kept or minute > self._kept[-1][0]:
            return True
        *_, pasts = self._kept[-1]
        return not all(product in pasts and is_known_alike(pasts[product], view) for product, view in views.items())

    def add(self, minute: int, values: Mapping[Name, Value], pasts: Mapping[str, Past]) -> None:
        """The values seen in a minute not before any other, and by product the past that they rest on."""
        if self._kept and self._kept[-1][0] == minute:
            self._kept.pop()
        kept = {name: value for name, value in values.items() if value is not None}
        self._kept.append((minute, kept, dict(pasts)))
        while self._kept[0][0] <= minute - MINUTES:
            self._kept.popleft()

    def of(self, name: Name, minute: int, view: View) -> list[Point]:
        """Oldest first, as seen from `minute`; nothing from before a part of the past was folded."""
        points = []
        for then, values, pasts in self._kept:
            past = pasts.get(view.product)
            if name in values and past and is_known_alike(past, view):
                points.append((minute - then, values[name]))
        return points


def has_customers(view: View) -> bool:
    """Else there was nobody to count, which is not the same as a count of 0."""
    return bool(_CUSTOMERS(view, {}))


def past_days(read: Callable[[View], Value], view: View) -> list[Point]:
    """What was read on each day of the last month, oldest first, without today: exact, as days do not move."""
    found = ((ago, read(replace(view, today=view.today - ago))) for ago in range(DAYS, 0, -1))
    return [(ago, value) for ago, value in found if value is not None]
