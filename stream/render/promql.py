"""PromQL over the gauges: any number of exporters agree, so `max by` takes one of them.

An indicator is a gauge of a window: it is never rate()d, and its windows are never summed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stream.indicators.catalogue import METRICS
from stream.indicators.declare import CHANGES, TARGET_GAUGE, Alert, Metric, MinSample, Reasons
from stream.runtime.pipeline_metrics import ALERT_THRESHOLD

VARIABLES = ("product", "window")
"""What a dashboard lets its reader choose."""

WEEK_BEFORE = " offset 7d"

GAUGES = {metric.name: metric for metric in METRICS}


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


def threshold(alert: Alert) -> str:
    """The alert's threshold as the exporters show it."""
    return f"max({ALERT_THRESHOLD}{{{equal({'alert': alert.name})[0]}}})"


def target(metric: Metric) -> str:
    """The indicator's target as the exporters show it; nothing where it has none."""
    return selected(TARGET_GAUGE, ["indicator"], ['product=~"$product"', *equal({"indicator": metric.name})])


def alert_target(metric: Metric, matchers: Iterable[str] = ()) -> str:
    """The target that the alert compares with."""
    return selected(TARGET_GAUGE, ["product"], [*equal({"indicator": metric.name}), *matchers])


def alert_labels(metric: Metric, alert: Alert) -> list[str]:
    """The labels that tell the metric's alerts apart."""
    return [name for name in metric.label_names if name not in alert.labels]


def alert_condition(metric: Metric, alert: Alert) -> str:
    """True where the alert's condition holds and rests on enough customers; lines of one expression."""
    by = alert_labels(metric, alert)
    now, before = (selected(metric.name, by, equal(alert.labels), offset) for offset in ("", WEEK_BEFORE))
    limit = f"scalar({threshold(alert)})"
    comparison = {
        "below": f"< {limit}",
        "above": f"> {limit}",
        "above_target": f"> on (product) group_left () {alert_target(metric)} * (1 + {limit})",
        "falls_by": f"<= (1 - {limit}) * {before}",
        "drops_by": f"<= {before} - {limit}",
        "rises_by": f">= {before} + {limit}",
    }
    lines = [now, comparison[alert.condition], _enough(alert.min_sample, by)]
    if alert.condition in CHANGES:
        lines.append(_enough(alert.min_sample, by, offset=WEEK_BEFORE))
    return "\n".join(lines)


def reasons_query(reasons: Reasons, of: Sequence[str]) -> str:
    """The three values of the label that matter most among the samples that have the matchers `of`, in order."""
    shown = selected(reasons.gauge, [reasons.by], [*of, *equal(reasons.labels)])
    if reasons.lowest:
        return f"sort(bottomk(3, {shown} {_enough(reasons.lowest, [reasons.by], of)}))"
    if reasons.fallen:
        before = selected(reasons.gauge, [reasons.by], [*of, *equal(reasons.labels)], WEEK_BEFORE)
        return f"sort(bottomk(3, {shown} - {before} < 0))"
    return f"sort_desc(topk(3, {shown} > 0))"


def _enough(guard: MinSample, by: Sequence[str], of: Sequence[str] = (), offset: str = "") -> str:
    """Keeps what rests on enough, of samples told apart by the labels `by` that have the matchers `of`."""
    names = [name for name in GAUGES[guard.gauge].label_names if name not in guard.labels]
    shared = ", ".join(name for name in names if name in by)
    counted = selected(guard.gauge, names, [*of, *equal(guard.labels)], offset)
    if shared != ", ".join(names):
        counted = f"sum by ({shared}) ({counted})"
    return f"and on ({shared}) {counted} >= {guard.at_least}"
