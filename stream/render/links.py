"""Addresses of what helps: panels in Grafana, sections of the runbook."""

from __future__ import annotations

from collections.abc import Mapping

from stream.indicators.declare import Metric
from stream.render.boards import PIPELINE, Board, board_of, panel_number
from stream.settings import Settings

TAG = "assidu"


def uid(board: Board) -> str:
    """Grafana's name for the dashboard, the same in every installation; it takes 40 characters at most."""
    return f"{TAG}-{board.slug}"


def metric_panel(settings: Settings, metric: Metric, variables: Mapping[str, str]) -> str:
    """The metric's panel on its dashboard."""
    board = board_of(metric)
    chosen = "".join(f"var-{name}={value}&" for name, value in variables.items())
    return f"{_dashboard(settings, board)}?{chosen}viewPanel={panel_number(board, metric)}"


def pipeline_dashboard(settings: Settings) -> str:
    return _dashboard(settings, PIPELINE)


def runbook_section(settings: Settings, alert: str) -> str:
    return f"{settings.runbook_url}#{alert.lower()}"


def _dashboard(settings: Settings, board: Board) -> str:
    return f"{settings.grafana_url.rstrip('/')}/d/{uid(board)}"
