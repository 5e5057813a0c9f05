"""Visits, worked out by hand: what joins, when they close, which bounce, and how late an event may come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.small_histories import DAY, MINUTE, SECOND, Fields, assert_reads, event

MILLISECOND, HALF_HOUR = timedelta(milliseconds=1), 30 * MINUTE
HALF_HOUR_MS, DAY_MS = 1_800_000, 86_400_000
PAGE: Fields = {"page": "/"}
ORDER: Fields = {"order_id": "1", "amount_minor": 100, "currency": "EUR", "units": 1}
LATER = 2 * HALF_HOUR
"""When all that happened until noon has closed."""


@pytest.mark.parametrize(("gap", "visits"), [(HALF_HOUR, 1), (HALF_HOUR + MILLISECOND, 2)])
def test_a_gap_of_exactly_half_an_hour_joins_and_a_longer_one_does_not(gap: timedelta, visits: int) -> None:
    assert_reads([event("login"), event("login", gap)], "visits", visits, later=LATER, window="24h")


def test_a_visit_closes_in_the_minute_after_half_an_hour_of_silence() -> None:
    assert_reads([event("login")], "visits", 0, later=HALF_HOUR, window="24h")
    assert_reads([event("login")], "visits", 1, later=HALF_HOUR + MINUTE, window="24h")


def test_a_late_event_bridges_two_visits() -> None:
    events = [event("click"), event("click", 2 * HALF_HOUR), event("purchase", HALF_HOUR, **ORDER)]
    assert_reads(events, "visits", 1, later=LATER, window="24h")
    assert_reads(events, "visit_mean_duration_seconds", 3600.0, later=LATER, window="24h")
    assert_reads(events, "visit_conversion_ratio", 1.0, later=LATER, window="24h")


def test_a_session_covers_the_time_before_it_and_a_page_view_the_time_after() -> None:
    events = [
        event("login", 4 * HALF_HOUR),
        event("session", HALF_HOUR, session_id="1", duration_ms=2 * HALF_HOUR_MS, page_views=0),
        event("page_view", **PAGE, duration_ms=HALF_HOUR_MS),
    ]
    assert_reads(events, "visits", 1, later=2 * LATER, window="24h")
    assert_reads(events, "visit_mean_duration_seconds", 5 * 1800.0, later=2 * LATER, window="24h")


def test_the_same_customer_on_two_channels_makes_two_visits() -> None:
    events = [event("login", channel="web"), event("login", channel="ios"), event("signup", channel="ios")]
    assert_reads(events, "visits", 2, later=LATER, window="24h")
    assert_reads(events, "visit_conversion_by_channel_ratio", 1.0, later=LATER, channel="ios", window="24h")
    assert_reads(events, "visit_frequency_customers", 1, later=LATER, visits="2")


@pytest.mark.parametrize(("views", "summed", "pages"), [(1, 2, 2.0), (2, 1, 2.0), (0, 3, 3.0)])
def test_pages_are_those_viewed_or_those_summed_up_if_more(views: int, summed: int, pages: float) -> None:
    seen = [event("page_view", **PAGE) for _ in range(views)]
    session = event("session", session_id="1", duration_ms=0, page_views=summed)
    assert_reads([*seen, session], "visit_mean_pages", pages, later=LATER, window="24h")


@pytest.mark.parametrize(
    ("more", "single_page", "not_engaged"),
    [
        ([], 1.0, 1.0),
        ([("click", 10 * SECOND, {})], 1.0, 1.0),
        ([("click", 10 * SECOND + MILLISECOND, {})], 1.0, 0.0),
        ([("purchase", SECOND, ORDER)], 1.0, 0.0),
        ([("page_view", SECOND, PAGE)], 0.0, 0.0),
    ],
    ids=["one page", "ten seconds", "longer", "a conversion", "two pages"],
)
def test_a_visit_of_one_page_bounces_and_is_engaged_if_it_was_long_or_led_to_something(
    more: list[Any], single_page: float, not_engaged: float
) -> None:
    events = [event("page_view", **PAGE), *(event(type_, ago, **fields) for type_, ago, fields in more)]
    assert_reads(events, "bounce_ratio", single_page, later=LATER, window="24h", basis="single_page")
    assert_reads(events, "bounce_ratio", not_engaged, later=LATER, window="24h", basis="not_engaged")


def test_to_subscribe_belongs_to_a_visit_and_converts_it_while_a_renewal_does_neither() -> None:
    events = [event("login", HALF_HOUR), event("subscription_started"), event("subscription_renewed", DAY)]
    assert_reads(events, "visits", 1, later=LATER, window="7d")
    assert_reads(events, "visit_mean_duration_seconds", 1800.0, later=LATER, window="7d")
    assert_reads(events, "visit_conversion_ratio", 1.0, later=LATER, window="7d")


def test_a_visit_without_pages_cannot_bounce() -> None:
    assert_reads([event("login")], "bounce_ratio", None, later=LATER, window="24h", basis="single_page")


def test_a_page_looked_at_for_a_day_does_not_push_visits_out_of_the_month() -> None:
    events = [event("login", 30 * DAY + 29 * MINUTE), event("page_view", **PAGE, duration_ms=DAY_MS)]
    assert_reads(events, "visits", 1, window="30d")


def test_a_session_of_a_day_takes_in_what_happened_at_its_beginning_however_late_it_comes() -> None:
    session = event("session", 30 * DAY + 20 * MINUTE, session_id="1", duration_ms=DAY_MS, page_views=1)
    events = [event("purchase", 31 * DAY + 15 * MINUTE, **ORDER), session, event("login")]
    assert_reads(events, "visit_conversion_ratio", 1.0, window="30d")


def test_a_channel_once_visited_is_shown_however_long_ago_it_was() -> None:
    events = [event("login", 40 * DAY, channel="store"), event("login")]
    assert_reads(events, "visits_by_channel", 0, channel="store", window="30d")
