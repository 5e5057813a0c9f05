"""The page's content: the figures are the indicators', their trends are true, and nothing foreign may load."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import stream.exporter.page as page
from stream.core.series import Key, Table
from stream.core.time import DAY
from stream.exporter.app import Exporter, exporter_app
from stream.exporter.page.contents import Placed, cards
from stream.exporter.page.overview import Overview, ShownCard
from stream.exporter.page.reading import Heatmap, readings
from stream.exporter.page.routes import FILES, SECURITY
from stream.exporter.page.trends import DAYS, MINUTES, Minutes, Point, past_of
from stream.indicators.catalogue import SERIES
from stream.indicators.churn.levels import REASONS
from stream.indicators.families.activity import ACTIVE
from stream.indicators.families.churn_risk import RISK
from stream.indicators.families.cohorts import COHORT
from stream.indicators.families.complete_days import ACTIVE_ON_DAY, COVERS
from stream.indicators.reads import View
from stream.indicators.state.answers import ANSWERS, RESPONSES
from stream.settings import Settings
from stream.store.connect import connect_to
from tests.increments import packed

TODAY = date(2026, 3, 31).toordinal()
MINUTE = (TODAY - date(1970, 1, 1).toordinal()) * DAY + 12 * 60
NAME = ("engagement_active_customers", (("product", "app"), ("window", "24h")))


def view(*cells: tuple[Key, int, int]) -> View:
    """The product `app` at noon, with these increments."""
    table = Table(SERIES)
    table.merge(packed(cells))
    return View(table, "app", MINUTE, TODAY)


def card(name: str) -> Placed:
    (found,) = [card for card in cards() if card.metric.name == name]
    return found


def shown(overview: Overview, name: str) -> ShownCard:
    (found,) = [card for section in overview.sections("app") for card in section.cards if card.metric == name]
    return found


def answers(survey: str, survey_id: str, scale: str, score: int, customers: int) -> list[tuple[Key, int, int]]:
    """So many customers gave this score; each answered once."""
    return [
        (ANSWERS.key("app", survey, survey_id, scale, str(score)), MINUTE, customers),
        (RESPONSES.key("app", survey, survey_id, scale), MINUTE, customers),
    ]


# What is shown


def test_a_card_has_the_target_of_its_indicator() -> None:
    overview = Overview({"engagement_stickiness_ratio": 0.25})
    overview.see({"app": view()}, 1, fresh=True)
    assert shown(overview, "engagement_stickiness_ratio").target == 0.25
    assert shown(overview, "engagement_stickiness_weekly_ratio").target is None


@pytest.mark.parametrize("shown", list(cards()), ids=lambda card: card.metric.name)
def test_a_figure_names_every_label_that_its_rows_do_not(shown: Placed) -> None:
    for figure in shown.figures(view()):
        assert figure.labels.keys() == shown.metric.labels.keys()


COUNTS_AND_SUMS = ("customers", "subscribers", "visits", "tickets", "revenue")
SUMS = ("engagement_revenue", "engagement_revenue_at_risk")
"""Of money, which rest on nothing."""


@pytest.mark.parametrize("shown", list(cards()), ids=lambda card: card.metric.name)
def test_every_figure_but_a_count_or_sum_says_how_many_it_rests_on(shown: Placed) -> None:
    is_count = shown.metric.unit in COUNTS_AND_SUMS or shown.metric.name in SUMS
    assert (shown.sample_size is None) == is_count
    for figure in shown.figures(view()):
        assert bool(figure.counted) == (shown.sample_size is not None)


def test_a_ratio_stands_over_the_count_that_divides_it() -> None:
    seen = view((ACTIVE.key("app"), MINUTE, 2), (ACTIVE.key("app"), MINUTE - 2 * DAY, 3))
    (stickiness,) = readings(card("engagement_stickiness_ratio"), seen)
    assert (stickiness.value, stickiness.sample_size) == (0.4, 5)


def test_a_score_has_its_margin() -> None:
    seen = view(*chain(*(answers("nps", "spring", "0-10", score, 1) for score in (10, 7, 6, 0))))
    (nps,) = readings(card("engagement_nps_score"), seen)
    assert (nps.value, nps.sample_size, nps.caption) == (-25, 4, "spring, scale 0-10")
    assert nps.margin == pytest.approx(81.257, abs=0.001)


def test_customers_at_risk_stand_by_level_and_in_words_by_reason() -> None:
    seen = view(
        (RISK.key("app", "high", "silence", "web", "unknown"), MINUTE, 3),
        (RISK.key("app", "high", "silence", "ios", "trial"), MINUTE + 1, 1),  # if nothing is heard
        (RISK.key("app", "high", "subscription_cancelled", "ios", "trial"), MINUTE, 2),
        (RISK.key("app", "medium", "silence", "web", "trial"), MINUTE, 1),
        (RISK.key("app", "low", "silence", "web", "team"), MINUTE, 4),
    )
    at_risk, share, why = (card(f"engagement_risk_{name}") for name in ("customers", "ratio", "reasons_customers"))

    assert [(each.caption, each.value) for each in readings(at_risk, seen)] == [("high risk", 5), ("medium risk", 1)]
    assert [(each.value, each.sample_size) for each in readings(share, seen)] == [(0.5, 10), (0.1, 10)]
    reasons = {each.caption: each.value for each in readings(why, seen)}
    assert {caption: number for caption, number in reasons.items() if number} == {"long silence": 3, "cancelled": 2}


def test_cohorts_are_a_heat_map_once_there_are_any() -> None:
    monday = date(2026, 3, 9).toordinal()
    overview = Overview({})
    overview.see({"app": view()}, 1, fresh=True)
    assert "engagement_cohort_retention_ratio" not in [
        each.metric for section in overview.sections("app") for each in section.cards
    ]
    seen = view(
        (COHORT.key("app", "0"), monday, 4),
        (COHORT.key("app", "1"), monday, 3),
        (COHORT.key("app", "0"), monday + 7, 5),
        (COHORT.key("app", "1"), monday + 7, 2),
    )
    overview.see({"app": seen}, 1, fresh=True)
    heat = shown(overview, "engagement_cohort_retention_ratio").heat
    assert heat == Heatmap(
        "cohort", ["2026-03-09", "2026-03-16"], ["0", "1", "2"], [[1.0, 0.75, 0.0], [1.0, 0.4, None]]
    )


def test_every_reason_has_its_words() -> None:
    shown = card("engagement_risk_reasons_customers")
    assert sorted(figure.labels["reason"] for figure in shown.figures(view())) == sorted(REASONS)


def test_an_indicator_without_answers_has_no_value_and_no_count() -> None:
    (csat,) = readings(card("engagement_csat_ratio"), view())
    assert (csat.value, csat.sample_size) == (None, None)


def test_a_rare_scale_has_a_card_once_it_was_answered() -> None:
    mean = card("engagement_ces_mean")
    assert readings(mean, view()) == []
    assert [reading.value for reading in readings(mean, view(*answers("ces", "help", "1-10", 8, 2)))] == [8]


def test_of_many_surveys_those_with_most_answers_are_shown() -> None:
    seen = view(*chain(*(answers("csat", f"number {n}", "1-5", 5, n) for n in range(1, 200))))
    assert [reading.sample_size for reading in readings(card("engagement_csat_ratio"), seen)] == [199, 198, 197]


# Trends


def test_a_rolling_figure_keeps_one_point_a_minute_for_an_hour() -> None:
    minutes, seen = Minutes(), view()
    for minute in range(1000, 1100):
        assert minutes.lacks(minute, {"app": seen})
        minutes.add(minute, {NAME: minute}, {"app": past_of(seen)})
        assert not minutes.lacks(minute, {"app": seen})
    assert minutes.of(NAME, 1099, seen) == [(ago, 1099 - ago) for ago in range(MINUTES - 1, -1, -1)]


def test_a_minute_without_a_value_is_a_gap_not_a_zero() -> None:
    minutes, seen = Minutes(), view()
    for minute, value in ((1000, 7), (1001, None), (1005, 8)):
        minutes.add(minute, {NAME: value}, {"app": past_of(seen)})
    assert minutes.of(NAME, 1006, seen) == [(6, 7), (1, 8)]


AT_RISK = "engagement_risk_customers"


def at_risk(customers: int, active_days: int = 100, day: int = TODAY - 5) -> View:
    """So many at high risk, so many customer-days in the past."""
    risk = RISK.key("app", "high", "silence", "web", "unknown")
    return view((risk, MINUTE, customers), (ACTIVE_ON_DAY.key("app"), day, active_days))


def trend_of(*seen: tuple[int, View, bool]) -> list[Point]:
    overview = Overview({})
    for minute, seen_then, fresh in seen:
        overview.see({"app": seen_then}, minute, fresh)
    return shown(overview, AT_RISK).figures[0].trend


def test_the_trend_of_a_rolling_figure_ends_in_its_present_value() -> None:
    assert trend_of((1, at_risk(3), True), (2, at_risk(4), True), (2, at_risk(5), True)) == [(1, 3), (0, 5)]


def test_a_moment_at_which_a_shard_was_not_fresh_is_no_point_of_a_trend() -> None:
    assert trend_of((1, at_risk(3), False), (2, at_risk(345), True)) == [(0, 345)]
    assert trend_of((1, at_risk(3), True), (2, at_risk(1), False), (3, at_risk(4), True)) == [(2, 3), (0, 4)]


def test_the_first_fresh_moment_of_a_minute_is_its_point() -> None:
    assert trend_of((1, at_risk(1), False), (1, at_risk(3), True), (2, at_risk(4), True)) == [(1, 3), (0, 4)]


def test_a_past_that_is_folded_later_makes_no_rise() -> None:
    """Though every shard was fresh all the time: a history that was sent slowly."""
    before, half, after = at_risk(3, 0), at_risk(100, 50), at_risk(345, 1000)
    assert trend_of((1, before, True), (2, half, True), (3, after, True)) == [(0, 345)]
    assert trend_of((1, before, True), (1, after, True), (2, at_risk(346, 1000), True)) == [(1, 345), (0, 346)]
    assert trend_of((1, before, True), (2, after, True), (3, at_risk(346, 1000), True)) == [(1, 345), (0, 346)]


def test_a_few_late_events_leave_the_trend() -> None:
    assert trend_of((1, at_risk(3, 1000), True), (2, at_risk(4, 1009), True)) == [(1, 3), (0, 4)]


def test_midnight_leaves_the_trend() -> None:
    tomorrow = replace(at_risk(4), today=TODAY + 1)
    tomorrow.table.merge(packed([(ACTIVE_ON_DAY.key("app"), TODAY, 50)]))
    assert trend_of((1, at_risk(3), True), (2, tomorrow, True)) == [(1, 3), (0, 4)]


def test_the_headline_shows_its_complete_days_at_once() -> None:
    """Also after a backfill, and whether shards are fresh or not; without the days before there were customers."""
    days = [(COVERS[width].key("app"), TODAY - 4, 10) for width in (7, 30, 60)]
    on_day = ACTIVE_ON_DAY.key("app")
    overview = Overview({})
    seen = view(*days, (on_day, TODAY - 4, 8), (on_day, TODAY - 2, 3), (on_day, TODAY - 1, 4), (on_day, TODAY, 9))
    seen.table.merge(packed([(ACTIVE.key("app"), MINUTE, 5)]))
    overview.see({"app": seen}, 1, fresh=False)
    card = shown(overview, "engagement_active_customers")
    assert card.step == "day"
    assert [figure.trend for figure in card.figures] == [
        [(4, 8), (3, 0), (2, 3), (1, 4), (0, 5)],
        [(4, 10), (3, 10), (2, 10), (1, 10), (0, 5)],
        [(4, 10), (3, 10), (2, 10), (1, 10), (0, 5)],
    ]
    (stickiness,) = shown(overview, "engagement_stickiness_ratio").figures
    assert stickiness.trend == [(4, 0.8), (3, 0.0), (2, 0.3), (1, 0.4), (0, 1.0)]
    (weekly,) = shown(overview, "engagement_stickiness_weekly_ratio").figures
    assert weekly.trend == [(4, 1.0), (3, 1.0), (2, 1.0), (1, 1.0), (0, 1.0)]


def test_the_trend_over_complete_days_is_what_those_days_showed_then() -> None:
    cover = COVERS[30].key("app")
    overview = Overview({})
    known = COVERS[60].key("app"), 1, 10
    overview.see({"app": view((cover, TODAY - 50, 8), (cover, TODAY - 3, 2), known)}, 1, True)
    (churn,) = shown(overview, "engagement_churn_ratio").figures
    assert churn.trend == [(ago, 0.0 if ago < 3 else 0.25) for ago in range(19, -1, -1)]
    assert DAYS == 30


def test_complete_days_are_read_again_when_a_minute_has_passed() -> None:
    cover, before = COVERS[30].key("app"), (COVERS[60].key("app"), TODAY - 61, 10)
    overview, oldest = Overview({}), []
    for minute, customers in ((1, 8), (1, 10), (2, 10)):
        overview.see({"app": view((cover, TODAY - 61, customers), before)}, minute, True)
        oldest.append(shown(overview, "engagement_churn_ratio").figures[0].trend[0])
    assert oldest == [(30, 0.25), (30, 0.25), (30, 0.0)]


def test_a_product_never_seen_has_no_sections() -> None:
    assert Overview({}).sections("app") == []


# Over HTTP


@pytest.fixture
async def client() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """An exporter that has not seen anything; nothing listens at that Redis."""
    redis = connect_to("redis://127.0.0.1:1/0")
    app = exporter_app(Exporter(redis, Settings(_env_file=None, timezone="Europe/Paris")))
    async with TestClient(TestServer(app)) as client:
        yield client
    await redis.aclose()


@pytest.mark.parametrize("path", [*FILES, "/page.json", "/metrics", "/readyz", "/nowhere"])
async def test_every_answer_forbids_what_the_page_does_not_need(
    client: TestClient[web.Request, web.Application], path: str
) -> None:
    async with client.get(path) as answer:
        assert {name: answer.headers[name] for name in SECURITY} == SECURITY


@pytest.mark.parametrize("path", FILES)
async def test_every_file_of_the_page_is_served_as_what_it_is(
    client: TestClient[web.Request, web.Application], path: str
) -> None:
    name, content_type = FILES[path]
    async with client.get(path) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
        assert await answer.read() == (folder() / name).read_bytes()


async def test_before_any_event_the_page_has_nothing_to_show(
    client: TestClient[web.Request, web.Application],
) -> None:
    async with client.get("/page.json") as answer:
        assert await answer.json() == {
            "products": [],
            "product": None,
            "at": None,
            "timezone": "Europe/Paris",
            "freshness": {"state": "empty", "age_seconds": None, "reason": None},
            "sections": [],
        }


def folder() -> Path:
    (path,) = page.__path__
    return Path(path)


def test_every_file_beside_the_page_is_served() -> None:
    beside = {file.name for file in folder().iterdir() if file.suffix not in (".py", "") and file.is_file()}
    assert beside == {name for name, _ in FILES.values()}


def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline() -> None:
    for name, _ in FILES.values():
        text = (folder() / name).read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|//[a-z]+\.|@import|innerHTML|\bstyle=|\bon[a-z]+=|<script>|<style>", text), (
            name
        )
