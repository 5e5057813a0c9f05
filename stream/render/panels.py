"""Panels: an indicator as lines, bars or a large number, and a figure of the pipeline."""

from __future__ import annotations

from typing import TypeVar

from grafana_foundation_sdk.builders import barchart, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    TableColoredBackgroundCellOptions,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from stream.core.definitions import Definitions
from stream.core.series import Table
from stream.indicators.config import Config
from stream.indicators.declare import Alert, Heat, Metric
from stream.indicators.in_force import alerts_in_force
from stream.indicators.money import MONEY
from stream.indicators.reads import Labels, View
from stream.render.figure import Figure
from stream.render.links import runbook_section
from stream.render.promql import PLACE, in_places, panel_query, target, threshold
from stream.render.words import titled
from stream.settings import Settings

AnyPanel = timeseries.Panel | barchart.Panel | stat.Panel | table.Panel
P = TypeVar("P", timeseries.Panel, barchart.Panel, stat.Panel, table.Panel)

SOURCE = DataSourceRef(type_val="prometheus", uid="assidu-prometheus")
"""As deploy/grafana/provisioning names it."""

WIDTH, HALF_WIDTH, QUARTER_WIDTH = 24, 12, 6
HEIGHT, NUMBER_HEIGHT, HEAT_HEIGHT = 8, 5, 13

_UNITS = {"ratio": "percentunit", "seconds": "s"}
_MAY_BE_NEGATIVE = {"score", "actions", MONEY}


def indicator(metric: Metric, settings: Settings) -> AnyPanel:
    """With links to what the runbook says of its alerts."""
    return _drawn(metric, settings.indicators.definitions).links(
        [
            dashboard.DashboardLink(f"Runbook: {alert.name}")
            .type(DashboardLinkType.LINK)
            .url(runbook_section(settings, alert.name))
            .target_blank(True)
            for alert in metric.alerts
        ]
    )


def _drawn(metric: Metric, definitions: Definitions) -> AnyPanel:
    if metric.panel.heat:
        return _heat(metric, metric.panel.heat)
    return _bars(metric, metric.panel.bars, definitions) if metric.panel.bars else _lines(metric)


def large_number(metric: Metric, config: Config) -> stat.Panel:
    """One number for each combination of labels, with the course of the last day behind it."""
    fixed = metric.panel.overview or {}
    panel = _described(_number(), metric, titled(metric, fixed)).text_mode(BigValueTextMode.VALUE_AND_NAME)
    return _coloured(panel.with_target(_query(metric, fixed).range()), metric, fixed, config)


def large_figure(shown: Figure) -> stat.Panel:
    """As a number, with its course behind it."""
    return _figured(_number(), shown)


def figure(shown: Figure) -> timeseries.Panel:
    return _figured(_time_series(), shown)


def _number() -> stat.Panel:
    return (
        stat.Panel()
        .span(QUARTER_WIDTH)
        .height(NUMBER_HEIGHT)
        .graph_mode(BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _figured(panel: P, shown: Figure) -> P:
    panel = panel.datasource(SOURCE).title(shown.title).description(shown.help).unit(shown.unit).min(0)
    if shown.threshold is not None:
        panel = _with_thresholds(panel, [("green", None), ("red", shown.threshold)])
    query = prometheus.Dataquery().expr(shown.query).legend_format(shown.legend).ref_id("A").range()
    return panel.with_target(query)


def _lines(metric: Metric) -> timeseries.Panel:
    panel = _described(_time_series(), metric, metric.panel.title).with_target(_query(metric, {}).range())
    lines = [(threshold(alert), f"threshold of {alert.name}", "red") for alert in _levels(metric)]
    for name, (query, legend, colour) in zip("BCDE", [*lines, (target(metric), "target", "green")], strict=False):
        line = prometheus.Dataquery().expr(query).legend_format(legend).ref_id(name).range()
        panel = panel.with_target(line).override_by_query(name, _dashed(colour))
    return panel


def _dashed(colour: str) -> list[DynamicConfigValue]:
    return [
        DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour}),
        DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
        DynamicConfigValue("custom.fillOpacity", 0),
    ]


def _levels(metric: Metric) -> list[Alert]:
    """The alerts whose threshold is a line in the metric's panel."""
    return [alert for alert in metric.alerts if alert.condition in ("below", "above")]


