"""A history as OpenMetrics text with timestamps, from which promtool makes blocks for a Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from stream.exporter.exposition import head, number, start
from stream.query.history import History

END = "# EOF\n"


def openmetrics(history: History) -> Iterator[str]:
    """In pieces: one gauge family an indicator, and of each sample the moments in order of time. What is undefined or
    cannot be told is absent."""
    for metric, samples in groupby(history.told(), key=lambda course: course.metric):
        headed = False
        for _, labels, told in samples:
            begin = start(metric.name, labels)
            lines = [
                f"{begin}{number(each.value)} {minute * 60}\n" for minute, each in told if each.value is not None
            ]
            if lines and not headed:
                yield head(metric.name, "gauge", metric.help, quotes=True)
                headed = True
            yield "".join(lines)
    yield END
