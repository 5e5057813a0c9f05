"""The catalogue of indicators, its worked examples, and how a report is compared with a recount."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from schemas import Rejected, decode
from stream.core.time import Calendar
from stream.indicators.catalogue import FAMILIES, METRICS, SERIES
from stream.indicators.declare import Metric
from stream.indicators.families import activity, surveys
from stream.indicators.money import MONEY
from stream.indicators.reads import View
from stream.indicators.scenario import Scenario
from tests.histories import State, decoded, minute_at, report
from tests.recount import Sample, Value, compare, recount, sample
from tests.recount.comparison import tolerance

BREAKDOWNS = [metric for metric in METRICS if "_by_channel" in metric.name]
COUNTS = ("customers", "events", "visits", "tickets", "subscribers", "orders", "actions", "people", "points")
NAMED_FOR_WHOM_THEY_COUNT = ("engagement_referrers", "engagement_loyalty_members", "engagement_social_reach")
ZONE = ZoneInfo("UTC")
CALENDAR = Calendar(ZONE)
SCENARIO_OF = {metric.name: family.scenario for family in FAMILIES for metric in family.metrics}

each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


def views_of(scenario: Scenario) -> Iterator[View]:
    """At the scenario's moment: folded as it is told, and backwards and one by one."""
    events, minute = [decoded(event) for event in scenario.events()], minute_at(scenario.moment)
    for batches in ([events], [[event] for event in reversed(events)]):
        yield View(State(CALENDAR).take(batches).table, "default", minute, CALENDAR.day(minute))


@each_metric
def test_a_worked_example_is_a_sample_of_its_familys_scenario(metric: Metric) -> None:
    example = metric.example
    for view in views_of(SCENARIO_OF[metric.name]):
        assert {name: read(view, example.labels) for name, read in metric.reads.items()} == example.reads
        assert [value for labels, value in metric.samples(view) if labels == example.labels] == [example.value]


@each_metric
def test_the_recount_of_the_scenario_agrees_with_the_worked_example(metric: Metric) -> None:
    scenario, example = SCENARIO_OF[metric.name], metric.example
    key = sample(metric.name.removeprefix("engagement_"), product="default", **example.labels)
    recounted = recount(scenario.events(), scenario.moment, ZONE)[key]
    assert recounted == pytest.approx(example.value, rel=tolerance(metric.name))


@each_metric
def test_the_formula_gives_the_value_of_its_worked_example_and_no_example_is_of_nothing(metric: Metric) -> None:
    value = metric.formula(**metric.example.reads)
    assert value == metric.example.value
    assert isinstance(value, float) == (metric.unit not in COUNTS)
    assert value
    assert all(metric.example.reads.values())
    assert ("product", *metric.example.labels) == metric.label_names


@each_metric
def test_a_metric_says_its_unit_in_its_name_and_explains_itself(metric: Metric) -> None:
    assert re.fullmatch(r"engagement(_[a-z]+)+", metric.name)
    # Of events, of money and of some customers, the name says the kind: clicks, responses, revenue, members.
    if metric.unit not in ("events", MONEY) and metric.name not in NAMED_FOR_WHOM_THEY_COUNT:
        assert metric.name.removesuffix("_by_channel").endswith("_" + metric.unit.replace(" ", "_"))
    assert metric.help[0].isupper()
    assert metric.help.endswith(".")
    assert "product" not in metric.labels, "every metric has it by itself"
    assert bool(metric.rows) == bool(metric.row_labels)


def test_every_metric_and_every_series_is_named_once() -> None:
    metrics = [metric.name for metric in METRICS]
    series = [each.name for each in SERIES]
    assert sorted(set(metrics)) == sorted(metrics)
    assert sorted(set(series)) == sorted(series)


@pytest.mark.parametrize("breakdown", BREAKDOWNS, ids=lambda metric: metric.name)
def test_a_breakdown_by_channel_differs_from_its_metric_in_the_channel_only(breakdown: Metric) -> None:
    (original,) = [metric for metric in METRICS if metric.name == breakdown.name.replace("_by_channel", "")]
    assert breakdown.labels.keys() == {"channel", *original.labels}
    assert (breakdown.unit, breakdown.rolling, breakdown.reads.keys()) == (
        original.unit,
        original.rolling,
        original.reads.keys(),
    )
    assert breakdown.help != original.help


