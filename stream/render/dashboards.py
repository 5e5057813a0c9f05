"""Grafana dashboards: an overview, those that group the families of indicators, one for the pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

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
from stream.indicators.catalogue import METRICS
from stream.indicators.declare import Metric
from stream.render import panels
from stream.render.boards import (
    BOARDS,
    OPEN_PANELS,
    OVERVIEW,
    OVERVIEW_FIRST,
    PIPELINE,
    Board,
    groups,
)
from stream.render.collector import COLLECTOR_FIGURES
from stream.render.figure import Figure
from stream.render.links import TAG, uid
from stream.render.panels import SOURCE, AnyPanel
from stream.render.pipeline import figures
from stream.render.promql import GAUGES, VARIABLES, firing
from stream.render.words import GENERATED
from stream.settings import Settings

Choice = grafana.QueryVariable | grafana.CustomVariable


class Row(NamedTuple):
    """Panels under a question; a collapsed one shows them when it is asked to."""

    title: str
    panels: Sequence[AnyPanel]
    collapsed: bool = False


class Annotation(NamedTuple):
    """Alerts that are marked in every panel, as annotations; their text is a template over their labels."""

    name: str
    alerts: str
    text: str
    colour: str


_CHOSEN_PRODUCTS = 'product=~"$product"'
_UNTRUSTED = Annotation("The numbers cannot be trusted", firing('silences="business"'), "", "purple")
_OF_THE_PIPELINE = Annotation("Alerts", firing('scope="pipeline"'), "", "red")


def dashboards(settings: Settings) -> dict[str, str]:
    """Name -> JSON."""
    pipeline = figures(settings.stale_seconds)
    found = {OVERVIEW.slug: _overview(settings, pipeline), PIPELINE.slug: _pipeline(settings, pipeline)}
    return found | {board.slug: _of_families(board, settings) for board in BOARDS}


def _overview(settings: Settings, pipeline: Sequence[Figure]) -> str:
    """Large numbers: the first ones and the age of the data at once, those of each board in a collapsed row."""
    age, records, *_ = map(panels.large_figure, pipeline)

    def numbers(metrics: Iterable[Metric]) -> list[AnyPanel]:
        return [panels.large_number(metric, settings.indicators) for metric in metrics]

    first = [GAUGES[name] for name in OVERVIEW_FIRST]
    rows = [Row(OVERVIEW.question, [*numbers(first), age])]
    for board in BOARDS:
        shown = [metric for metric in board.metrics if metric.panel.overview is not None and metric not in first]
        if shown:
            rows.append(Row(board.question, numbers(shown), collapsed=True))
    rows.append(Row(PIPELINE.question, [records], collapsed=True))
    business = Annotation("Alerts", firing('scope="business"', _CHOSEN_PRODUCTS), "{{product}}", "red")
    return _dashboard(OVERVIEW, settings, rows, [_found("product", METRICS[0])], [business, _UNTRUSTED])


def _pipeline(settings: Settings, pipeline: Sequence[Figure]) -> str:
    shown = [panels.figure(each) for each in pipeline]
    rows = [
        Row(PIPELINE.question, shown[:OPEN_PANELS]),
        Row("What takes how long, who owns what, and what waits?", shown[OPEN_PANELS:], collapsed=True),
        Row("What comes through the door?", [panels.figure(each) for each in COLLECTOR_FIGURES], collapsed=True),
    ]
    return _dashboard(PIPELINE, settings, rows, [], [_OF_THE_PIPELINE])


def _of_families(board: Board, settings: Settings) -> str:
    rows = (
        Row(group.title, [panels.indicator(metric, settings) for metric in group.metrics], group.collapsed)
        for group in groups(board)
    )
    alerts = [alert.name for metric in board.metrics for alert in metric.alerts]
    named = f'alertname=~"{"|".join(alerts)}"'
    annotations = [Annotation("Alerts", firing(named, _CHOSEN_PRODUCTS), "{{product}}", "red")] if alerts else []
    return _dashboard(board, settings, rows, _choices(board.metrics), [*annotations, _UNTRUSTED])


def _dashboard(
    board: Board,
    settings: Settings,
    rows: Iterable[Row],
    choices: Iterable[Choice],
    annotations: Sequence[Annotation],
) -> str:
    """JSON; `choices` are the variables that its reader sets."""
    built = (
        grafana.Dashboard(f"Assidu: {board.title}")
        .uid(uid(board))
        .description(board.question)
        .tags([TAG])
        .readonly()
        .refresh("10s")
        .time("now-24h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            grafana.DashboardLink("Dashboards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .link(
            grafana.DashboardLink("Runbook")
            .type(DashboardLinkType.LINK)
            .icon("doc")
            .url(settings.runbook_url)
            .target_blank(True)
        )
    )
    for choice in choices:
        built = built.with_variable(choice)
    for annotation in annotations:
        built = built.annotation(
            grafana.AnnotationQuery()
            .name(annotation.name)
            .datasource(SOURCE)
            .enable(True)
            .icon_color(annotation.colour)
            .expr(annotation.alerts)
        )
    numbers = count(1)
    for row in rows:
        built = _with_row(built, row, numbers)
    fields = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    for annotation, written in zip(annotations, fields["annotations"]["list"], strict=True):
        written |= {"titleFormat": "{{alertname}}", "textFormat": annotation.text}
    return json.dumps({"__comment": GENERATED, **fields}, indent=1, ensure_ascii=False) + "\n"


def _with_row(built: grafana.Dashboard, row: Row, numbers: Iterator[int]) -> grafana.Dashboard:
    """Grafana keeps the panels of a collapsed row in it, those of another one behind it."""
    heading, shown = grafana.Row(row.title), [panel.id(next(numbers)) for panel in row.panels]
    if row.collapsed:
        for panel in shown:
            heading = heading.with_panel(panel)
        return built.with_row(heading)
    built = built.with_row(heading)
    for panel in shown:
        built = built.with_panel(panel)
    return built


def _choices(metrics: Sequence[Metric]) -> Iterator[Choice]:
    """The variables of which the indicators have the label."""
    for name in VARIABLES:
        having = [metric for metric in metrics if name in metric.label_names]
        if having:
            yield _windows() if name == "window" else _found(name, having[0])


def _found(name: str, metric: Metric) -> grafana.QueryVariable:
    """The values that the label has, of the indicator."""
    of_products = "" if name == "product" else f"{{{_CHOSEN_PRODUCTS}}}"
    return (
        grafana.QueryVariable(name)
        .label(name.capitalize())
        .datasource(SOURCE)
        .query(f"label_values({metric.name}{of_products}, {name})")
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
