"""Prometheus's alert rules: those of the indicators, and those of the pipeline.

Labels: `scope` (business or pipeline) routes an alert; `silences="business"` lets Alertmanager hold back the
business alerts while their numbers cannot be trusted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import indent

from stream.indicators.catalogue import METRICS
from stream.indicators.declare import Alert, Metric
from stream.render.annotations import business_annotations, pipeline_annotations
from stream.render.pipeline import PipelineAlert, alerts
from stream.render.promql import alert_condition
from stream.render.words import GENERATED
from stream.settings import Settings


def rules(settings: Settings) -> str:
    """YAML of one rule file."""
    business = [_business(metric, alert, settings) for metric in METRICS for alert in metric.alerts]
    pipeline = [_pipeline(alert, settings) for alert in alerts(settings.stale_seconds)]
    groups = _group("assidu-business", business) + _group("assidu-pipeline", pipeline)
    return f"# {GENERATED}\ngroups:\n{groups}"


def _group(name: str, found: list[str]) -> str:
    return f"  - name: {name}\n    rules:\n" + indent("".join(found), " " * 6)


def _business(metric: Metric, alert: Alert, settings: Settings) -> str:
    return _rule(
        alert.name,
        alert_condition(metric, alert),
        {"for": settings.indicators.alerts[alert.name].for_},
        {"severity": alert.severity, "scope": "business"},
        business_annotations(metric, alert, settings),
    )


def _pipeline(alert: PipelineAlert, settings: Settings) -> str:
    silences = {"silences": "business"} if alert.silences_business else {}
    keep = {"keep_firing_for": alert.keep_firing_for} if alert.keep_firing_for else {}
    return _rule(
        alert.name,
        alert.condition,
        {"for": alert.for_, **keep},
        {"severity": alert.severity, "scope": "pipeline", **silences},
        pipeline_annotations(alert, settings),
    )


def _rule(
    name: str, condition: str, times: Mapping[str, str], labels: Mapping[str, str], says: Mapping[str, str]
) -> str:
    return (
        f"- alert: {name}\n"
        f"  expr: |\n{indent(condition, '    ')}\n"
        + "".join(f"  {key}: {duration}\n" for key, duration in times.items())
        + f"  labels:\n{_fields(labels)}  annotations:\n{_fields(says)}"
    )


def _fields(fields: Mapping[str, str]) -> str:
    """A JSON string is a YAML string."""
    return "".join(f"    {name}: {json.dumps(text, ensure_ascii=False)}\n" for name, text in fields.items())
