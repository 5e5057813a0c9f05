"""What is generated from the definitions of the indicators is what lies in this checkout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from stream.cli import commands
from stream.indicators.catalogue import ALERTS as BUSINESS_ALERTS
from stream.indicators.catalogue import FAMILIES, METRICS
from stream.indicators.config import Config, parsed
from stream.indicators.declare import TARGET_GAUGE, Alert, Metric
from stream.render.boards import BOARDS, OPEN_PANELS, OVERVIEW, PIPELINE, board_of, panel_number
from stream.render.files import DASHBOARDS, DEFAULT_FILE, INDICATORS, RULES, SOURCE, rendered, stale
from stream.render.pipeline import alerts, figures
from stream.render.promql import GAUGES, LARGE, alert_labels
from stream.render.rules import rules
from stream.runtime import pipeline_metrics
from stream.runtime.pipeline_metrics import PIPELINE_METRICS
from stream.settings import Settings
from tests.dashboards import drawing

CHECKOUT = Path(__file__).parents[2]
RUNBOOK = CHECKOUT / "docs" / "runbook.md"
DEFAULTS = Settings(_env_file=None)


def text_of(path: Path) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")


def dashboards(config: Config = Config()) -> dict[str, dict[str, Any]]:  # noqa: B008 — frozen
    """Name -> what Grafana loads."""
    return {
        path.stem: json.loads(text)
        for path, text in rendered(CHECKOUT, Settings(_env_file=None, indicators=config)).items()
        if path.parent == DASHBOARDS
    }


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    return (target["expr"] for panel in drawing(dashboard) for target in panel["targets"])


def told() -> list[tuple[Metric, Alert]]:
    """Every alert of an indicator."""
    return [(metric, alert) for metric in METRICS for alert in metric.alerts]


def rules_of(text: str) -> dict[str, dict[str, Any]]:
    """Alert -> its rule."""
    return {rule["alert"]: rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]}


def test_every_generated_file_is_as_the_definitions_are_now() -> None:
    assert stale(CHECKOUT, DEFAULTS) == [], "run: make render"


def test_every_generated_file_says_that_it_is_generated() -> None:
    assert "do not edit" in text_of(RULES).splitlines()[0]
    assert "do not edit" in text_of(INDICATORS).splitlines()[0]
    assert "do not edit" in text_of(DEFAULT_FILE).splitlines()[0]
    for name, dashboard in dashboards().items():
        assert "do not edit" in next(iter(dashboard.values())), name


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_indicator_stands_once_in_the_documentation_and_on_one_dashboard(metric: Any) -> None:
    assert text_of(INDICATORS).splitlines().count(f"### {metric.name}") == 1
    found = [
        name
        for name, dashboard in dashboards().items()
        for query in queries(dashboard)
        if f"({metric.name}{{" in query and name != "overview"
    ]
    assert found == [board_of(metric).slug]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.slug)
def test_the_documentation_tells_every_familys_scenario_event_by_event(family: Any) -> None:
    _, _, section = text_of(INDICATORS).partition(family.scenario.plot)
    rows = section.partition("###")[0].split("|---|---|---|---|\n")[1].strip().splitlines()
    for row, line in zip(rows, family.scenario.lines, strict=True):
        assert row.startswith(f"| {line.type} | {', '.join(line.customers)} | {', '.join(line.moments)} |")
        assert all(name in row for name in line.fields)


def test_every_family_is_on_one_dashboard_besides_the_overview_and_that_of_the_pipeline() -> None:
    placed = [family.slug for board in BOARDS for family in board.families]
    assert sorted(placed) == sorted(family.slug for family in FAMILIES)
    assert [board["title"] for board in dashboards().values()] == [
        f"Assidu: {board.title}" for board in (OVERVIEW, PIPELINE, *BOARDS)
    ]


def test_dashboards_are_named_by_their_titles_as_grafana_allows() -> None:
    for name, dashboard in dashboards().items():
        assert dashboard["uid"] == f"assidu-{name}"
        assert name == dashboard["title"].removeprefix("Assidu: ").lower().replace(" ", "-")
        assert len(dashboard["uid"]) <= 40


def test_a_dashboard_shows_eight_panels_at_most_before_a_row_is_expanded_every_one_in_a_row_with_a_question() -> None:
    for name, dashboard in dashboards().items():
        shown = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        rows = [panel for panel in dashboard["panels"] if panel["type"] == "row"]
        assert 0 < len(shown) <= OPEN_PANELS, name
        assert len(shown) == OPEN_PANELS or not any(row["collapsed"] for row in rows), name
        assert dashboard["panels"][0]["type"] == "row", name
        for row in rows:
            assert row["collapsed"] == bool(row["panels"])
            assert row["title"].startswith("More: ") or row["title"][-1] in "?."
        numbers = [panel["id"] for panel in drawing(dashboard)]
        assert numbers == list(range(1, len(numbers) + 1))


def test_what_somebody_is_told_of_is_seen_at_once() -> None:
    for metric, _ in told():
        titles = [panel.get("title") for panel in dashboards()[board_of(metric).slug]["panels"]]
        assert metric.panel.title in titles


def test_panels_lie_side_by_side_and_none_on_another() -> None:
    for dashboard in dashboards().values():
        covered: set[tuple[int, int]] = set()
        for panel in chain(drawing(dashboard), (panel for panel in dashboard["panels"] if panel["type"] == "row")):
            place = panel["gridPos"]
            cells = set(
                product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
            )
            assert covered.isdisjoint(cells)
            assert max(x for x, _ in cells) < 24
            covered |= cells


def test_dashboards_link_to_each_other_and_panels_with_an_alert_to_its_section_of_the_runbook() -> None:
    settings = Settings(_env_file=None, runbook_url="https://wiki.example/page")
    links: list[str] = []
    for path, text in rendered(CHECKOUT, settings).items():
        if path.parent == DASHBOARDS:
            dashboard = json.loads(text)
            others, runbook = dashboard["links"]
            assert (others["type"], others["tags"]) == ("dashboards", dashboard["tags"])
            assert (runbook["type"], runbook["url"]) == ("link", "https://wiki.example/page")
            links += [link["url"] for panel in drawing(dashboard) for link in panel.get("links", [])]
    assert sorted(links) == sorted(f"https://wiki.example/page#{alert.name.lower()}" for _, alert in told())


def test_alerts_are_marked_on_the_dashboards_that_draw_them() -> None:
    marked = {
        name: [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
        for name, dashboard in dashboards().items()
    }
    for metric, alert in told():
        named = re.search(r'alertname=~"([^"]+)"', marked[board_of(metric).slug][0])
        assert named
        assert alert.name in named[1].split("|")
    assert 'scope="business", product=~"$product"' in marked["overview"][0]
    assert marked["pipeline"] == ['ALERTS{alertstate="firing", scope="pipeline"}']
    untrusted = 'ALERTS{alertstate="firing", silences="business"}'
    assert all(expressions[-1] == untrusted for name, expressions in marked.items() if name != PIPELINE.slug)


def test_of_a_label_with_many_values_only_the_largest_are_drawn() -> None:
    for metric in METRICS:
        [query] = [query for query in queries(dashboards()[board_of(metric).slug]) if f" ({metric.name}{{" in query]
        assert query.startswith("topk") == (not LARGE.isdisjoint(metric.label_names)), query
    assert {"campaign", "content", "channel", "segment", "survey_id", "theme"} <= LARGE


def test_the_bars_of_the_journey_stand_in_the_order_of_the_steps_that_are_in_force() -> None:
    steps = '[{ type = "interaction", action = "play" }, "signup"]'
    chosen = parsed(f"definitions.journey = {steps}", "indicators.toml", "/indicators.toml")
    [bars] = [
        panel
        for panel in drawing(dashboards(chosen)["journey"])
        if panel["title"] == "Journey: share that did the step: $product"
    ]
    found = re.findall(r'"place", "(\d+)", "step", "([^"]+)"\)', bars["targets"][0]["expr"])
    assert found == [("00", r"interaction\\ action=play"), ("01", "signup")]
    assert bars["transformations"] == [
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "place"}]}},
    ]


def test_no_panel_takes_the_rate_of_an_indicator_or_adds_up_its_windows() -> None:
    windowed = {metric.name for metric in METRICS if "window" in metric.labels}
    for query in chain.from_iterable(map(queries, dashboards().values())):
        if "engagement_" in query:
            drawn = re.sub(r"(label_replace\()+(max by .*?\}\)), .*", r"\2", query)
            drawn = re.sub(r"topk(?: by \([a-z_, ]+\) )?\(10, (.*)\)", r"\1", drawn)
            found = re.fullmatch(r"max by \(([a-z_, ]+)\) \((engagement_\w+)\{([^{}]*)\}\)", drawn)
            assert found, query
            by, name, matchers = found.groups()
            assert name not in windowed or "window" in by.split(", ") or 'window="' in matchers


def test_every_panel_of_an_indicator_shows_the_chosen_products_only() -> None:
    for name, dashboard in dashboards().items():
        variables = {variable["name"] for variable in dashboard["templating"].get("list", [])}
        assert ("product" in variables) == (name != PIPELINE.slug)
        for query in queries(dashboard):
            assert set(re.findall(r"\$([a-z]+)", query)) <= variables
            assert "engagement_" not in query or 'product=~"$product"' in query
        used = {found for query in queries(dashboard) for found in re.findall(r"\$([a-z]+)", query)}
        assert variables <= used


def test_every_panel_has_a_title_of_its_own_an_explanation_a_unit_and_a_data_source() -> None:
    for name, dashboard in dashboards().items():
        titles = [panel["title"] for panel in drawing(dashboard)]
        assert sorted(set(titles)) == sorted(titles), name
        for panel in drawing(dashboard):
            assert panel["description"]
            assert panel["datasource"] == {"type": "prometheus", "uid": "assidu-prometheus"}
            assert panel["fieldConfig"]["defaults"]["unit"]


def test_grafanas_schema_types_read_every_dashboard_as_it_was_written() -> None:
    register_default_plugins()
    for name, dashboard in dashboards().items():
        del dashboard["__comment"]
        for annotation in dashboard["annotations"]["list"]:  # the types do not know these
            assert annotation.pop("titleFormat") == "{{alertname}}"
            del annotation["textFormat"]
        read = Dashboard.from_json(dashboard)
        assert json.loads(json.dumps(read, cls=JSONEncoder)) == dashboard, name


def test_the_target_of_an_indicator_is_drawn_in_its_panel_unless_that_has_bars() -> None:
    for metric in METRICS:
        [panel] = [
            panel
            for panel in drawing(dashboards()[board_of(metric).slug])
            if panel["id"] == panel_number(board_of(metric), metric)
        ]
        drawn = [target["expr"] for target in panel["targets"] if TARGET_GAUGE in target["expr"]]
        line = f'max by (indicator) ({TARGET_GAUGE}{{product=~"$product", indicator="{metric.name}"}})'
        assert drawn == ([] if metric.panel.bars or metric.panel.heat else [line])


def test_an_alerts_threshold_is_drawn_as_it_is_set() -> None:
    for board, title, alert in (
        ("activity", "Stickiness, day of month", "EngagementStickinessLow"),
        ("churn-risk-and-revenue-at-risk", "Share of customers by churn risk", "EngagementHighRisk"),
    ):
        [panel] = [panel for panel in drawing(dashboards()[board]) if panel["title"] == title]
        assert [target["expr"] for target in panel["targets"]][1:-1] == [
            f'max(assidu_alert_threshold{{alert="{alert}"}})'
        ]


def test_a_large_number_is_red_beyond_the_threshold() -> None:
    chosen = parsed("alerts.EngagementHighRisk.threshold = 0.3", "indicators.toml", "/indicators.toml")
    for config, high in ((Config(), 0.5), (chosen, 0.3)):
        steps = {
            panel["title"]: [
                (step["color"], step["value"]) for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            ]
            for panel in drawing(dashboards(config)["overview"])
            if panel["type"] == "stat" and "thresholds" in panel["fieldConfig"]["defaults"]
        }
        assert steps == {
            "Stickiness, day of month": [("red", None), ("green", 0.1)],
            "Share of customers by churn risk (high)": [("green", None), ("red", high)],
            "Age of the data": [("green", None), ("red", 60)],
            "Time to resolution (0.5, 7d)": [("green", None), ("red", 172_800)],
            "Reopened tickets (7d)": [("green", None), ("red", 0.2)],
        }


def test_an_alert_lasts_as_long_as_the_indicators_file_says() -> None:
    chosen = parsed('alerts.EngagementHighRisk.for = "1h30m"', "indicators.toml", "/indicators.toml")
    found = rules_of(rules(Settings(_env_file=None, indicators=chosen)))
    assert found["EngagementHighRisk"]["for"] == "1h30m"


@pytest.mark.parametrize(("metric", "alert"), told(), ids=lambda each: each.name)
def test_every_alert_rests_on_a_gauge_that_counts_and_never_adds_up_windows(metric: Metric, alert: Alert) -> None:
    guard = alert.min_sample
    names = GAUGES[guard.gauge].label_names
    assert guard.at_least > 0
    assert GAUGES[guard.gauge].unit in ("customers", "events", "visits", "tickets", "orders")
    assert guard.labels.keys() <= set(names)
    assert set(names) - {*guard.labels, *alert_labels(metric, alert)} <= {"level"}


@pytest.mark.parametrize(("metric", "alert"), told(), ids=lambda each: each.name)
def test_every_alert_is_of_samples_that_there_are_and_names_reasons(metric: Metric, alert: Alert) -> None:
    reasons = alert.reasons
    assert alert.labels.keys() <= set(metric.label_names)
    assert {"product", reasons.by, *reasons.labels} == set(GAUGES[reasons.gauge].label_names)
    assert rules_of(text_of(RULES))[alert.name]["annotations"]["reasons"].startswith(f"{reasons.title}: ")


@pytest.mark.parametrize(("metric", "alert"), told(), ids=lambda each: each.name)
def test_every_alert_links_to_the_panel_that_draws_its_indicator(metric: Metric, alert: Alert) -> None:
    link = rules_of(text_of(RULES))[alert.name]["annotations"]["dashboard"]
    found = re.fullmatch(r"http://localhost:3000/d/assidu-([a-z-]+)\?var-product=\S+ .*viewPanel=(\d+)", link)
    assert found
    [panel] = [panel for panel in drawing(dashboards()[found[1]]) if panel["id"] == int(found[2])]
    assert panel["title"] == metric.panel.title


def test_data_are_stale_by_the_setting_in_rules_and_panels() -> None:
    settings = Settings(_env_file=None, stale_seconds=7.5)
    assert "max(assidu_data_age_seconds) > 7.5" in rules(settings)
    assert figures(settings.stale_seconds)[0].threshold == 7.5


SPELLED = re.compile(r"\bassidu_[a-z_]+")


def test_no_metric_of_the_pipeline_is_spelled_but_in_the_list_of_them() -> None:
    found = {
        f"{path.relative_to(CHECKOUT)}: {name}"
        for folder in ("stream", "bench")
        for path in (CHECKOUT / folder).rglob("*.py")
        if path != Path(pipeline_metrics.__file__)
        for name in SPELLED.findall(path.read_text(encoding="utf-8"))
    }
    assert not found


def test_rules_and_panels_ask_for_metrics_of_the_list_only() -> None:
    names = {f"{metric}{suffix}" for metric in PIPELINE_METRICS for suffix in ("", "_bucket", "_count", "_sum")}
    shown = [text_of(RULES), *(text_of(DASHBOARDS / f"{name}.json") for name in dashboards())]
    assert {name for text in shown for name in SPELLED.findall(text)} <= names


def test_links_begin_with_the_addresses_of_the_settings() -> None:
    text = rules(
        Settings(_env_file=None, grafana_url="https://see.example/", runbook_url="https://wiki.example/page")
    )

    assert " https://see.example/d/assidu-activity?" in text
    assert " runbook_url: https://wiki.example/page#assidudatastale\n" in text
    assert "localhost" not in text


def test_every_alert_has_a_name_of_its_own() -> None:
    names = [alert.name for _, alert in told()] + [alert.name for alert in alerts(DEFAULTS.stale_seconds)]
    assert sorted(set(names)) == sorted(names)
    assert list(rules_of(text_of(RULES))) == names


def test_the_runbook_has_a_section_for_every_alert_and_for_nothing_else() -> None:
    sections = re.findall(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    linked = re.findall(r"runbook_url: docs/runbook\.md#(\w+)", text_of(RULES))
    assert sections == [*BUSINESS_ALERTS, *(alert.name for alert in alerts(DEFAULTS.stale_seconds))]
    assert linked == [section.lower() for section in sections]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the folder that is rendered from, and nothing else."""
    (tmp_path / SOURCE).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def render(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["render", *arguments])


def test_the_command_writes_what_is_missing_and_then_nothing(checkout: Path) -> None:
    first, second = render(), render()

    assert first.exit_code == second.exit_code == 0
    assert f"{INDICATORS}: brought up to date" in first.output
    assert second.output == ""
    assert (checkout / RULES).read_text(encoding="utf-8") == text_of(RULES)


def test_the_command_checks_without_writing(checkout: Path) -> None:
    checked = render("--check")

    assert checked.exit_code == 1
    assert f"{RULES}: is not what would be written" in checked.output
    assert "run `assidu render`" in checked.output
    assert [path.name for path in checkout.iterdir()] == [SOURCE.parts[0]]
    render()
    assert render("--check").exit_code == 0


def test_the_dashboard_of_a_family_that_is_no_more_is_removed(checkout: Path) -> None:
    render()
    forsaken = checkout / DASHBOARDS / "forsaken.json"
    forsaken.write_text("{}")

    assert render("--check").exit_code == 1
    render()
    assert not forsaken.exists()


def test_outside_a_checkout_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = render()

    assert done.exit_code == 2
    assert f"{SOURCE} is missing: run this in a checkout" in done.output