def _coloured(panel: stat.Panel, metric: Metric, fixed: Labels, config: Config) -> stat.Panel:
    """Red where an alert would fire, by the threshold at rendering (a number's colours cannot follow a query)."""
    for alert in _levels(metric):
        if alert.labels == fixed:
            first, then = ("red", "green") if alert.condition == "below" else ("green", "red")
            panel = _with_thresholds(panel, [(first, None), (then, alerts_in_force(config)[alert.name].threshold)])
    return panel


def _bars(metric: Metric, label: str, definitions: Definitions) -> barchart.Panel:
    """As it is now, in the order of the label's values; one chart a product, for the bars of several would mix."""
    choices = metric.labels[label]
    values = choices(View(Table(()), "", 0, 0, definitions)) if callable(choices) else choices
    expression, steps = panel_query(metric, [label], {}), [_sorted_by(PLACE)]
    if all(value.isdigit() for value in values):  # as numbers, or 10 would come before 2
        steps = [_converted(label, "number"), _sorted_by(label), _converted(label, "string")]
    else:
        expression = in_places(expression, label, values)
    panel = (
        _described(barchart.Panel(), metric, f"{metric.panel.title}: $product")
        .span(HALF_WIDTH)
        .height(HEIGHT)
        .repeat("product")
        .repeat_direction("h")
        .max_per_row(2)
        .x_field(label)
        .fill_opacity(80)
        .show_value(VisibilityMode.AUTO)
        .legend(common.VizLegendOptions().show_legend(False).display_mode(LegendDisplayMode.HIDDEN))
        .with_target(prometheus.Dataquery().expr(expression).ref_id("A").instant().format(PromQueryFormat.TABLE))
    )
    for step in steps:
        panel = panel.with_transformation(step)
    return panel


def _heat(metric: Metric, heat: Heat) -> table.Panel:
    """As it is now; one table a product."""
    query = prometheus.Dataquery().expr(panel_query(metric, [heat.rows, heat.columns], {})).ref_id("A")
    panel = (
        _described(table.Panel(), metric, f"{metric.panel.title}: $product")
        .span(WIDTH)
        .height(HEAT_HEIGHT)
        .repeat("product")
        .repeat_direction("v")
        .decimals(0)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.CONTINUOUS_BLUES))
        .cell_options(TableColoredBackgroundCellOptions())
        .with_target(query.instant().format(PromQueryFormat.TABLE))
    )
    matrix = {"rowField": heat.rows, "columnField": heat.columns, "valueField": "Value"}
    for step in (
        _converted(heat.columns, "number"),
        _sorted_by(heat.columns),
        DataTransformerConfig(id_val="groupingToMatrix", options=matrix),
        _sorted_by(rf"{heat.rows}\{heat.columns}"),
    ):
        panel = panel.with_transformation(step)
    return panel


def _sorted_by(label: str) -> DataTransformerConfig:
    return DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [{"field": label}]})


def _converted(label: str, kind: str) -> DataTransformerConfig:
    conversions = [{"targetField": label, "destinationType": kind}]
    return DataTransformerConfig(id_val="convertFieldType", options={"fields": {}, "conversions": conversions})


def _query(metric: Metric, fixed: Labels) -> prometheus.Dataquery:
    by = [name for name in metric.label_names if name not in fixed]
    legend = " ".join(f"{{{{{name}}}}}" for name in by)
    return prometheus.Dataquery().expr(panel_query(metric, by, fixed)).legend_format(legend).ref_id("A")


def _time_series() -> timeseries.Panel:
    return (
        timeseries.Panel()
        .datasource(SOURCE)
        .span(HALF_WIDTH)
        .height(HEIGHT)
        .line_width(2)
        .fill_opacity(8)
        .show_points(VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )


def _described(panel: P, metric: Metric, title: str) -> P:
    """What every panel of an indicator has, whatever draws it."""
    panel = panel.datasource(SOURCE).title(title).description(metric.help).unit(_UNITS.get(metric.unit, "short"))
    if metric.unit not in _MAY_BE_NEGATIVE:
        panel = panel.min(0)
    return panel


def _with_thresholds(panel: P, steps: list[tuple[str, float | None]]) -> P:
    found = [Threshold(value=value, color=color) for color, value in steps]
    panel = panel.thresholds(dashboard.ThresholdsConfig().steps(found))
    if isinstance(panel, timeseries.Panel):
        style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds_style(style)
    return panel
