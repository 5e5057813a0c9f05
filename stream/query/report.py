"""`assidu report`: every indicator now or at another moment, read-only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import msgspec

from stream.core.time import MINUTE_MS, minute_of, rfc3339
from stream.indicators.declare import Value
from stream.query.reading import metrics_named, read
from stream.runtime.json_text import json_text
from stream.runtime.spreadsheet import csv_lines
from stream.runtime.terminal import Terminal
from stream.settings import Settings


class ReportLine(msgspec.Struct, omit_defaults=True):
    """One sample of the report; value null where undefined, or where `untold` says why it cannot be told."""

    name: str
    labels: dict[str, str]
    value: Value
    untold: str | None = None


class Report(msgspec.Struct):
    """`at` is RFC 3339 in UTC; `caution` says that some values cannot be told."""

    at: str
    metrics: list[ReportLine]
    caution: str | None = None

    def to_json(self) -> str:
        return json_text({"at": self.at, "metrics": self.metrics})


async def make_report(
    settings: Settings, at: datetime | None = None, product: str | None = None, indicators: Collection[str] = ()
) -> Report:
    """Every indicator, or those named, at `at` (truncated to the minute) or now. Raises UserError for an unknown
    product or indicator."""
    metrics = metrics_named(indicators)
    reading = await read(settings, product)
    minute = reading.now if at is None else minute_of(int(at.timestamp() * 1000))
    views = [past.at(minute) for past in reading.products]
    lines = [
        ReportLine(metric.name, {"product": view.product, **labels}, *told)
        for metric in metrics
        for view in views
        for labels, told in view.samples(metric)
    ]
    moment = rfc3339(minute * MINUTE_MS)
    return Report(moment, lines, _caution(moment, reading.newest) if any(line.untold for line in lines) else None)


def show(report: Report, terminal: Terminal) -> None:
    """The report as a table for a person."""
    if not report.metrics:
        terminal.say(f"at {report.at}: nothing was counted yet")
        return
    terminal.say(f"at {report.at}")
    rows = ((line.name, written(line.labels), line.untold or number(line.value)) for line in report.metrics)
    terminal.table(("indicator", "labels", "value"), rows)


def to_csv(report: Report) -> str:
    """As `csv_of`."""
    names = dict.fromkeys(name for line in report.metrics for name in line.labels)
    return "".join(csv_of(names, ((report.at, *msgspec.structs.astuple(line)) for line in report.metrics)))


Row = tuple[str, str, dict[str, str], Value, str | None]
"""Moment, indicator, labels, value, why it cannot be told."""


def csv_of(label_names: Iterable[str], rows: Iterable[Row]) -> Iterator[str]:
    """CSV, line by line: headings first, a column for each label. Cells are guarded, see `spreadsheet`."""
    names = list(label_names)
    cells = ((at, name, *map(labels.get, names), value, untold) for at, name, labels, value, untold in rows)
    return csv_lines(("at", "indicator", *names, "value", "untold"), cells)


def written(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items())


def number(value: Value) -> str:
    """For a person; a dash where it is undefined."""
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _caution(at: str, newest: int | None) -> str:
    before = f" (the newest event: {rfc3339(newest * MINUTE_MS)})" if newest is not None else ""
    return f"not all can be told of {at}{before}: values that cannot are null and say why"
