"""Addresses of what helps: panels in Grafana, sections of the runbook."""

from __future__ import annotations

from collections.abc import Mapping

from stream.indicators.declare import Family, Metric
from stream.settings import Settings

TAG = "assidu"
PIPELINE = "pipeline"


def uid(dashboard: str) -> str:
    """Grafana's name for the dashboard, the same in every installation."""
    return f"{TAG}-{dashboard}"


def family_panel(settings: Settings, family: Family, metric: Metric, variables: Mapping[str, str]) -> str:
    """The metric's panel on its family's dashboard; panels are numbered in the order of the metrics."""
    chosen = "".join(f"var-{name}={value}&" for name, value in variables.items())
    return f"{_dashboard(settings, family.slug)}?{chosen}viewPanel={family.metrics.index(metric) + 1}"


def pipeline_dashboard(settings: Settings) -> str:
    return _dashboard(settings, PIPELINE)


def runbook_section(settings: Settings, alert: str) -> str:
    return f"{settings.runbook_url}#{alert.lower()}"


def _dashboard(settings: Settings, name: str) -> str:
    return f"{settings.grafana_url.rstrip('/')}/d/{uid(name)}"
