"""What an alert says: Prometheus's templates, which ask it for thresholds and reasons at the moment of telling."""

from __future__ import annotations

from collections.abc import Iterable

from stream.indicators.declare import CHANGES, Alert, Metric, Reasons
from stream.render.figure import PipelineAlert
from stream.render.links import metric_panel, pipeline_dashboard, runbook_section
from stream.render.promql import (
    GAUGES,
    VARIABLES,
    WEEK_BEFORE,
    alert_labels,
    alert_target,
    equal,
    reasons_query,
    selected,
    threshold,
)
from stream.render.words import condition, threshold_unit, titled
from stream.settings import Settings


def business_annotations(metric: Metric, alert: Alert, settings: Settings) -> dict[str, str]:
    """Annotation -> template."""
    limit = _shown(threshold(alert), _format(threshold_unit(metric, alert)))
    return {
        "summary": f"{', '.join(map(_label, alert_labels(metric, alert)))}: {alert.summary}",
        "description": f"{titled(metric, alert.labels)}: {_value(metric, alert)} "
        f"Told when it is {condition(alert, limit)}. {metric.help}",
        "reasons": _reasons(alert.reasons),
        "definition": f"docs/indicators.md#{metric.name}",
        "dashboard": _dashboard(metric, alert, settings),
        "runbook_url": runbook_section(settings, alert.name),
    }


def pipeline_annotations(alert: PipelineAlert, settings: Settings) -> dict[str, str]:
    """Annotation -> template."""
    return {
        "summary": alert.summary,
        "description": alert.description,
        "dashboard": pipeline_dashboard(settings),
        "runbook_url": runbook_section(settings, alert.name),
    }


def _label(name: str) -> str:
    return f"{{{{ $labels.{name} }}}}"


def _format(unit: str) -> str:
    return {"ratio": "humanizePercentage", "seconds": "humanizeDuration"}.get(unit, "humanize")


def _value(metric: Metric, alert: Alert) -> str:
    """What it is, and what it was a week before or should be where that matters."""
    form = _format(metric.unit)
    now = f"{{{{ $value | {form} }}}}"
    if alert.condition == "above_target":
        return f"{now}, its target {_shown(alert_target(metric, _asked(['product'])), form, ['product'])}."
    if alert.condition not in CHANGES:
        return f"{now}."
    labels = alert_labels(metric, alert)
    before = selected(metric.name, labels, [*_asked(labels), *equal(alert.labels)], WEEK_BEFORE)
    return f"{now}, a week before {_shown(before, form, labels)}."


def _reasons(reasons: Reasons) -> str:
    """Their names and numbers, those that matter most first."""
    found = _query(reasons_query(reasons, _asked(["product"])), ["product"])
    form = _format(GAUGES[reasons.gauge].unit)
    one = f"{{{{ $reason.Labels.{reasons.by} }}}} {{{{ $reason.Value | {form} }}}}"
    listed = f"{{{{ range $at, $reason := {found} }}}}{{{{ if $at }}}}, {{{{ end }}}}{one}"
    return f"{reasons.title}: {listed}{{{{ else }}}}nothing known{{{{ end }}}}"


def _dashboard(metric: Metric, alert: Alert, settings: Settings) -> str:
    """The metric's panel, with the variables of its dashboard as they are in the alert."""
    shown = {"product": "{{ $labels.product | urlquery }}", **alert.labels}
    return metric_panel(settings, metric, {name: shown[name] for name in VARIABLES if name in shown})


def _asked(labels: Iterable[str]) -> list[str]:
    """Matchers with places for the labels' values, which `_query` fills in."""
    return [f"{name}=%[{place}]q" for place, name in enumerate(labels, 1)]


def _query(expression: str, labels: Iterable[str] = ()) -> str:
    """The template's call that answers the expression."""
    values = " ".join(f"$labels.{name}" for name in labels)
    return f"query (printf `{expression}` {values})" if values else f"query `{expression}`"


def _shown(expression: str, form: str, labels: Iterable[str] = ()) -> str:
    """The expression's one value; nothing where there is none."""
    return f"{{{{ with {_query(expression, labels)} }}}}{{{{ . | first | value | {form} }}}}{{{{ end }}}}"
