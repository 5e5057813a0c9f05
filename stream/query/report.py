"""`assidu report`: every indicator now or at another moment, read-only."""

from __future__ import annotations

from datetime import datetime

import msgspec

from stream.core.time import MINUTE_MS, Calendar, minute_of, rfc3339
from stream.indicators.catalogue import SERIES
from stream.indicators.declare import Value
from stream.query.samples import Sample, samples
from stream.runtime.errors import UserError
from stream.runtime.json_text import json_text
from stream.runtime.printable import printable
from stream.runtime.terminal import Terminal
from stream.settings import Settings
from stream.store import meta
from stream.store.replica import Replica


class ReportLine(msgspec.Struct):
    """One sample of the report; value null where undefined."""

    name: str
    labels: dict[str, str]
    value: Value


class Report(msgspec.Struct):
    """`at` is RFC 3339 in UTC; `caution` says why some values are null although there may be data."""

    at: str
    metrics: list[ReportLine]
    caution: str | None = None

    def to_json(self) -> str:
        return json_text({"at": self.at, "metrics": self.metrics})


async def make_report(settings: Settings, at: datetime | None = None, product: str | None = None) -> Report:
    """Every indicator at `at` (truncated to the minute) or now. Raises UserError for an unknown product."""
    async with meta.reading(settings) as redis:
        replica = Replica(redis, settings.namespace, settings.partitions, SERIES)
        await replica.refresh()
        now_ms = await replica.now_ms()
    if product is not None and product not in replica.table.products:
        known = ", ".join(map(printable, replica.table.products)) or "none yet"
        raise UserError(f"no product {product!r}; known: {known}")
    newest_ms = replica.newest_ms
    if at is not None:
        minute = minute_of(int(at.timestamp() * 1000))
    else:
        minute = minute_of(replica.clock_ms(settings.clock, now_ms) or now_ms)
    found = samples(
        replica.table,
        minute,
        Calendar(settings.zone),
        settings.indicators.definitions,
        None if product is None else [product],
    )
    before_newest = at is not None and newest_ms is not None and minute < minute_of(newest_ms)
    return Report(
        at=rfc3339(minute * MINUTE_MS),
        metrics=[_line(sample, before_newest) for sample in found],
        caution=_caution(minute, newest_ms) if before_newest and newest_ms is not None else None,
    )


def show(report: Report, terminal: Terminal) -> None:
    """The report as a table for a person."""
    if not report.metrics:
        terminal.say(f"at {report.at}: nothing was counted yet")
        return
    terminal.say(f"at {report.at}")
    rows = ((line.name, written(line.labels), _number(line.value)) for line in report.metrics)
    terminal.table(("indicator", "labels", "value"), rows)


def written(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items())


def _line(sample: Sample, before_newest: bool) -> ReportLine:
    unanswerable = before_newest and sample.metric.rolling
    return ReportLine(sample.metric.name, sample.labels, None if unanswerable else sample.value)


def _caution(minute: int, newest_ms: int) -> str:
    at, newest = (rfc3339(each * MINUTE_MS) for each in (minute, minute_of(newest_ms)))
    return (
        f"{at} lies before the newest event ({newest}): indicators over complete "
        "days are answered, rolling ones cannot be any more and are null"
    )


def _number(value: Value) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
