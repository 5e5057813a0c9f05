"""PromQL over the gauges: any number of exporters agree, so `max by` takes one of them.

An indicator is a gauge of a window: it is never rate()d, and its windows are never summed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from stream.core.definitions import Definitions
from stream.indicators.catalogue import METRICS, SERIES
from stream.indicators.declare import CHANGES, TARGET_GAUGE, Alert, Metric, MinSample, Reasons
from stream.indicators.labels import labels
from stream.runtime.pipeline_metrics import ALERT_THRESHOLD

VARIABLES = ("product", "window", "channel", "segment")
"""What a dashboard lets its reader choose, where its indicators have the label."""

LARGE = frozenset(label.name for label in labels(SERIES, Definitions()) if label.bounded)
"""Labels whose values products choose: there may be as many as ASSIDU_LABEL_LIMIT."""
TOP = 10
"""How many of these a panel draws, the largest."""

PLACE = "place"
"""The label by which `in_places` tells an order."""

WEEK_BEFORE = " offset 7d"

GAUGES = {metric.name: metric for metric in METRICS}


def selected(gauge: str, by: Iterable[str], matchers: Iterable[str] = (), offset: str = "") -> str:
    """One value for each combination of the labels `by`."""
    braces = f"{{{', '.join(matchers)}}}" if (matchers := list(matchers)) else ""
    return f"max by ({', '.join(by)}) ({gauge}{braces}{offset})"


def equal(labels: Mapping[str, str]) -> list[str]:
    return [f'{name}="{value}"' for name, value in labels.items()]


def panel_query(metric: Metric, by: Sequence[str], fixed: Mapping[str, str]) -> str:
    """What a panel draws: of what the dashboard's reader chose, with these labels fixed; of many only the largest."""
    chosen = [f'{name}=~"${name}"' for name in VARIABLES if name in metric.label_names and name not in fixed]
    shown = selected(metric.name, by, [*chosen, *equal(fixed)])
    if LARGE.isdisjoint(by):
        return shown
    apart = ", ".join(name for name in by if name not in LARGE and name != "product")
    return f"topk by ({apart}) ({TOP}, {shown})" if apart else f"topk({TOP}, {shown})"


def in_places(expression: str, label: str, values: Sequence[str]) -> str:
    """With the label PLACE, by which samples are sorted as these values of `label` are; others have none."""
    for place, value in enumerate(values):
        pattern = json.dumps(re.escape(value), ensure_ascii=False)
        expression = f'label_replace({expression}, "{PLACE}", "{place:02}", "{label}", {pattern})'
    return expression


def firing(*matchers: str) -> str:
    """Alerts that fire, of those with the matchers."""
    return f"ALERTS{{{', '.join([*equal({'alertstate': 'firing'}), *matchers])}}}"


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
