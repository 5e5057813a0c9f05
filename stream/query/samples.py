"""From series to samples: every indicator of every product at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stream.core.definitions import Definitions
from stream.core.series import Table
from stream.core.time import Calendar
from stream.indicators.catalogue import METRICS
from stream.indicators.declare import Metric, Value
from stream.indicators.reads import View


@dataclass(frozen=True)
class Sample:
    """One value of one indicator; `labels` hold the product too; None where undefined."""

    metric: Metric
    labels: dict[str, str]
    value: Value


def samples(
    table: Table,
    minute: int,
    calendar: Calendar,
    definitions: Definitions,
    products: Iterable[str] | None = None,
) -> Iterator[Sample]:
    """All samples at T = `minute`, metric by metric, of the given products or of all."""
    today = calendar.day(minute)
    names = table.products if products is None else products
    views = [View(table, product, minute, today, definitions) for product in names]
    for metric in METRICS:
        for view in views:
            for labels, value in metric.samples(view):
                yield Sample(metric, {"product": view.product, **labels}, value)
