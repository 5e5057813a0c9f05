"""How a definition is said in words, the same in every generated file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream.indicators.declare import Alert, Metric, Value
from stream.indicators.reads import Labels
from stream.render.promql import equal

GENERATED = "Generated from stream/indicators by `assidu render`: do not edit."


def label_names(metric: Metric) -> str:
    return ", ".join(f"`{name}`" for name in metric.label_names)


def titled(metric: Metric, fixed: Labels) -> str:
    """The title of its panel, and of which samples: "Share of customers by churn risk (high)"."""
    return f"{metric.panel.title} ({', '.join(fixed.values())})" if fixed else metric.panel.title


def worked_example(metric: Metric) -> str:
    """What was read, and the value that follows: "day 2, month 5 → 0.4"."""
    return f"{listed(metric.example.reads)} → {number(metric.example.value)}"


def listed(named: Mapping[str, Any]) -> str:
    return ", ".join(_said(name, value) for name, value in named.items())


def _said(name: str, value: Any) -> str:
    if value is True:
        return name
    return f"{name} {' and '.join(value) if isinstance(value, list) else value}"


def selector(labels: Labels) -> str:
    """As Prometheus writes labels, and nothing where there are none: {window="24h"}."""
    return f"{{{', '.join(equal(labels))}}}" if labels else ""


def number(value: Value) -> str:
    return "undefined" if value is None else f"{value:g}"


def measured(value: float, unit: str) -> str:
    """A share in percent, a time in hours, anything else as it is."""
    return {"ratio": f"{value * 100:g} %", "seconds": f"{value / 3600:g} h"}.get(unit, number(value))


def threshold_unit(metric: Metric, alert: Alert) -> str:
    """In which the alert's threshold is said."""
    return "ratio" if alert.condition in ("above_target", "falls_by") else metric.unit


def condition(alert: Alert, limit: str) -> str:
    """When it fires, with the threshold as it is to be shown."""
    return {
        "below": f"below {limit}",
        "above": f"above {limit}",
        "above_target": f"more than {limit} above its target",
        "falls_by": f"lower than a week before by {limit} of that or more",
        "drops_by": f"lower than a week before by {limit} points or more",
        "rises_by": f"higher than a week before by {limit} points or more",
    }[alert.condition]
