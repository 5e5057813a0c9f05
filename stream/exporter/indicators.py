"""Every `engagement_*` as text, indicator by indicator; what cannot have changed is not read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from stream.core.series import Table
from stream.exporter.exposition import head, number, start
from stream.indicators.catalogue import METRICS
from stream.indicators.declare import Metric
from stream.indicators.reads import View


class _Shown(NamedTuple):
    """One indicator of one product. It holds at that moment for as long as the series have these versions.

    starts   label values -> the beginning of their line
    samples  all of them; those that are undefined have no line
    """

    moment: tuple[int, int]
    table: Table
    versions: Mapping[str, int]
    starts: Mapping[tuple[str, ...], str]
    samples: int
    text: str

    def holds(self, view: View) -> bool:
        return (
            self.table is view.table
            and self.moment == (view.minute, view.today)
            and all(view.table.version(name, view.product) == version for name, version in self.versions.items())
        )


class Indicators:
    """`lines` is called every moment: most of it is then as it was, for a minute turns seldom."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], _Shown] = {}

    def lines(self, views: Iterable[View]) -> Iterator[str]:
        """One gauge family an indicator, in pieces; what is undefined is absent."""
        views = list(views)
        known, self._shown = self._shown, {}
        for metric in METRICS:
            headed = False
            for view in views:
                name = metric.name, view.product
                shown = known.get(name)
                if shown is None or not shown.holds(view):
                    shown = _read(metric, view, shown.starts if shown else {})
                self._shown[name] = shown
                if shown.samples and not headed:
                    yield head(metric.name, "gauge", metric.help)
                    headed = True
                yield shown.text


def _read(metric: Metric, view: View, known: Mapping[tuple[str, ...], str]) -> _Shown:
    view.touched.clear()
    starts: dict[tuple[str, ...], str] = {}
    lines = []
    samples = 0
    for labels, value in metric.samples(view):
        samples += 1
        if value is not None:
            values = tuple(labels.values())
            begin = known.get(values) or start(metric.name, {"product": view.product, **labels})
            starts[values] = begin
            lines.append(f"{begin}{number(value)}\n")
    versions = {name: view.table.version(name, view.product) for name in view.touched}
    return _Shown((view.minute, view.today), view.table, versions, starts, samples, "".join(lines))
