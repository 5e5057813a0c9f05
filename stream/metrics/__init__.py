"""The catalogue: every family of indicators, what it adds to the series and what it shows."""

from __future__ import annotations

from stream.core.customer import Customer
from stream.core.series import Add
from stream.metrics import activity, complete_days, first_week, retention
from stream.metrics.activity import ACTIVE_TYPES, count_event

FAMILIES = (activity, complete_days, first_week, retention)
SERIES = tuple(series for family in FAMILIES for series in family.SERIES)
METRICS = tuple(metric for family in FAMILIES for metric in family.METRICS)

__all__ = ["ACTIVE_TYPES", "FAMILIES", "METRICS", "SERIES", "change", "count_event"]


def change(add: Add, product: str, old: Customer | None, new: Customer) -> None:
    """contribution(new) − contribution(old), of every family. Shape: calls `add(key, time, count)`."""
    for family in FAMILIES:
        family.change(add, product, old, new)
