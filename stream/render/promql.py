"""PromQL over the gauges: any number of exporters agree, so `max by` takes one of them.

An indicator is a gauge of a window: it is never rate()d, and its windows are never summed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stream.core.definition import Alert, Metric

VARIABLES = ("product", "window")
"""What a dashboard lets its reader choose."""

WEEK_BEFORE = " offset 7d"


def selected(gauge: str, by: Iterable[str], matchers: Iterable[str] = (), offset: str = "") -> str:
    """One value for each combination of the labels `by`."""
    braces = f"{{{', '.join(matchers)}}}" if (matchers := list(matchers)) else ""
    return f"max by ({', '.join(by)}) ({gauge}{braces}{offset})"


def equal(labels: Mapping[str, str]) -> list[str]:
    return [f'{name}="{value}"' for name, value in labels.items()]


def panel_query(metric: Metric, by: Iterable[str], fixed: Mapping[str, str]) -> str:
    """What a panel draws: of the dashboard's chosen products and window, with these labels fixed."""
    chosen = [f'{name}=~"${name}"' for name in VARIABLES if name in metric.label_names and name not in fixed]
    return selected(metric.name, by, [*chosen, *equal(fixed)])


def alert_condition(metric: Metric, alert: Alert) -> str:
    """True where the alert's condition holds and rests on enough customers; lines of one expression."""
    now, before = (selected(metric.name, metric.label_names, offset=offset) for offset in ("", WEEK_BEFORE))
    if alert.falls_by is None:
        lines = [f"{now} < {alert.below:g}", _enough(alert)]
    else:
        lines = [f"{now} <= {1 - alert.falls_by:g} * {before}", _enough(alert), _enough(alert, WEEK_BEFORE)]
    return "\n".join(lines)


def _enough(alert: Alert, offset: str = "") -> str:
    guard = alert.rests_on
    resting = selected(guard.gauge, ["product"], equal(guard.labels), offset)
    return f"and on (product) {resting} >= {guard.at_least}"
