"""`assidu report --history`: how the indicators moved, at one moment after another, as far as the series tell it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import NamedTuple

import msgspec

from stream.core.time import MINUTE_MS, minute_of, rfc3339
from stream.indicators.declare import Metric, Value
from stream.query.moments import first_of_default, moments
from stream.query.past import Past, PastView, Told
from stream.query.reading import Reading, metrics_named, read
from stream.query.report import Row, csv_of, number, written
from stream.query.step import Step
from stream.runtime.errors import UserError
from stream.runtime.json_text import json_text
from stream.runtime.progress import progress
from stream.runtime.terminal import Terminal
from stream.settings import Settings

MOST_MOMENTS = 10_000


class Point(msgspec.Struct, omit_defaults=True):
    """Value null where undefined, or where `untold` says why it cannot be told."""

    at: str
    value: Value
    untold: str | None = None


class Course(NamedTuple):
    """One sample, its labels with the product, at each minute at which there is one."""

    metric: Metric
    labels: dict[str, str]
    told: list[tuple[int, Told]]


class Line(msgspec.Struct):
    """The same, as JSON has it."""

    name: str
    labels: dict[str, str]
    points: list[Point]


@dataclass(frozen=True)
class Asked:
    """Moments without an offset are those of the deployment's timezone; None: as the step has it, and until now."""

    step: Step
    since: datetime | None = None
    until: datetime | None = None
    product: str | None = None
    indicators: Collection[str] = ()


@dataclass(frozen=True)
class History:
    """What was asked for, and all that it takes to tell it; `caution`: what is left out."""

    step: Step
    reading: Reading
    metrics: Sequence[Metric]
    minutes: Sequence[int]
    caution: str = ""

    def told(self) -> Iterator[Course]:
        """Indicator by indicator, and product by product."""
        with progress() as bars:
            bar = bars.add_task("reading the past", total=len(self.metrics) * len(self.reading.products))
            for metric in self.metrics:
                for past in self.reading.products:
                    yield from self._of_product(metric, past)
                    bars.advance(bar)

    def _of_product(self, metric: Metric, past: Past) -> Iterator[Course]:
        views: dict[tuple[tuple[str, str], ...], list[PastView]] = {}
        for minute in self.minutes:
            view = past.at(minute)
            for labels in metric.label_sets(view):
                views.setdefault(tuple(labels.items()), []).append(view)
        for items, of_sample in views.items():
            labels = dict(items)
            told = [(view.minute, view.told(metric, labels)) for view in of_sample]
            yield Course(metric, {"product": past.product, **labels}, told)

    def moment(self, minute: int) -> str:
        """In RFC 3339, in the deployment's timezone."""
        return rfc3339(minute * MINUTE_MS, self.reading.calendar.zone)

    def to_json(self) -> str:
        lines = [
            Line(metric.name, labels, [Point(self.moment(minute), *each) for minute, each in told])
            for metric, labels, told in self.told()
        ]
        return json_text({"history": self.step, "timezone": self.reading.calendar.zone.key, "metrics": lines})

    def to_csv(self) -> Iterator[str]:
        """Line by line, as `csv_of`."""
        names = dict.fromkeys(name for metric in self.metrics for name in metric.label_names)
        return csv_of(names, self._rows())

    def _rows(self) -> Iterator[Row]:
        for metric, labels, told in self.told():
            for minute, each in told:
                yield self.moment(minute), metric.name, labels, *each


async def make_history(settings: Settings, asked: Asked) -> History:
    """Raises UserError for what cannot be asked."""
    metrics = metrics_named(asked.indicators)
    return history_of(await read(settings, asked.product), asked, metrics)


def history_of(reading: Reading, asked: Asked, metrics: Sequence[Metric]) -> History:
    """As `make_history`, of what was read."""
    until = reading.now if asked.until is None else _minute(asked.until, reading)
    since = first_of_default(asked.step, until, reading.calendar)
    if asked.since is not None:
        since = _minute(asked.since, reading)
        if since > until:
            raise UserError(f"--since ({_said(since, reading)}) lies after --until ({_said(until, reading)})")
    known = [past.earliest for past in reading.products if past.earliest is not None]
    if not known:
        return History(asked.step, reading, metrics, ())
    earliest = min(known)
    first = earliest if since is None else max(since, earliest)
    minutes = list(islice(moments(asked.step, first, until, reading.calendar), MOST_MOMENTS + 1))
    if len(minutes) > MOST_MOMENTS:
        raise UserError(
            f"--history {asked.step}: more than {MOST_MOMENTS:,} moments lie between {_said(first, reading)} and "
            f"{_said(until, reading)}; ask for a longer step or a shorter time"
        )
    cautions = []
    if until < earliest or (asked.since is not None and first == earliest):
        cautions.append(f"nothing is known from before {_said(earliest, reading)}")
    if not minutes and first <= until:
        between = f"{_said(first, reading)} and {_said(until, reading)}"
        cautions.append(f"no {_BEGINNINGS[asked.step]} lies between {between}")
    return History(asked.step, reading, metrics, minutes, "; ".join(cautions))


_BEGINNINGS: dict[Step, str] = {
    "hour": "full hour of UTC",
    "day": "midnight",
    "week": "Monday's midnight",
    "month": "first midnight of a month",
}


def show(history: History, terminal: Terminal) -> None:
    """A table for each indicator, for a person: moments of which the same cannot be told are one row."""
    rows: dict[str, list[tuple[str, str, str]]] = {}
    for metric, labels, told in history.told():
        of_metric = rows.setdefault(metric.name, [])
        of_metric += ((written(labels), at, value) for at, value in _shown(history, told))
    for name, of_metric in rows.items():
        terminal.say(name)
        terminal.table(("labels", "at", "value"), of_metric)
    if not rows and not history.caution:
        terminal.say("nothing was counted yet")


def _shown(history: History, told: Sequence[tuple[int, Told]]) -> Iterator[tuple[str, str]]:
    for untold, points in groupby(told, key=lambda point: point[1].untold):
        group = [(history.moment(minute), each) for minute, each in points]
        if untold is None:
            yield from ((at, number(each.value)) for at, each in group)
        else:
            first, last = group[0][0], group[-1][0]
            yield first if first == last else f"{first} to {last}", untold


def _minute(moment: datetime, reading: Reading) -> int:
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=reading.calendar.zone)
    return minute_of(int(zoned.timestamp() * 1000))


def _said(minute: int, reading: Reading) -> str:
    return rfc3339(minute * MINUTE_MS, reading.calendar.zone)
