"""Prometheus's alert rules: those of the indicators, and those of the pipeline.

Labels: `scope` (business or pipeline) routes an alert; `silences="business"` lets Alertmanager hold back the
business alerts while their numbers cannot be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

import yaml

from stream.indicators.catalogue import METRICS
from stream.indicators.declare import Alert, Metric
from stream.indicators.in_force import alerts_in_force
from stream.render.annotations import business_annotations, pipeline_annotations
from stream.render.figure import PipelineAlert
from stream.render.pipeline import alerts
from stream.render.promql import alert_condition
from stream.render.words import GENERATED
from stream.settings import Settings

Rule = dict[str, Any]


def rules(settings: Settings) -> str:
    """YAML of one rule file."""
    in_force = alerts_in_force(settings.indicators)
    business = (_business(metric, in_force[alert.name], settings) for metric in METRICS for alert in metric.alerts)
    pipeline = (_pipeline(alert, settings) for alert in alerts(settings.stale_seconds))
    groups = [_group("assidu-business", business), _group("assidu-pipeline", pipeline)]
    written = yaml.dump({"groups": groups}, Dumper=_Lines, sort_keys=False, allow_unicode=True, width=inf)
    return f"# {GENERATED}\n{written}"


def _group(name: str, found: Iterable[Rule]) -> dict[str, Any]:
    return {"name": name, "rules": list(found)}


def _business(metric: Metric, alert: Alert, settings: Settings) -> Rule:
    return {
        "alert": alert.name,
        "expr": alert_condition(metric, alert),
        "for": alert.for_,
        "labels": {"severity": alert.severity, "scope": "business"},
        "annotations": business_annotations(metric, alert, settings),
    }


def _pipeline(alert: PipelineAlert, settings: Settings) -> Rule:
    silences = {"silences": "business"} if alert.silences_business else {}
    keep = {"keep_firing_for": alert.keep_firing_for} if alert.keep_firing_for else {}
    return {
        "alert": alert.name,
        "expr": alert.condition,
        "for": alert.for_,
        **keep,
        "labels": {"severity": alert.severity, "scope": "pipeline", **silences},
        "annotations": pipeline_annotations(alert, settings),
    }


class _Lines(yaml.SafeDumper):
    """Writes text of several lines as such."""


def _text(dumper: _Lines, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Lines.add_representer(str, _text)
