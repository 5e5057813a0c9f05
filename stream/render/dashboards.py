"""Grafana dashboards: an overview, one for each family of indicators, one for the pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from stream.core.time import WINDOWS
from stream.indicators.catalogue import FAMILIES, METRICS
from stream.indicators.config import Config
from stream.indicators.declare import Family
from stream.render import panels
from stream.render.links import PIPELINE, TAG, uid
from stream.render.panels import SOURCE, AnyPanel
from stream.render.pipeline import Figure, figures
from stream.render.words import GENERATED, question
from stream.settings import Settings

Choice = grafana.QueryVariable | grafana.CustomVariable


def dashboards(settings: Settings) -> dict[str, str]:
    """Name -> JSON."""
    config, pipeline = settings.indicators, figures(settings.stale_seconds)
    found = {"overview": _overview(config, pipeline[:2]), PIPELINE: _pipeline(pipeline)}
    return found | {family.slug: _family(family) for family in FAMILIES}


def _overview(config: Config, pipeline: Sequence[Figure]) -> str:
    shown = [metric for metric in METRICS if metric.panel.overview is not None]
    return _dashboard(
        "overview",
        "Overview",
        "How faithfully do customers come back, right now?",
        [*(panels.large_number(metric, config) for metric in shown), *map(panels.figure, pipeline)],
        [_products()],
    )


def _pipeline(shown: Sequence[Figure]) -> str:
    found = map(panels.figure, shown)
    return _dashboard(PIPELINE, "Pipeline", "Can the numbers be trusted? Age, lag, rejects, commits.", found, [])


def _family(family: Family) -> str:
    windowed = any("window" in metric.labels for metric in family.metrics)
    choices: list[Choice] = [_products(), _windows()] if windowed else [_products()]
    return _dashboard(family.slug, family.title, question(family), map(panels.indicator, family.metrics), choices)


def _dashboard(
    name: str, heading: str, description: str, shown: Iterable[AnyPanel], choices: Sequence[Choice]
) -> str:
    """JSON; `choices` are the variables that its reader sets."""
    built = (
        grafana.Dashboard(f"Assidu: {heading}")
        .uid(uid(name))
        .description(description)
        .tags([TAG])
        .readonly()
        .refresh("10s")
        .time("now-24h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(grafana.DashboardLink("Assidu").type(DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True))
    )
    for choice in choices:
        built = built.with_variable(choice)
    for number, panel in enumerate(shown, 1):
        built = built.with_panel(panel.id(number))
    fields = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    return json.dumps({"__comment": GENERATED, **fields}, indent=1, ensure_ascii=False) + "\n"


def _products() -> grafana.QueryVariable:
    return (
        grafana.QueryVariable("product")
        .label("Product")
        .datasource(SOURCE)
        .query(f"label_values({METRICS[0].name}, product)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(VariableOption(text="All", value="$__all"))
    )


def _windows() -> grafana.CustomVariable:
    return (
        grafana.CustomVariable("window")
        .label("Window")
        .values(",".join(WINDOWS))
        .current(VariableOption(text="7d", value="7d"))
    )
