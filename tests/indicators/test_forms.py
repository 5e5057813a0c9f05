"""Measures and forms: what a declaration counts, over which interval, and by which labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from schemas import Event
from stream.core.catalogue import Catalogue
from stream.core.definitions import Definitions
from stream.core.increments import Increments
from stream.core.key_ids import KeyIds
from stream.core.series import Kind, Series, Table
from stream.core.time import AHEAD, DAY, HOUR, Calendar
from stream.indicators.catalogue import FAMILIES, METRICS, SERIES, catalogue
from stream.indicators.declare import Alert, Breakdown, Example, Metric, Panel
from stream.indicators.forms import ALL, Count, Derived, Mean, Ratio
from stream.indicators.labels import labels
from stream.indicators.measures import distinct, total, union
from stream.indicators.reads import Labels, Part, View, of
from stream.worker.fold import columns_of, count_events
from tests.histories import (
    LATER,
    History,
    State,
    arrived,
    as_it_is,
    decoded,
    folded,
    histories,
    laws,
    minute_at,
    report,
)
from tests.increments import packed

UTC = ZoneInfo("UTC")
NOON = 29_600_000 // DAY * DAY + 12 * HOUR + 30
"""Half past twelve."""

EVENTS = total("t_uses", of="feature_use", by="feature", splits=("channel",))
USERS = distinct("t_users", of="feature_use", splits=("channel",))
EXACT = Series("t_exact", Kind.CENSUS, "minute", to_the_minute=True)
STARS = total("t_stars", of="contribution", by="kind", amount="rating")
RATED = total("t_rated", of="contribution", where={"kind": "review"}, given="rating")
ALL_SERIES = (EVENTS, *EVENTS.splits, USERS, *USERS.splits, EXACT, STARS, RATED)


def view(*cells: tuple[tuple[str, ...], int, int]) -> View:
    table = Table(ALL_SERIES)
    table.merge(packed(cells))
    return View(table, "app", NOON, NOON // DAY)


def values(metric: Metric, seen: View) -> dict[tuple[str, ...], Any]:
    return {tuple(labels.values()): value for labels, value in metric.samples(seen)}


def count_of(series: Series, **shown: Any) -> Metric:
    return Count("t", series, help="", example=Example({"number": 1}, 1), **shown)


# What a measure counts


@laws
@given(histories())
def test_a_total_of_amounts_is_the_sum_of_those_that_are_given(history: History) -> None:
    table = counted(history.events, Calendar(history.zone), STARS, RATED)
    own: list[Any] = [event for event in history.events if event.type == "contribution"]
    for product in {event.product for event in history.events}:
        for kind in ("post", "comment", "review", "media"):
            rated = [each for each in own if (each.product, each.kind) == (product, kind) and each.rating]
            assert summed(table, STARS, product, kind) == sum(each.rating for each in rated)
            if kind == "review":
                assert summed(table, RATED, product) == len(rated)


def counted(events: list[Event], calendar: Calendar, *series: Series) -> Table:
    """The plain counts of these series only."""
    columns, *_ = columns_of(arrived(events), {0: KeyIds()}, as_it_is, calendar, Definitions())
    own = replace(columns, catalogue=Catalogue(columns.catalogue.types, series, labels(series, Definitions())))
    increments, table = Increments(columns.customers.key_ids), Table(series)
    count_events(increments, own)
    table.merge(increments.encode())
    return table


def summed(table: Table, series: Series, product: str, *values: str) -> int:
    cells = table.get(series.key(product, *values))
    return cells.total(None, 1 << 40) if cells else 0


@laws
@given(histories())
def test_what_takes_back_is_taken_from_what_it_takes_back(history: History) -> None:
    undoing = total("t_net", of="social_action", by="network action", undo={"action": {"unlike": "like"}})
    table = counted(history.events, Calendar(history.zone), undoing)
    own: list[Any] = [event for event in history.events if event.type == "social_action"]
    for product, network in {(event.product, event.network) for event in own}:
        actions = [each.action for each in own if (each.product, each.network) == (product, network)]
        assert summed(table, undoing, product, network, "like") == actions.count("like") - actions.count("unlike")
        assert summed(table, undoing, product, network, "unlike") == 0
        assert summed(table, undoing, product, network, "unfollow") == actions.count("unfollow")


@laws
@given(histories())
def test_a_union_counts_what_any_of_its_measures_counts_and_once(history: History) -> None:
    parts = (
        total("t_told", of="social_action", by="sentiment", where={"action": "mention share"}),
        total("t_liked", of="social_action", by="sentiment", where={"action": "share like"}),
        total("t_made", of="contribution", by="sentiment"),
    )
    either = union("t_either", *parts)
    table = counted(history.events, Calendar(history.zone), either)
    events: list[Any] = history.events
    made = [event for event in events if event.type == "contribution"]
    told = [
        event for event in events if event.type == "social_action" and event.action in ("mention", "share", "like")
    ]
    own = made + told
    for product in {event.product for event in own}:
        for sentiment in ("positive", "negative", "neutral", "none"):
            alike = [each for each in own if each.product == product and (each.sentiment or "none") == sentiment]
            assert summed(table, either, product, sentiment) == len(alike)


def test_a_union_of_what_has_other_labels_or_amounts_is_refused() -> None:
    for other in (STARS, total("t_by_nothing", of="login"), USERS):
        with pytest.raises(ValueError, match="t: a union is of plain measures with the same labels"):
            union("t", total("t_uses_2", of="feature_use", by="feature"), other)


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({"of": "feature_usage"}, "uses: there is no event type feature_usage"),
        ({"of": "feature_use", "by": "channel colour"}, "uses: feature_use has no field colour"),
        ({"of": "feature_use login", "by": "feature"}, "uses: login has no field feature"),
        ({"of": "contribution", "amount": "stars"}, "uses: contribution has no field stars"),
        ({"of": "contribution", "where": {"type_of": "review"}}, "uses: contribution has no field type_of"),
    ],
)
def test_a_measure_of_what_the_schemas_lack_is_refused(arguments: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        total("uses", **arguments)


def test_a_census_by_nothing_follows_from_its_first_split() -> None:
    assert not USERS.of
    assert [split.labels for split in USERS.splits] == [("channel",)]
    assert USERS.splits[0].name == "t_users_by_channel"


def test_labels_are_the_fields_of_the_events_and_those_with_listed_values_need_no_place() -> None:
    bounded = {label.name: label.bounded for label in catalogue(Definitions()).labels.values()}
    assert {name for name in bounded if not bounded[name]} == {
        "survey",
        "scale",
        "kind",
        "medium",
        "currency",
        "sentiment",
    }
    campaign = catalogue(Definitions()).labels["campaign"]
    assert campaign.types == {"impression", "click", "message_delivered", "message_opened", "message_clicked"}
    assert campaign.absent == "none"


def test_what_a_schema_lists_needs_no_place_also_where_other_events_may_have_other_values() -> None:
    action = catalogue(Definitions()).labels["action"]
    assert action.bounded
    assert [action.needs_place(value) for value in ("like", "unfollow", "redeem", "play")] == [False] * 3 + [True]
    columns, *_ = columns_of(
        arrived([decoded(social(1, "like")), decoded(interaction(2, "like")), decoded(interaction(3, "play"))]),
        {0: KeyIds()},
        nowhere,
        Calendar(UTC),
        Definitions(),
    )
    assert [value for _, label, value in columns.wanted() if label == "action"] == ["play"]
    assert [label for _, label, events in columns.overflowed() if events and label == "action"] == ["action"]


def social(number: int, action: str) -> dict[str, Any]:
    return {**_acted(number, "social_action"), "network": "mastodon", "action": action}


def interaction(number: int, action: str) -> dict[str, Any]:
    return {**_acted(number, "interaction"), "content": "film", "action": action}


def _acted(number: int, type_: str) -> dict[str, Any]:
    return {"event_id": str(number), "type": type_, "user_id": "ann", "timestamp": "2026-03-31T12:00:00Z"}


def nowhere(_product: str, _label: str, _value: str) -> str:
    """No value finds a place."""
    return "other"


# Over which interval it is read


def test_a_window_of_days_begins_on_the_hour_and_one_of_24_hours_on_the_minute() -> None:
    for window, start in (("24h", NOON - DAY), ("7d", NOON - 7 * DAY - 30), ("30d", NOON - 30 * DAY - 30)):
        seen = view((EVENTS.key("app", "search"), start, 10), (EVENTS.key("app", "search"), start + 1, 1))
        assert values(count_of(EVENTS, windows=ALL), seen)["search", window] == 1


def test_activity_is_counted_to_the_minute_alone_and_over_the_same_hours_as_what_it_divides() -> None:
    at = NOON - 7 * DAY - 10  # 7 days ago and 10 minutes, in the same hour
    seen = view((EXACT.key("app"), at, 3), (EXACT.key("app"), NOON, 1), (USERS.key("app"), at, 2))
    assert values(count_of(EXACT, windows=("7d",)), seen) == {("7d",): 1}
    share = Ratio("t", USERS, over=EXACT, windows=("7d",), help="", example=Example({"users": 2, "active": 4}, 0.5))
    assert values(share, seen) == {("7d",): 0.5}
    assert {name: read(seen, {"window": "7d"}) for name, read in share.reads.items()} == share.example.reads


def test_a_customer_whose_clock_is_ahead_does_not_vanish_while_flows_end_now() -> None:
    for minutes, customers in ((AHEAD, 1), (AHEAD + 1, 0)):
        seen = view((USERS.key("app"), NOON + minutes, 1), (EVENTS.key("app", "search"), NOON + minutes, 1))
        assert set(values(count_of(USERS, windows=ALL), seen).values()) == {customers}
        assert set(values(count_of(EVENTS, windows=ALL), seen).values()) == {0}


def test_clocks_that_are_ahead_are_those_that_decoding_lets_pass() -> None:
    """Whoever came a moment before a clock 5 minutes ahead is told by it, in every window."""
    event = {"event_id": "1", "type": "login", "user_id": "ann", "timestamp": "2026-03-31T12:05:00Z"}
    state = State(Calendar(UTC)).take([[decoded(event)]])
    minute = minute_at(decoded(event).timestamp - timedelta(minutes=AHEAD))
    [active] = [metric for metric in METRICS if metric.name == "engagement_active_customers"]
    assert set(values(active, View(state.table, "default", minute, 0)).values()) == {1}


def test_members_and_channels_of_a_clock_that_is_ahead_are_there_as_other_customers_are() -> None:
    events = [
        {**_acted(1, "loyalty_action"), "action": "join"},
        {**_acted(2, "loyalty_action"), "timestamp": "2026-03-31T12:05:00Z", "action": "earn", "channel": "ios"},
    ]
    state = State(Calendar(UTC)).take([list(map(decoded, events[:1])), list(map(decoded, events[1:]))])
    at = decoded(events[0]).timestamp
    shown = {
        (each["name"], each["labels"].get("channels")): each["value"]
        for each in report(state.table, at + timedelta(minutes=AHEAD), UTC)["metrics"]
    }
    seen = View(state.table, "default", minute_at(at), 0)
    for name in ("engagement_loyalty_members", "engagement_loyalty_active_ratio", "engagement_channels_customers"):
        [metric] = [metric for metric in METRICS if metric.name == name]
        for having, value in metric.samples(seen):
            assert value == shown[name, having.get("channels")]
    assert shown["engagement_channels_customers", "2"] == 1


# By which labels


def test_a_breakdown_reads_the_split_that_has_its_label() -> None:
    example = Example({"users": 1, "uses": 1}, 1.0)
    ratio = Ratio(
        "engagement_use_ratio",
        USERS,
        over=EVENTS,
        by="",
        windows=("24h",),
        help="Help.",
        example=example,
        panel=Panel("Use"),
        breakdowns=(Breakdown("channel", ("web", "ios"), example, added="By channel."),),
    )
    seen = view(
        (USERS.key("app"), NOON, 5),
        (USERS.splits[0].key("app", "web"), NOON, 2),
        (EVENTS.key("app", "search"), NOON, 6),
        (EVENTS.key("app", "export"), NOON, 4),
        (EVENTS.splits[0].key("app", "web"), NOON, 8),
    )
    [by_channel] = [ratio.broken_down(each) for each in ratio.breakdowns]
    assert values(ratio, seen) == {("24h",): 0.5}
    assert values(by_channel, seen) == {("web", "24h"): 0.25, ("ios", "24h"): None}
    assert (by_channel.name, by_channel.help) == ("engagement_use_by_channel_ratio", "Help. By channel.")
    assert (by_channel.panel.title, by_channel.label_names) == ("Use, by channel", ("product", "channel", "window"))


def test_a_ratio_by_basis_reads_what_the_basis_says() -> None:
    example = Example({"part": 1, "over": 2}, 0.5)
    bases: dict[str, Part | Series] = {"events": of(EVENTS, feature=("search",)), "customers": USERS}
    ratio = Ratio("t", bases, over=EVENTS, by="", windows=("24h",), help="", example=example)
    seen = view(
        (USERS.key("app"), NOON, 2), (EVENTS.key("app", "search"), NOON, 3), (EVENTS.key("app", "export"), NOON, 1)
    )
    assert values(ratio, seen) == {("24h", "events"): 0.75, ("24h", "customers"): 0.5}


def test_a_mean_is_in_its_unit_and_there_is_none_of_nothing() -> None:
    mean = Mean(
        "t", STARS, over=RATED, unit="s", per=10, by="", windows=ALL, help="", example=Example({"a": 1, "b": 1}, 0.1)
    )
    seen = view((STARS.key("app", "review"), NOON - 2 * DAY, 30), (RATED.key("app"), NOON - 2 * DAY, 2))
    assert values(mean, seen) == {("24h",): None, ("7d",): 1.5, ("30d",): 1.5}


def test_a_form_takes_any_reading_apart_by_further_labels() -> None:
    def active(view: View, labels: Labels) -> int:
        return {"1": 2, "7": 3}[labels["days"]]

    shown: Any = {"labels": {"days": ("1", "7")}, "help": "", "rolling": False}
    count = Count("t", active, example=Example({"number": 1}, 1), **shown)
    share = Ratio("t", active, over=lambda view, labels: 4, example=Example({"active": 1, "all": 1}, 1), **shown)
    silent = Derived(
        "t",
        lambda active, all: all - active,
        {"active": active, "all": lambda view, labels: 4},
        unit="customers",
        example=Example({"active": 1, "all": 1}, 0),
        **shown,
    )
    for metric, expected in ((count, [2, 3]), (share, [0.5, 0.75]), (silent, [2, 1])):
        assert values(metric, view()) == {("1",): expected[0], ("7",): expected[1]}
        assert (metric.label_names, metric.rolling) == (("product", "days"), False)
    assert (count.unit, share.sample_size, silent.unit) == ("customers", "all", "customers")


NO_SHARES = {
    "engagement_retention_formula_ratio",
    "engagement_quick_ratio",
    "engagement_product_return_ratio",
    "engagement_value_to_cost_ratio",
    "engagement_social_ratio",
    "engagement_loyalty_redemption_ratio",
}
"""The first is wrong, and asked for. The others divide by customers lost, by what was sold of late, by a cost, by
those reached, and by what was earned of late."""


@laws
@given(histories(), LATER)
def test_a_share_never_exceeds_1(history: History, minutes_later: int) -> None:
    at = history.newest + timedelta(minutes=minutes_later)
    for each in report(folded(history).table, at, history.zone)["metrics"]:
        is_share = each["name"].endswith("_ratio") and each["name"] not in NO_SHARES
        if is_share and each["labels"].get("basis") not in ("events", "per_exposed"):
            assert each["value"] is None or 0 <= each["value"] <= 1, each


# What it rests on


OF_UNITS_AND_MONEY = ("EngagementReturnsRising", "EngagementRevenueAtRisk")
"""These are divided by no count of customers, or by nothing: their samples are who bought."""
ALERTED = [(metric, alert) for metric in METRICS for alert in metric.alerts if alert.name not in OF_UNITS_AND_MONEY]


@pytest.mark.parametrize(("metric", "alert"), ALERTED, ids=lambda each: each.name)
def test_an_alert_rests_on_the_count_that_divides_its_indicator(metric: Metric, alert: Alert) -> None:
    """In the scenario of its family, over the labels that the gauge has besides."""
    [scenario] = [family.scenario for family in FAMILIES if metric in family.metrics]
    [gauge] = [each for each in METRICS if each.name == alert.min_sample.gauge]
    minute, calendar = minute_at(scenario.moment), Calendar(UTC)
    table = State(calendar).take([list(map(decoded, scenario.events()))]).table
    seen = View(table, "default", minute, calendar.day(minute))
    of_alert = [each for each, _ in metric.samples(seen) if alert.labels.items() <= each.items()]
    assert of_alert
    for each in of_alert:
        guarded = {**each, **alert.min_sample.labels}
        samples = [
            value
            for having, value in gauge.samples(seen)
            if all(guarded.get(name, value) == value for name, value in having.items() if name not in ("level",))
        ]
        assert metric.arguments(seen, each)[metric.sample_size] == sum(value for value in samples if value)


def test_every_series_that_an_indicator_reads_is_in_the_catalogue_once() -> None:
    names = [series.name for series in SERIES]
    assert sorted(set(names)) == sorted(names)
    assert {each.name for metric in METRICS for each in metric.series} <= set(names)