def test_every_sample_carries_the_labels_of_its_metric_in_their_order() -> None:
    events = [decoded(event) for family in FAMILIES for event in family.scenario.events()]
    named = {metric.name: metric.label_names for metric in METRICS}
    for each in report(State(CALENDAR).take([events]).table, activity.SCENARIO.moment, ZONE)["metrics"]:
        assert tuple(each["labels"]) == named[each["name"]]


EXPECTED: dict[Sample, Value] = {
    sample("active_customers", product="default", window="24h"): 2,
    sample("active_customers", product="default", window="7d"): 3,
    sample("active_customers", product="default", window="30d"): 5,
    sample("stickiness_ratio", product="default"): 0.4,
    sample("stickiness_weekly_ratio", product="default"): 0.6,
}


def test_the_edges_of_all_windows_come_out_of_the_fold_and_of_the_recount() -> None:
    scenario, names = activity.SCENARIO, {name for name, _ in EXPECTED}
    recounted = recount(scenario.events(), scenario.moment, ZONE)
    assert {key: recounted[key] for key in EXPECTED} == EXPECTED
    table = State(CALENDAR).take([[decoded(event) for event in scenario.events()]]).table
    assert compare(report(table, scenario.moment, ZONE, names), EXPECTED) == []


def test_what_a_recount_cannot_know_before_the_newest_event_is_none() -> None:
    recounted = recount(activity.SCENARIO.events(), datetime(2026, 3, 31, 11, 58, 59, tzinfo=UTC), ZONE)
    assert recounted[sample("active_customers", product="default", window="24h")] is None
    assert recounted[sample("calendar_active_customers", product="default", days=30)] == 5


@pytest.mark.parametrize(
    ("score", "reason"), [(11, "score_out_of_scale"), (-1, "score_out_of_scale"), (7.5, "wrong_type")]
)
def test_an_answer_off_the_scale_would_not_have_changed_the_scenario_of_surveys(score: float, reason: str) -> None:
    answer = next(event for event in surveys.SCENARIO.events() if event["type"] == "survey_response")
    outcome = decode(json.dumps({**answer, "score": score}).encode(), "surveys")
    assert isinstance(outcome, Rejected)
    assert outcome.reason == reason


CUSTOMERS, RATIO = sample("active_customers", product="app"), sample("stickiness_ratio", product="app")


@pytest.mark.parametrize(
    ("reported", "recounted", "differences"),
    [
        ([("active_customers", 3)], {CUSTOMERS: 3}, []),
        (
            [("active_customers", 4)],
            {CUSTOMERS: 3},
            ["engagement_active_customers{product='app'}: report 4, recount 3"],
        ),
        ([("stickiness_ratio", 0.1 + 0.2)], {RATIO: 0.3}, []),
        (
            [("stickiness_ratio", 0.300001)],
            {RATIO: 0.3},
            ["engagement_stickiness_ratio{product='app'}: report 0.300001, recount 0.3"],
        ),
        ([("stickiness_ratio", None)], {RATIO: None}, []),
        (
            [("stickiness_ratio", 0.0)],
            {RATIO: None},
            ["engagement_stickiness_ratio{product='app'}: report 0.0, recount None"],
        ),
        (
            [],
            {RATIO: None},
            ["engagement_stickiness_ratio{product='app'}: missing in the report, recount None"],
        ),
        (
            [("active_customers", 0)],
            {},
            ["engagement_active_customers{product='app'}: only in the report, 0"],
        ),
        (
            [("active_customers", 3), ("active_customers", 3)],
            {CUSTOMERS: 3},
            ["engagement_active_customers{product='app'}: twice in the report"],
        ),
    ],
)
def test_a_report_is_compared_with_a_recount_in_both_directions(
    reported: list[tuple[str, Value]], recounted: dict[Sample, Value], differences: list[str]
) -> None:
    metrics = [
        {"name": f"engagement_{name}", "labels": {"product": "app"}, "value": value} for name, value in reported
    ]
    assert compare({"metrics": metrics}, recounted) == differences
